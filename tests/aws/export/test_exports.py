"""Compare the template with the plan, field by field, and let AWS's linter read it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.match import Match

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.export.cloudformation import cloudformation
from cfsigned_django.aws.export.documents import export_documents
from cfsigned_django.aws.provisioning.desired_state import DesiredState, OriginAccess
from cfsigned_django.aws.provisioning.steps import NOT_YET
from cfsigned_django.signing import PrivateKey
from tests.aws.provisioning.accounts import planned, site_key

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
DESIRED_STATES: dict[str, dict[str, Any]] = {
    "plain": {},
    "everything": {
        "path_pattern": "media/*",
        "cors_origins": ("https://a.example.com",),
        "downloads": True,
        "region": "ap-northeast-2",
    },
    "origins": {"cors_origins": ("https://a.example.com", "https://b.example.com")},
    "domain": {
        "domain": "media.example.com",
        "certificate": CERTIFICATE,
    },
    "identity": {"origin_access": OriginAccess.OAI},
}


@pytest.fixture(params=list(DESIRED_STATES))
def desired(request: pytest.FixtureRequest, ec_key: PrivateKey, bucket_name: str) -> DesiredState:
    """Return a desired state."""
    options = DESIRED_STATES[request.param]
    return DesiredState(
        bucket=bucket_name, creates_distribution=True, key=site_key(ec_key), **options
    )


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


def test_template_is_the_plan(clients: Clients, desired: DesiredState, aws_account: str) -> None:
    """Say in the template, field by field, what the plan for an empty account would send."""
    sent = {each.name: each.after for each in planned(clients, desired)}

    template = json.loads(cloudformation(export_documents(desired)))

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
    desired = DesiredState(
        bucket=bucket_name, creates_distribution=True, key=site_key(ec_key), downloads=True
    )
    sent = {each.name: each.after for each in planned(clients, desired)}

    template = json.loads(cloudformation(export_documents(desired)))

    control = properties(template, "OriginAccess")["OriginAccessControlConfig"]
    request = properties(template, "OriginRequestPolicy")["OriginRequestPolicyConfig"]
    cache = properties(template, "CachePolicy")["CachePolicyConfig"]
    parameters = cache["ParametersInCacheKeyAndForwardedToOrigin"]
    for queries in (request["QueryStringsConfig"], parameters["QueryStringsConfig"]):
        queries["QueryStrings"] = list_of(queries["QueryStrings"])
    for headers in (request["HeadersConfig"], parameters["HeadersConfig"]):
        headers["Headers"] = list_of(headers["Headers"])
    assert control == sent["origin-access"]
    assert cache == sent["cache-policy"]
    assert request == sent["origin-request-policy"]


def findings(text: str) -> list[Match]:
    """Return what AWS's own linter says of a template."""
    return lint(text, regions=["us-east-1", "ap-northeast-2"])


def test_cfn_lint_finds_nothing(desired: DesiredState) -> None:
    """Pass AWS's own linter."""
    assert findings(cloudformation(export_documents(desired))) == []
    assert findings(cloudformation(export_documents(replace(desired, key=None)))) == []


def test_cfn_lint_would_find_something(desired: DesiredState) -> None:
    """See a mistake, so that the test above means something."""
    text = cloudformation(export_documents(desired)).replace('"PriceClass_All"', '"Cheap"')

    assert {match.rule.id for match in findings(text)} == {"E3030"}
