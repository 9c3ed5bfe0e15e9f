"""Name what people changed by hand, at any depth; leave out what AWS fills in by itself.

Modules: tools/stack/change_set.py
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from cfsigned_django.core.aws.client import Clients
from cfsigned_django.tools.stack.change_set import Change, create
from cfsigned_django.tools.stack.existing import StackError
from cfsigned_django.tools.stack.losses import find_losses, find_removals
from tests.tools import list_of
from tests.tools.account.by_hand import new_behavior, new_distribution_config, new_origin
from tests.tools.stack import BUCKET, EVERYTHING, KEY_GROUP, LEAST
from tests.tools.stack.evaluated import Template

_METHODS = ["HEAD", "GET"]  # not in the order of the template
_LIVE_ORIGIN = {
    **new_origin(BUCKET, origin_id="files"),
    "S3OriginConfig": {"OriginAccessIdentity": "", "OriginReadTimeout": 30},
    "ConnectionAttempts": 3,
    "ConnectionTimeout": 10,
    "OriginShield": {"Enabled": False},
    "OriginAccessControlId": "OriginAccessControl.Id",
}
#: The same as the API of CloudFront answers it: with its defaults, and in its form.
_LIVE: dict[str, Any] = {
    **new_distribution_config(
        "media-us-east-1",
        _LIVE_ORIGIN,
        {
            **new_behavior("files"),
            "TrustedKeyGroups": {"Enabled": True, "Quantity": 1, "Items": [KEY_GROUP]},
            "AllowedMethods": {**list_of(_METHODS), "CachedMethods": list_of(_METHODS)},
            "CachePolicyId": "CachePolicy",
            "ResponseHeadersPolicyId": "headers",
            "GrpcConfig": {"Enabled": False},
        },
    ),
    "Aliases": {"Quantity": 0},
    "DefaultRootObject": "",
    "OriginGroups": {"Quantity": 0},
    "CustomErrorResponses": {"Quantity": 0},
    "Comment": "media-us-east-1",
    "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
    "ViewerCertificate": {
        "CloudFrontDefaultCertificate": True,
        "SSLSupportMethod": "vip",
        "MinimumProtocolVersion": "TLSv1",
        "CertificateSource": "cloudfront",
    },
    "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
    "WebACLId": "",
    "ContinuousDeploymentPolicyId": "",
    "Staging": False,
}


@cache
def deployed() -> Any:
    """Return the properties of the last deployment, as a change set tells them."""
    found = Template(**LEAST).resources()["Distribution"]
    behavior = found["DistributionConfig"]["DefaultCacheBehavior"]
    behavior["ResponseHeadersPolicyId"] = "{{changeSet:KNOWN_AFTER_APPLY}}"
    return found


def losses(live: dict[str, Any], before: Any, after: Any = None) -> list[str]:
    """Return what an update of the distribution would undo."""
    cloudfront = SimpleNamespace(get_distribution_config=lambda Id: {"DistributionConfig": live})
    clients = Clients(cloudfront=cloudfront, s3=None, sts=None)
    names: dict[str, Any] = {"resource": "Distribution", "physical_id": "E1"}
    change = Change(action="change", before=before, after=after, **names)
    return list(find_losses(clients, change))


def test_defaults_of_aws() -> None:
    """Find no loss in what AWS adds, nor in the order of a list."""
    assert losses(_LIVE, deployed()) == []


_FUNCTION = {"FunctionARN": "arn:aws:cloudfront::1:function/f", "EventType": "viewer-request"}
_ERROR = {"ErrorCode": 404, "ResponseCode": "200", "ResponsePagePath": "/404.html"}
_HEADERS = list_of([{"HeaderName": "X-Secret", "HeaderValue": "secret value"}])
_API = {"Id": "api", "DomainName": "api.example.com", "CustomHeaders": _HEADERS}
_COUNTRIES = {"RestrictionType": "whitelist", **list_of(["KR"])}
#: What is said of a change by hand, the block that it is in, and what is put there.
CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("GrpcConfig", "DefaultCacheBehavior", {"GrpcConfig": {"Enabled": True}}),
    ("WebACLId", "", {"WebACLId": "arn:aws:wafv2:x"}),
    ("404", "", {"CustomErrorResponses": list_of([_ERROR])}),
    ("PriceClass_100", "", {"PriceClass": "PriceClass_100"}),
    ("viewer-request", "DefaultCacheBehavior", {"FunctionAssociations": list_of([_FUNCTION])}),
    ("CachePolicyId was changed to other", "DefaultCacheBehavior", {"CachePolicyId": "other"}),
    (KEY_GROUP, "DefaultCacheBehavior", {"TrustedKeyGroups": {"Enabled": False, "Quantity": 0}}),
    ("X-Secret", "", {"Origins": list_of([{**_LIVE_ORIGIN, "CustomHeaders": _HEADERS}])}),
    ("whitelist", "", {"Restrictions": {"GeoRestriction": _COUNTRIES}}),
    ("DefaultRootObject", "", {"DefaultRootObject": "index.html"}),
    ("api.example.com", "", {"Origins": list_of([_LIVE_ORIGIN, _API])}),
]


@pytest.mark.parametrize(("words", "block", "fields"), CHANGES)
def test_each_change_by_hand(words: str, block: str, fields: dict[str, Any]) -> None:
    """Name what was added, changed and removed by hand, at any depth, but no secret."""
    found = losses(
        {**_LIVE, **({block: {**_LIVE[block], **fields}} if block else fields)}, deployed()
    )

    assert any(words in each for each in found)
    assert "secret value" not in " ".join(found)


def test_change_that_is_asked_for() -> None:
    """Find no loss in what was changed by hand, and stays as it is: this run asks for the same."""
    aliases = {"Aliases": list_of(["m.example.com"]), "PriceClass": "PriceClass_100"}
    after = deepcopy(deployed())
    after["DistributionConfig"]["Aliases"] = ["m.example.com"]

    [loss] = losses({**_LIVE, **aliases}, deployed(), after)

    assert "PriceClass_100" in loss


def test_deployment_that_is_not_told() -> None:
    """Say that changes by hand are not known, rather than undo them without a word."""
    [loss] = losses(_LIVE, None)

    assert loss.startswith("the distribution: ")


#: What was changed by hand in which setting of the bucket, and how many losses that is.
CHANGES_OF_A_BUCKET: list[tuple[str, dict[str, Any], int]] = [
    ("encryption", {}, 0),
    ("encryption", {"BucketKeyEnabled": False}, 1),
    ("cors", {"AllowedOrigins": ["https://www.example.com"]}, 1),
    ("expires", {"Expiration": {"Days": 1}}, 1),
    ("expires", {"Filter": {"Prefix": "x/"}}, 1),
]


@pytest.mark.parametrize(("where", "fields", "count"), CHANGES_OF_A_BUCKET)
def test_changes_of_a_bucket(where: str, fields: dict[str, Any], count: int) -> None:
    """Name what was changed by hand in encryption, CORS and lifecycle, in the form of S3."""
    before = Template(**EVERYTHING).resources()["Bucket"]
    [encryption] = before["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    [cors] = before["CorsConfiguration"]["CorsRules"]
    parts, uploads = before["LifecycleConfiguration"]["Rules"]
    by_default = encryption["ServerSideEncryptionByDefault"]
    live: dict[str, dict[str, Any]] = {
        "encryption": {"BucketKeyEnabled": True, "ApplyServerSideEncryptionByDefault": by_default},
        "cors": {**cors, "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 3000},
        "expires": {
            **{"ID": uploads["Id"], "Status": "Enabled"},
            **{"Filter": {"Prefix": uploads["Prefix"]}, "Expiration": {"Days": 7}},
        },
    }
    live[where] |= fields
    s3 = MagicMock()
    s3.get_bucket_encryption.return_value = {
        "ServerSideEncryptionConfiguration": {"Rules": [live["encryption"]]}
    }
    s3.get_bucket_cors.return_value = {"CORSRules": [live["cors"]]}
    s3.get_bucket_lifecycle_configuration.return_value = {"Rules": [parts, live["expires"]]}
    change = Change(action="change", resource="Bucket", physical_id="b", before=before)

    assert len([*find_losses(Clients(cloudfront=None, s3=s3, sts=None), change)]) == count


def test_plan_of_cloudformation() -> None:
    """A resource that is replaced is lost, and what refers to it changes; a failed plan is none."""
    client = MagicMock()
    client.create_change_set.return_value = {"Id": "1", "StackId": "arn/media/1"}
    client.describe_stacks.return_value = {
        "Stacks": [{"StackName": "media", "StackId": "1", "StackStatus": "UPDATE_COMPLETE"}]
    }
    bucket = {"LogicalResourceId": "Bucket", "PhysicalResourceId": "b", "Replacement": "True"}
    policy = {
        "LogicalResourceId": "BucketPolicy",
        "Details": [{"ChangeSource": "ResourceReference"}],
    }
    listed = [{"ResourceChange": {"Action": "Modify", **each}} for each in (bucket, policy)]
    answer: dict[str, Any] = {"Status": "CREATE_COMPLETE", "Changes": listed}
    client.describe_change_set.side_effect = [answer, {"Status": "FAILED", "StatusReason": "why"}]
    options: dict[str, Any] = {"stack": None, "given": {}, "sleep": None, "reverts_drift": True}

    changes = create(client, "media", **options).changes
    with pytest.raises(StackError, match="why"):
        create(client, "media", **options)

    assert [(each.action, each.resource) for each in changes] == [
        ("replace", "Bucket"),
        ("change", "BucketPolicy"),
    ]
    assert list(find_removals(changes[0])) == ["the bucket: b is replaced"]
    assert client.create_change_set.call_args.kwargs["DeploymentMode"] == "REVERT_DRIFT"
