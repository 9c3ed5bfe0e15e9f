"""Compare the exports with the plan, field by field, and let other programs read them."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import hcl2
import pytest
from cfnlint.api import lint
from cfnlint.match import Match

from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.provisioning.cloudformation import cloudformation
from cfsigned_django.aws.provisioning.export import export_documents
from cfsigned_django.aws.provisioning.hcl import Expression, quoted, resource
from cfsigned_django.aws.provisioning.steps import NOT_YET
from cfsigned_django.aws.provisioning.terraform import terraform
from cfsigned_django.aws.provisioning.wish import OriginAccess, Wish
from cfsigned_django.aws.stack import Clients
from cfsigned_django.signing import PrivateKey
from tests.setup.accounts import planned, site_key

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
WISHES: dict[str, dict[str, Any]] = {
    "plain": {},
    "everything": {
        "path_pattern": "media/*",
        "cors_origins": ("https://a.example.com",),
        "downloads": True,
        "region": "ap-northeast-2",
    },
    "domain": {
        "domain": "media.example.com",
        "certificate": CERTIFICATE,
    },
    "identity": {"origin_access": OriginAccess.OAI},
}


@pytest.fixture(params=list(WISHES))
def wish(request: pytest.FixtureRequest, ec_key: PrivateKey, bucket_name: str) -> Wish:
    """Return a wish."""
    options = WISHES[request.param]
    return Wish(bucket=bucket_name, creates_distribution=True, key=site_key(ec_key), **options)


def properties(template: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the properties of a resource, with references as a plan shows what is not made yet."""
    found: dict[str, Any] = _unknown(template["Resources"][name]["Properties"])
    return found


def _unknown(value: Any) -> Any:
    if isinstance(value, list):
        return [_unknown(each) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Fn::Sub"}:
        text: str = value["Fn::Sub"]
        for name in ("Distribution", "OriginAccess"):
            text = text.replace(f"${{{name}}}", NOT_YET)
        return text.replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", "ACCOUNT")
    if len(value) == 1 and set(value) <= {"Ref", "Fn::GetAtt"}:
        return NOT_YET
    return {name: _unknown(each) for name, each in value.items()}


def as_api(config: dict[str, Any]) -> dict[str, Any]:
    """Write the distribution of a template as the API has it: the other way than the export."""

    def behavior(given: dict[str, Any]) -> dict[str, Any]:
        groups = given["TrustedKeyGroups"]
        rest = {
            k: v
            for k, v in given.items()
            if k not in ("AllowedMethods", "CachedMethods", "TrustedKeyGroups")
        }
        return {
            **rest,
            "AllowedMethods": {
                **list_of(given["AllowedMethods"]),
                "CachedMethods": list_of(given["CachedMethods"]),
            },
            "TrustedKeyGroups": {"Enabled": True, **list_of(groups)},
            "TrustedSigners": {"Enabled": False, "Quantity": 0},
            "FieldLevelEncryptionId": "",
            "LambdaFunctionAssociations": {"Quantity": 0},
            "FunctionAssociations": {"Quantity": 0},
        }

    def origin(given: dict[str, Any]) -> dict[str, Any]:
        empty = {"OriginPath": "", "CustomHeaders": {"Quantity": 0}, "OriginAccessControlId": ""}
        return {**empty, **given}

    rest = {k: v for k, v in config.items() if k not in ("IPV6Enabled", "CacheBehaviors")}
    if "Aliases" in rest:
        names = {"AcmCertificateArn": "ACMCertificateArn", "SslSupportMethod": "SSLSupportMethod"}
        certificate = rest["ViewerCertificate"]
        rest["Aliases"] = list_of(rest["Aliases"])
        rest["ViewerCertificate"] = {names.get(k, k): v for k, v in certificate.items()}
    return {
        **rest,
        "CallerReference": config["Comment"],
        "IsIPV6Enabled": config["IPV6Enabled"],
        "Origins": list_of([origin(each) for each in config["Origins"]]),
        "DefaultCacheBehavior": behavior(config["DefaultCacheBehavior"]),
        "CacheBehaviors": list_of([behavior(each) for each in config.get("CacheBehaviors", [])]),
    }


def test_template_is_the_plan(clients: Clients, wish: Wish, aws_account: str) -> None:
    """Say in the template, field by field, what the plan for an empty account would send."""
    sent = {each.name: each.after for each in planned(clients, wish)}

    template = json.loads(cloudformation(export_documents(wish)))

    distribution = properties(template, "Distribution")["DistributionConfig"]
    assert as_api(distribution) == sent["distribution"]
    bucket = properties(template, "Bucket")
    assert bucket["BucketName"] == sent["bucket"]["Bucket"]
    assert bucket["PublicAccessBlockConfiguration"] == sent["block-public-access"]
    (rule,) = bucket["OwnershipControls"]["Rules"]
    assert rule["ObjectOwnership"] == sent["bucket"]["ObjectOwnership"]
    cors = [
        {
            {"Id": "ID", "ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}.get(k, k): v
            for k, v in each.items()
        }
        for each in bucket.get("CorsConfiguration", {}).get("CorsRules", [])
    ]
    assert (cors or None) == sent.get("bucket-cors")
    policy = properties(template, "BucketPolicy")["PolicyDocument"]
    text = json.dumps(policy).replace("ACCOUNT", aws_account)
    statements = json.loads(text)["Statement"]
    assert [{**each, "Sid": ""} for each in statements] == [
        {**each, "Sid": ""} for each in sent["bucket-policy"]["Statement"]
    ]
    group = properties(template, "KeyGroup")["KeyGroupConfig"]
    assert {**group, "Items": [NOT_YET]} == sent["key-group"]
    key = properties(template, "PublicKey")["PublicKeyConfig"]
    assert key["Name"] == sent["public-key"]["Name"]
    assert template["Parameters"]["PublicKeyPem"]["Default"] == sent["public-key"]["EncodedKey"]


def test_template_of_the_policies_is_the_plan(
    clients: Clients, bucket_name: str, ec_key: PrivateKey
) -> None:
    """Say in the template what the plan would send for downloads and for the access control."""
    wish = Wish(bucket=bucket_name, creates_distribution=True, key=site_key(ec_key), downloads=True)
    sent = {each.name: each.after for each in planned(clients, wish)}

    template = json.loads(cloudformation(export_documents(wish)))

    control = properties(template, "OriginAccess")["OriginAccessControlConfig"]
    request = properties(template, "OriginRequestPolicy")["OriginRequestPolicyConfig"]
    cache = properties(template, "CachePolicy")["CachePolicyConfig"]
    parameters = cache["ParametersInCacheKeyAndForwardedToOrigin"]
    for queries in (request["QueryStringsConfig"], parameters["QueryStringsConfig"]):
        queries["QueryStrings"] = list_of(queries["QueryStrings"])
    request["HeadersConfig"]["Headers"] = list_of(request["HeadersConfig"]["Headers"])
    assert control == sent["origin-access"]
    assert cache == sent["cache-policy"]
    assert request == sent["origin-request-policy"]


def findings(text: str) -> list[Match]:
    """Return what AWS's own linter says of a template."""
    return lint(text, regions=["us-east-1", "ap-northeast-2"])


def test_cfn_lint_finds_nothing(wish: Wish) -> None:
    """Pass AWS's own linter."""
    assert findings(cloudformation(export_documents(wish))) == []
    assert findings(cloudformation(export_documents(replace(wish, key=None)))) == []


def test_cfn_lint_would_find_something(wish: Wish) -> None:
    """See a mistake, so that the test above means something."""
    text = cloudformation(export_documents(wish)).replace('"PriceClass_All"', '"Cheap"')

    assert {match.rule.id for match in findings(text)} == {"E3030"}


def test_terraform_is_the_plan(clients: Clients, wish: Wish) -> None:
    """Say in Terraform what the plan would send, as another parser reads it."""
    sent = {each.name: each.after for each in planned(clients, wish)}

    parsed: dict[str, Any] = {}
    for each in hcl2.loads(terraform(export_documents(wish)))["resource"]:
        for kind, labels in each.items():
            parsed[kind.strip('"')] = next(iter(labels.values()))

    distribution, config = parsed["aws_cloudfront_distribution"], sent["distribution"]
    (default,) = distribution["default_cache_behavior"]
    expected = config["DefaultCacheBehavior"]
    (origin,) = distribution["origin"]
    assert unquoted(default["viewer_protocol_policy"]) == expected["ViewerProtocolPolicy"]
    assert [unquoted(m) for m in default["allowed_methods"]] == expected["AllowedMethods"]["Items"]
    assert default["trusted_key_groups"] == ["${aws_cloudfront_key_group.media.id}"]
    assert unquoted(origin["domain_name"]) == config["Origins"]["Items"][0]["DomainName"]
    is_oac = wish.origin_access is OriginAccess.OAC
    assert ("origin_access_control_id" in origin) is is_oac
    assert ("s3_origin_config" in origin) is not is_oac
    patterns = [unquoted(b["path_pattern"]) for b in distribution.get("ordered_cache_behavior", [])]
    assert patterns == ([wish.path_pattern] if wish.path_pattern else [])
    aliases = [unquoted(each) for each in distribution.get("aliases", [])]
    assert aliases == ([wish.domain] if wish.domain else [])
    (certificate,) = distribution["viewer_certificate"]
    assert ("acm_certificate_arn" in certificate) == bool(wish.certificate)
    block = parsed["aws_s3_bucket_public_access_block"]
    assert sum(value is True for name, value in block.items() if "public" in name) == 4
    key = parsed["aws_cloudfront_public_key"]["encoded_key"]
    assert json.loads(key) == sent["public-key"]["EncodedKey"]
    assert ("aws_s3_bucket_cors_configuration" in parsed) == ("bucket-cors" in sent)
    assert ("aws_cloudfront_cache_policy" in parsed) == wish.downloads


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not on PATH")
def test_terraform_validates(wish: Wish, tmp_path: Path) -> None:
    """Pass terraform validate."""
    (tmp_path / "main.tf").write_text(terraform(export_documents(wish)), encoding="utf-8")
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


def unquoted(text: str) -> str:
    """Return a string as it was before the parser kept its quotes."""
    found: str = json.loads(text)
    return found
