"""Compare the Terraform with the plan, field by field, as another parser reads it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.export.documents import export_documents
from cfsigned_django.aws.export.terraform import Expression, quoted, resource, terraform
from cfsigned_django.aws.provisioning.desired_state import DesiredState, OriginAccess
from cfsigned_django.aws.provisioning.steps import NOT_YET
from cfsigned_django.signing import PrivateKey
from tests.aws.export.test_exports import DESIRED_STATES
from tests.aws.provisioning.accounts import planned, site_key

#: Words of a policy that are not the API's in another spelling.
NAMES = {"id": "ID", "default_ttl": "DefaultTTL", "max_ttl": "MaxTTL", "min_ttl": "MinTTL"}


@pytest.fixture(params=list(DESIRED_STATES))
def desired(request: pytest.FixtureRequest, ec_key: PrivateKey, bucket_name: str) -> DesiredState:
    """Return a desired state."""
    options = DESIRED_STATES[request.param]
    return DesiredState(
        bucket=bucket_name, creates_distribution=True, key=site_key(ec_key), **options
    )


def resources(text: str, references: dict[str, str]) -> dict[str, Any]:
    """Return the body of each resource; what is not made yet reads as in a plan."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(each) for each in value]
        if isinstance(value, dict):
            return {k.strip('"'): plain(v) for k, v in value.items() if k != "__is_block__"}
        if not isinstance(value, str):
            return value
        if value.startswith('"'):
            return json.loads(value)
        expression = value.removeprefix("${").removesuffix("}")
        if expression.startswith("jsonencode("):
            inner = expression.removeprefix("jsonencode(").removesuffix(")")
            return plain(hcl2.loads(f"x = {inner}\n")["x"])
        if expression == value:
            return value  # a bare word
        return references.get(expression, NOT_YET)

    found = {}
    for each in hcl2.loads(text)["resource"]:
        for kind, labels in each.items():
            found[kind.strip('"')] = plain(next(iter(labels.values())))
    return found


def camel(value: Any) -> Any:
    """Write blocks of a policy or a rule as the API has them."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return list_of(value[0]["items"]) if set(value[0]) == {"items"} else camel(value[0])
    if isinstance(value, dict):
        return {
            NAMES.get(k, "".join(word.title() for word in k.split("_"))): camel(v)
            for k, v in value.items()
        }
    return value


def behavior(given: dict[str, Any]) -> dict[str, Any]:
    """Write a behavior as the API has it."""
    rest = dict(given)
    methods, cached, groups = (
        list_of(rest.pop(name))
        for name in ("allowed_methods", "cached_methods", "trusted_key_groups")
    )
    return {
        **camel(rest),
        "AllowedMethods": {**methods, "CachedMethods": cached},
        "TrustedKeyGroups": {"Enabled": True, **groups},
        "TrustedSigners": {"Enabled": False, "Quantity": 0},
        "FieldLevelEncryptionId": "",
        "LambdaFunctionAssociations": {"Quantity": 0},
        "FunctionAssociations": {"Quantity": 0},
    }


def origin(given: dict[str, Any]) -> dict[str, Any]:
    """Write an origin as the API has it."""
    rest = dict(given)
    (identity,) = rest.pop("s3_origin_config", [{"origin_access_identity": ""}])
    empty = {"OriginPath": "", "CustomHeaders": {"Quantity": 0}, "OriginAccessControlId": ""}
    return {**empty, "Id": rest.pop("origin_id"), **camel(rest), "S3OriginConfig": camel(identity)}


def distribution(given: dict[str, Any]) -> dict[str, Any]:
    """Write the distribution as the API has it, without what it says by leaving it out."""
    rest = dict(given)
    assert rest.pop("restrictions") == [{"geo_restriction": [{"restriction_type": "none"}]}]
    (certificate,) = rest.pop("viewer_certificate")
    (default,) = rest.pop("default_cache_behavior")
    domain: dict[str, Any] = {}
    if "aliases" in rest:
        domain = {
            "Aliases": list_of(rest.pop("aliases")),
            "ViewerCertificate": {
                "ACMCertificateArn": certificate.pop("acm_certificate_arn"),
                "SSLSupportMethod": certificate.pop("ssl_support_method"),
                **camel(certificate),
            },
        }
    else:
        assert certificate == {"cloudfront_default_certificate": True}
    return {
        "CallerReference": rest["comment"],
        "Origins": list_of([origin(each) for each in rest.pop("origin")]),
        "DefaultCacheBehavior": behavior(default),
        "CacheBehaviors": list_of(
            [behavior(each) for each in rest.pop("ordered_cache_behavior", [])]
        ),
        "IsIPV6Enabled": rest.pop("is_ipv6_enabled"),
        **domain,
        **camel(rest),
    }


def test_terraform_is_the_plan(clients: Clients, desired: DesiredState, aws_account: str) -> None:
    """Say in Terraform, field by field, what the plan for an empty account would send."""
    sent = {each.name: each.after for each in planned(clients, desired)}
    identity = "aws_cloudfront_origin_access_identity.media"
    references = {
        "aws_s3_bucket.media.id": desired.bucket,
        "aws_cloudfront_distribution.media.arn": (
            f"arn:aws:cloudfront::{aws_account}:distribution/{NOT_YET}"
        ),
        f"{identity}.cloudfront_access_identity_path": (
            f"origin-access-identity/cloudfront/{NOT_YET}"
        ),
        f"{identity}.iam_arn": (
            f"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity {NOT_YET}"
        ),
    }

    found = resources(terraform(export_documents(desired)), references)

    assert distribution(found.pop("aws_cloudfront_distribution")) == sent["distribution"]
    public_key = found.pop("aws_cloudfront_public_key")
    assert public_key == {
        "name": sent["public-key"]["Name"],
        "encoded_key": sent["public-key"]["EncodedKey"],
    }
    group = found.pop("aws_cloudfront_key_group")
    del group["lifecycle"]
    assert camel(group) == sent["key-group"]
    assert found.pop("aws_s3_bucket") == {"bucket": sent["bucket"]["Bucket"]}
    rest = {name: {**body} for name, body in found.items()}
    in_bucket = {name: rest[name].pop("bucket") for name in rest if name.startswith("aws_s3_")}
    assert set(in_bucket.values()) == {desired.bucket}
    (ownership,) = rest.pop("aws_s3_bucket_ownership_controls").values()
    assert camel(ownership) == {"ObjectOwnership": sent["bucket"]["ObjectOwnership"]}
    assert camel(rest.pop("aws_s3_bucket_public_access_block")) == sent["block-public-access"]
    policy = rest.pop("aws_s3_bucket_policy")["policy"]
    for statement in (*policy["Statement"], *sent["bucket-policy"]["Statement"]):
        statement["Sid"] = ""
    assert policy == sent["bucket-policy"]
    (rule,) = rest.pop("aws_s3_bucket_cors_configuration", {"cors_rule": [None]})["cors_rule"]
    assert ([camel(rule)] if rule else None) == sent.get("bucket-cors")
    access = sent["origin-access"]
    if desired.origin_access is not OriginAccess.OAI:
        assert camel(rest.pop("aws_cloudfront_origin_access_control")) == access
    else:
        assert camel(rest.pop(identity.partition(".")[0])) == {"Comment": access["Comment"]}
    assert camel(rest.pop("aws_cloudfront_cache_policy", None)) == sent.get("cache-policy")
    request = camel(rest.pop("aws_cloudfront_origin_request_policy", None))
    assert request == sent.get("origin-request-policy")
    assert rest == {}


def test_rotation_is_left_alone(bucket_name: str, ec_key: PrivateKey) -> None:
    """Let no later apply put back the first key, and take out the one that signs by then."""
    desired = DesiredState(bucket=bucket_name, creates_distribution=True, key=site_key(ec_key))

    found = resources(terraform(export_documents(desired)), {})

    assert found["aws_cloudfront_key_group"]["lifecycle"] == [{"ignore_changes": ["items"]}]


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not on PATH")
def test_terraform_validates(desired: DesiredState, tmp_path: Path) -> None:
    """Pass terraform validate."""
    (tmp_path / "main.tf").write_text(terraform(export_documents(desired)), encoding="utf-8")
    subprocess.run(["terraform", "init", "-backend=false"], cwd=tmp_path, check=True)
    subprocess.run(["terraform", "validate"], cwd=tmp_path, check=True)


def test_hcl() -> None:
    """Interpolate nothing that is a string, and write every kind of value."""
    text = resource(
        "kind", "label", {"s": "${x} %{y}", "n": 1, "e": Expression("a.b"), "m": {"a:b": True}}
    )

    assert quoted("${x}") == '"$${x}"'
    assert hcl2.loads(text)["resource"]
    assert 's = "$${x} %%{y}"' in text
    assert '"a:b" = true' in text
