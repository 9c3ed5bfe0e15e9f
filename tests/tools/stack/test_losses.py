"""Name what people changed by hand, at any depth; leave out what AWS fills in by itself."""

from __future__ import annotations

from copy import deepcopy
from types import SimpleNamespace
from typing import Any

from cfsigned_django.aws.client import Clients
from cfsigned_django.tools.stack.change_set import Change
from cfsigned_django.tools.stack.losses import find_losses

_KEY_GROUP = "1a2b3c4d-0000-4000-8000-1a2b3c4d5e6f"
_METHODS = ["GET", "HEAD"]
#: The properties of the last deployment, as a change set tells them.
_BEFORE: dict[str, Any] = {
    "DistributionConfig": {
        "Comment": "media-us-east-1",
        "Enabled": True,
        "HttpVersion": "http2and3",
        "IPV6Enabled": False,
        "PriceClass": "PriceClass_All",
        "ViewerCertificate": {"CloudFrontDefaultCertificate": True},
        "Origins": [
            {
                "Id": "files",
                "DomainName": "media-example.s3.us-east-1.amazonaws.com",
                "OriginAccessControlId": "E1OAC",
                "S3OriginConfig": {"OriginAccessIdentity": ""},
            }
        ],
        "DefaultCacheBehavior": {
            "TargetOriginId": "files",
            "TrustedKeyGroups": [_KEY_GROUP],
            "ViewerProtocolPolicy": "redirect-to-https",
            "AllowedMethods": _METHODS,
            "CachedMethods": _METHODS,
            "Compress": True,
            "CachePolicyId": "cache",
            "ResponseHeadersPolicyId": "{{changeSet:KNOWN_AFTER_APPLY}}",
        },
    }
}
_NONE = {"Quantity": 0}
_METHODS_LIST = {"Quantity": 2, "Items": ["HEAD", "GET"]}
#: The same as the API of CloudFront answers it: with its defaults, and in its form.
_LIVE: dict[str, Any] = {
    "CallerReference": "1f2e3d",
    "Aliases": _NONE,
    "DefaultRootObject": "",
    "Origins": {
        "Quantity": 1,
        "Items": [
            {
                "Id": "files",
                "DomainName": "media-example.s3.us-east-1.amazonaws.com",
                "OriginPath": "",
                "CustomHeaders": _NONE,
                "S3OriginConfig": {"OriginAccessIdentity": "", "OriginReadTimeout": 30},
                "ConnectionAttempts": 3,
                "ConnectionTimeout": 10,
                "OriginShield": {"Enabled": False},
                "OriginAccessControlId": "E1OAC",
            }
        ],
    },
    "OriginGroups": _NONE,
    "DefaultCacheBehavior": {
        "TargetOriginId": "files",
        "TrustedSigners": {"Enabled": False, "Quantity": 0},
        "TrustedKeyGroups": {"Enabled": True, "Quantity": 1, "Items": [_KEY_GROUP]},
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": {**_METHODS_LIST, "CachedMethods": _METHODS_LIST},
        "SmoothStreaming": False,
        "Compress": True,
        "LambdaFunctionAssociations": _NONE,
        "FunctionAssociations": _NONE,
        "FieldLevelEncryptionId": "",
        "CachePolicyId": "cache",
        "ResponseHeadersPolicyId": "headers",
        "GrpcConfig": {"Enabled": False},
    },
    "CacheBehaviors": _NONE,
    "CustomErrorResponses": _NONE,
    "Comment": "media-us-east-1",
    "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
    "PriceClass": "PriceClass_All",
    "Enabled": True,
    "ViewerCertificate": {
        "CloudFrontDefaultCertificate": True,
        "SSLSupportMethod": "vip",
        "MinimumProtocolVersion": "TLSv1",
        "CertificateSource": "cloudfront",
    },
    "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
    "WebACLId": "",
    "HttpVersion": "http2and3",
    "IsIPV6Enabled": False,
    "ContinuousDeploymentPolicyId": "",
    "Staging": False,
}


def losses(live: dict[str, Any], before: Any = _BEFORE) -> list[str]:
    """Return what an update of the distribution would undo."""
    cloudfront = SimpleNamespace(get_distribution_config=lambda Id: {"DistributionConfig": live})
    clients = Clients(cloudfront=cloudfront, s3=None, sts=None)
    change = Change(
        action="change", resource="Distribution", physical_id="E1A2B3C4D5E6F7", before=before
    )
    return list(find_losses(clients, change))


def test_defaults_of_aws() -> None:
    """Find no loss in what AWS adds, nor in the order of a list."""
    assert losses(_LIVE) == []


def test_each_change_by_hand() -> None:
    """Name what was added, changed and removed by hand, at any depth."""
    function = {"FunctionARN": "arn:aws:cloudfront::1:function/f", "EventType": "viewer-request"}
    error = {"ErrorCode": 404, "ResponseCode": "200", "ResponsePagePath": "/404.html"}
    header = {"HeaderName": "X-Secret", "HeaderValue": "secret value"}
    wanted: dict[str, Any] = {
        "GrpcConfig": lambda live: live["DefaultCacheBehavior"].update(
            GrpcConfig={"Enabled": True}
        ),
        "WebACLId": lambda live: live.update(WebACLId="arn:aws:wafv2:x"),
        "404": lambda live: live.update(CustomErrorResponses={"Quantity": 1, "Items": [error]}),
        "PriceClass_100": lambda live: live.update(PriceClass="PriceClass_100"),
        "viewer-request": lambda live: live["DefaultCacheBehavior"].update(
            FunctionAssociations={"Quantity": 1, "Items": [function]}
        ),
        "CachePolicyId was changed to other": lambda live: live["DefaultCacheBehavior"].update(
            CachePolicyId="other"
        ),
        _KEY_GROUP: lambda live: live["DefaultCacheBehavior"].update(
            TrustedKeyGroups={"Enabled": False, "Quantity": 0}
        ),
        "X-Secret": lambda live: live["Origins"]["Items"][0].update(
            CustomHeaders={"Quantity": 1, "Items": [header]}
        ),
        "whitelist": lambda live: live["Restrictions"]["GeoRestriction"].update(
            RestrictionType="whitelist", Quantity=1, Items=["KR"]
        ),
        "DefaultRootObject": lambda live: live.update(DefaultRootObject="index.html"),
        "api.example.com": lambda live: live["Origins"]["Items"].append(
            {
                "Id": "api",
                "DomainName": "api.example.com",
                "CustomHeaders": {"Quantity": 1, "Items": [header]},
            }
        ),
    }

    said, everything = {}, ""
    for words, change in wanted.items():
        live = deepcopy(_LIVE)
        change(live)
        found = losses(live)
        said[words] = any(words in each for each in found)
        everything += " ".join(found)
    assert said == dict.fromkeys(wanted, True)
    assert "secret value" not in everything


def test_deployment_that_is_not_told() -> None:
    """Say that changes by hand are not known, rather than undo them without a word."""
    [loss] = losses(_LIVE, before=None)

    assert loss.startswith("the distribution: ")
