"""Say once why AWS could not be asked and what was not examined, and continue with the rest.

Modules: tools/doctor/aws.py, tools/account/reader.py
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from botocore.exceptions import (
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
)

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.tools.account.account import Account, Bucket, BucketState
from cfsigned_django.tools.account.state.wanted import Wanted
from cfsigned_django.tools.doctor.aws import DEPENDS_ON_PERMISSION, check_aws
from cfsigned_django.tools.findings import Finding, Level
from tests.aws.failing import Failing, denied
from tests.ministack_server import MinistackHere
from tests.pages import DOCS, read
from tests.simulation.answers import refusal
from tests.storage_cases import DOMAIN
from tests.tools.doctor import faults, ids
from tests.tools.doctor.sites import HEALTHY
from tests.tools.doctor.world import (
    OTHER_ORIGIN,
    Change,
    World,
    behavior,
    both,
    cors,
    no_block,
    public_bucket,
    world_with,
)

#: What needs no call to AWS.
REST = {"signing-key", "unsigned-refused", "signed-served"}


def fail(world: World, error: Callable[[str], Exception], *calls: str) -> None:
    """Make the doctor's calls to AWS fail, or some; CloudFront and S3 still answer viewers."""
    clients = world.clients
    world.make_clients = lambda: Clients(
        cloudfront=Failing(clients.cloudfront, error, *calls),
        s3=Failing(clients.s3, error, *calls),
        sts=Failing(clients.sts, error, *calls),
        cloudformation=clients.cloudformation,
    )


def the_problem(found: list[Finding]) -> Finding:
    """Return the only fault, which is that AWS could not be asked; the rest was looked at."""
    assert faults(found) == ["aws-unreadable"]
    assert {*ids(found)} >= REST
    [problem] = [each for each in found if each.level is Level.ERROR]
    return problem


def failing(error: Exception, *calls: str) -> Change:
    """Make some calls to AWS, or all, fail with the error."""
    return lambda world, settings: fail(world, lambda name: error, *calls)


def no_clients() -> Clients:
    """Fail as if boto3 could make no client."""
    raise AwsError(what="set up AWS access", reason="x", next_step="Do y.", code="Z")


#: Why AWS could not be asked, and the words for it.
PROBLEMS: dict[str, tuple[Change, list[str]]] = {
    "network": (
        failing(EndpointConnectionError(endpoint_url="https://cloudfront.x/")),
        ["cloudfront.x"],
    ),
    "credentials": (failing(NoCredentialsError()), ["AWS_PROFILE"]),
    "region": (failing(NoRegionError()), ["AWS_DEFAULT_REGION"]),
    "throttling": (failing(refusal("Throttling", "x", "Rate exceeded")), ["Throttling"]),
    "expired": (failing(refusal("ExpiredToken", "x", "expired")), ["expired"]),
    "bucket in another region": (
        failing(refusal("PermanentRedirect", "x", "use another"), "head_bucket"),
        ["AWS_S3_REGION_NAME"],
    ),
    "no client": (world_with(make_clients=no_clients), ["Do y."]),
    "unknown distribution": (
        world_with(options={"distribution_id": "EUNKNOWN123"}),
        ["EUNKNOWN123"],
    ),
}


def test_aws_cannot_be_asked(world: World, subtests: pytest.Subtests) -> None:
    """Say once why a call fails, and examine all that needs no call."""
    for name, (change, words) in PROBLEMS.items():
        change(site := replace(world), None)
        with subtests.test(name):
            problem = the_problem(site.examine())

            assert all(each in problem.what + problem.fix for each in words)


#: What is not looked at, or in fewer words, if the distribution is unknown.
ALL = "downloads-note stale-window"
#: A call that is not allowed, its permission, and what a healthy site then has not, or instead.
PERMISSIONS: list[tuple[str, str, str]] = [
    ("list_distributions", "cloudfront:ListDistributions", ALL),
    ("get_distribution", "cloudfront:GetDistribution", ALL),
    ("list_key_groups", "cloudfront:ListKeyGroups", ""),
    ("list_origin_access_controls", "cloudfront:ListOriginAccessControls", ""),
    ("list_cache_policies", "cloudfront:ListCachePolicies", "downloads-note stale-window"),
    ("list_origin_request_policies", "cloudfront:ListOriginRequestPolicies", "downloads-note"),
    ("get_response_headers_policy", "cloudfront:GetResponseHeadersPolicy", ""),
    ("get_bucket_policy", "s3:GetBucketPolicy", ""),
    ("get_bucket_cors", "s3:GetBucketCORS", ""),
    ("get_public_access_block", "s3:GetBucketPublicAccessBlock", ""),
]


def test_one_permission_is_missing(world: World, subtests: pytest.Subtests) -> None:
    """Name the permission that is missing and what depends on it, and check all else."""
    for call, permission, others in PERMISSIONS:
        fail(site := replace(world), denied, call)
        with subtests.test(call):
            found = site.examine()

            problem = the_problem(found)
            assert problem.subject == permission
            assert permission in problem.what
            assert permission in problem.fix
            assert DEPENDS_ON_PERMISSION[permission] in problem.why
            assert {*ids(found)} ^ HEALTHY == {"aws-unreadable", *others.split()}


def test_every_permission_is_missing(world: World) -> None:
    """Name each permission that is missing, all of which the documented policy allows."""
    fail(world, denied)

    found = world.examine()

    missing = {each.subject for each in found if each.id == "aws-unreadable"}
    allowed = {
        each
        for part in json.loads(read(DOCS / "reference" / "iam" / "doctor.json"))["Statement"]
        for each in part["Action"]
    }
    assert {*faults(found)} == {"aws-unreadable"}
    assert len(missing) >= 6
    assert missing <= DEPENDS_ON_PERMISSION.keys() <= allowed | {"sts:GetCallerIdentity"}
    assert {*ids(found)} >= REST


#: A call that is not allowed, and what is then not found of a bucket that is open in each way.
PARTS = {
    "get_bucket_cors": {"cors-rule-missing"},
    "get_bucket_policy": {"bucket-public"},
    "get_public_access_block": {"bucket-not-blocked"},
}


def test_other_parts_of_the_bucket(world: World, subtests: pytest.Subtests) -> None:
    """Judge the parts of the bucket that may be read if one may not."""
    no_headers = behavior(ResponseHeadersPolicyId=None)
    both(public_bucket, no_block, no_headers, cors(OTHER_ORIGIN))(world, None)
    for call, unread in PARTS.items():
        fail(site := replace(world), denied, call)
        with subtests.test(call):
            found = faults(site.examine())

            each = {"bucket-public", "bucket-not-blocked", "cors-rule-missing"}
            assert each & {*found} == each - unread
            assert found.count("aws-unreadable") == 1


def test_other_account(world: World, ministack: MinistackHere) -> None:
    """Say that the credentials' account has no such distribution, and name the account."""
    account = "999999999998"
    world.make_clients = lambda: ministack.clients(account)

    found = world.examine()

    assert faults(found) == ["no-distribution", "key-unknown", "no-key-group", "bucket-refused"]
    assert account in next(each.what for each in found if each.id == "no-distribution")
    assert {*ids(found)} >= REST


def test_no_network_at_all(world: World) -> None:
    """Say that neither AWS nor the domain nor S3 answers; offline, ask none of them."""
    fail(world, lambda name: EndpointConnectionError(endpoint_url="https://x.amazonaws.com/"))
    world.is_cut_off = True

    assert faults(world.examine()) == ["aws-unreadable", "no-answer", "s3-no-answer"]
    assert ids(world.examine(online=False)) == ["signing-key"]


def test_missing_bucket_without_a_distribution() -> None:
    """Report a missing bucket if no distribution is known either."""
    bucket = Bucket(name="media", state=BucketState.MISSING)
    expected = Wanted(domain=DOMAIN, path="/a", bucket="media")

    found = check_aws(
        Account(bucket=bucket), expected, now=datetime.now(UTC), find_stack=lambda *asked: None
    )

    assert ids(found) == ["bucket-missing"]
