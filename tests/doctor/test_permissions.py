"""Name the permission that is missing, and what it keeps the doctor from looking at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.documents.iam import doctor_policy
from cfsigned_django.doctor.distribution import DEPENDS_ON_PERMISSION, why_not_checked
from cfsigned_django.doctor.findings import Level
from tests.doctor import faults, ids
from tests.doctor.failing import Failing, check_rest, denied, examine_with, fail
from tests.doctor.seeded import missing_cors, no_public_access_block, public_bucket
from tests.doctor.world import World

PERMISSIONS: list[tuple[str, str, str, set[str]]] = [
    ("cloudfront", "list_distributions", "cloudfront:ListDistributions", {"bucket-not-public"}),
    ("cloudfront", "get_distribution", "cloudfront:GetDistribution", {"bucket-not-public"}),
    ("cloudfront", "list_key_groups", "cloudfront:ListKeyGroups", {"behavior", "bucket"}),
    (
        "cloudfront",
        "list_origin_access_controls",
        "cloudfront:ListOriginAccessControls",
        {"keys", "behavior", "bucket", "origin"},
    ),
    ("cloudfront", "list_cache_policies", "cloudfront:ListCachePolicies", {"keys", "origin"}),
    (
        "cloudfront",
        "list_origin_request_policies",
        "cloudfront:ListOriginRequestPolicies",
        {"keys", "origin"},
    ),
    (
        "cloudfront",
        "get_response_headers_policy",
        "cloudfront:GetResponseHeadersPolicy",
        {"keys", "origin", "bucket"},
    ),
    ("s3", "get_bucket_policy", "s3:GetBucketPolicy", {"keys", "behavior", "origin", "delivery"}),
    ("s3", "get_bucket_cors", "s3:GetBucketCORS", {"keys", "behavior", "origin", "bucket"}),
    (
        "s3",
        "get_public_access_block",
        "s3:GetBucketPublicAccessBlock",
        {"keys", "behavior", "origin", "delivery"},
    ),
    (
        "s3",
        "get_bucket_ownership_controls",
        "s3:GetBucketOwnershipControls",
        {"keys", "behavior", "origin", "bucket", "delivery"},
    ),
]


@pytest.mark.parametrize(
    ("service", "call", "permission", "others"), PERMISSIONS, ids=[each[1] for each in PERMISSIONS]
)
def test_one_permission_is_missing(
    service: str, call: str, permission: str, others: set[str], world: World
) -> None:
    """Name the permission that is missing, and check all that does not depend on it."""
    failing = Failing(getattr(world.clients, service), denied, call)
    examine_with(world, replace(world.clients, **{service: failing}))

    found = world.examine()

    assert faults(found) == ["aws-unreadable"]
    [problem] = [each for each in found if each.level is Level.ERROR]
    assert problem.subject == permission
    assert permission in problem.what
    assert problem.fix == (
        f"Allow {permission} in IAM for the user or role whose credentials are used here."
    )
    assert problem.why == f"Not looked at, and so not known: {DEPENDS_ON_PERMISSION[permission]}."
    assert others <= {*ids(found)}
    check_rest(found)


def test_every_permission_is_missing(world: World) -> None:
    """Name each permission that is missing."""
    fail(world, denied)

    found = world.examine()

    assert {*faults(found)} == {"aws-unreadable"}
    assert len({each.subject for each in found if each.id == "aws-unreadable"}) >= 6
    check_rest(found)


@pytest.mark.parametrize(
    ("call", "breaks", "expected"),
    [
        ("get_bucket_cors", public_bucket, "bucket-public"),
        ("get_bucket_policy", no_public_access_block, "bucket-not-blocked"),
        ("get_public_access_block", public_bucket, "bucket-public"),
        ("get_bucket_ownership_controls", missing_cors, "cors-rule-missing"),
    ],
)
def test_other_parts_of_the_bucket(call: str, breaks: Any, expected: str, world: World) -> None:
    """Check what of the bucket may be read, where one part may not."""
    breaks(world, None)
    failing = Failing(world.clients.s3, denied, call)
    examine_with(world, replace(world.clients, s3=failing))

    found = world.examine()

    assert expected in faults(found)
    assert faults(found).count("aws-unreadable") == 1


def test_questions_are_those_of_the_policy() -> None:
    """Say for each permission of --iam that the doctor uses what depends on it."""
    allowed = {each for s in doctor_policy("b")["Statement"] for each in s["Action"]}

    assert DEPENDS_ON_PERMISSION.keys() <= allowed
    assert why_not_checked(None) is None
