"""Say in one sentence why AWS could not be asked, and go on with the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
)

from cfsigned_django.aws.client import AwsError
from cfsigned_django.aws.stack import Clients
from cfsigned_django.doctor.findings import Finding, Level
from tests.doctor import faults, ids
from tests.doctor.world import World
from tests.ministack_server import Ministack
from tests.simulation.answers import refusal

LIVE = {"unsigned-refused", "signed-served", "tampered-refused", "expired-refused", "s3-private"}


class Failing:
    """A boto3 client of which some calls, or all, fail."""

    def __init__(self, client: Any, error: Callable[[str], Exception], *calls: str) -> None:
        self._client = client
        self._error = error
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        if self._calls and name not in self._calls:
            return getattr(self._client, name)

        def fail(**arguments: Any) -> None:
            raise self._error(name)

        return fail


def denied(name: str) -> ClientError:
    """Return the refusal of a call that the credentials do not allow."""
    return refusal("AccessDenied", name, "not authorized to perform this")


def fail(world: World, error: Callable[[str], Exception]) -> None:
    """Let every call to AWS fail; CloudFront and S3 still answer viewers."""
    broken = replace(
        world.clients,
        cloudfront=Failing(world.clients.cloudfront, error),
        s3=Failing(world.clients.s3, error),
        sts=Failing(world.clients.sts, error),
    )
    examine_with(world, broken)


def examine_with(world: World, clients: Clients) -> None:
    """Let the doctor, and not the edge, have these clients."""
    world.doctor_clients = clients


def check_rest(found: list[Finding]) -> None:
    """See that the other parts were looked at."""
    assert {"settings", "signing-key", "clock", *LIVE} <= {*ids(found)}


@pytest.mark.parametrize(
    ("error", "words", "fix"),
    [
        (
            lambda name: EndpointConnectionError(endpoint_url="https://cloudfront.amazonaws.com/"),
            "cloudfront.amazonaws.com cannot be reached",
            "Check the network",
        ),
        (lambda name: NoCredentialsError(), "there are no AWS credentials", "Set AWS_PROFILE"),
        (lambda name: NoRegionError(), "no AWS region is set", "AWS_DEFAULT_REGION"),
        (
            lambda name: refusal("Throttling", name, "Rate exceeded"),
            "AWS asks for fewer calls per second (Throttling)",
            "Try again",
        ),
        (
            lambda name: refusal("ExpiredToken", name, "expired"),
            "the AWS credentials have expired",
            "Sign in again",
        ),
    ],
    ids=["network", "credentials", "region", "throttling", "expired"],
)
def test_nothing_can_be_asked(
    error: Callable[[str], Exception], words: str, fix: str, world: World
) -> None:
    """Say once why no call succeeds, and look at all that needs none."""
    fail(world, error)

    found = world.examine()

    assert faults(found) == ["aws-unreadable"]
    [problem] = [each for each in found if each.level is Level.ERROR]
    assert words in problem.what
    assert fix in problem.fix
    check_rest(found)


PERMISSIONS: list[tuple[str, str, str, set[str]]] = [
    ("cloudfront", "list_distributions", "cloudfront:ListDistributions", {"bucket"}),
    ("cloudfront", "get_distribution", "cloudfront:GetDistribution", {"bucket"}),
    ("cloudfront", "list_public_keys", "cloudfront:ListPublicKeys", {"behavior", "bucket"}),
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
    ("s3", "get_bucket_policy", "s3:GetBucketPolicy", {"keys", "behavior", "origin"}),
    ("s3", "get_bucket_cors", "s3:GetBucketCORS", {"keys", "behavior", "origin"}),
]


@pytest.mark.parametrize(
    ("service", "call", "permission", "others"), PERMISSIONS, ids=[each[1] for each in PERMISSIONS]
)
def test_one_permission_is_missing(
    service: str, call: str, permission: str, others: set[str], world: World
) -> None:
    """Name the permission that is missing, and judge all that does not depend on it."""
    failing = Failing(getattr(world.clients, service), denied, call)
    examine_with(world, replace(world.clients, **{service: failing}))

    found = world.examine()

    assert faults(found) == ["aws-unreadable"]
    [problem] = [each for each in found if each.level is Level.ERROR]
    assert problem.subject == permission
    assert permission in problem.what
    assert problem.fix == (f"Allow {permission} in IAM for the user or role that the site runs as.")
    assert others <= {*ids(found)}
    check_rest(found)


def test_every_permission_is_missing(world: World) -> None:
    """Name each permission that is missing."""
    fail(world, denied)

    found = world.examine()

    assert {*faults(found)} == {"aws-unreadable"}
    assert len({each.subject for each in found if each.id == "aws-unreadable"}) >= 6
    check_rest(found)


def test_other_account(world: World, ministack: Ministack) -> None:
    """Say that the credentials' account has no such distribution, and name the account."""
    account = "999999999998"
    examine_with(
        world,
        Clients(
            cloudfront=ministack.client("cloudfront", account=account),
            s3=ministack.client("s3", account=account),
            sts=ministack.client("sts", account=account),
        ),
    )

    found = world.examine()

    assert faults(found) == ["no-distribution", "key-unknown", "no-key-group", "bucket-refused"]
    assert account in next(each.what for each in found if each.id == "no-distribution")
    check_rest(found)


def test_unknown_distribution(world: World) -> None:
    """Say that the distribution that was named is not in the account."""
    world.options["distribution_id"] = "EUNKNOWN123"

    found = world.examine()

    assert faults(found) == ["aws-unreadable"]
    assert "EUNKNOWN123" in next(each.what for each in found if each.level is Level.ERROR)
    assert {"keys", "bucket"} <= {*ids(found)}


def test_bucket_in_another_region(world: World) -> None:
    """Say that S3 sent the request to another region, and which setting says where."""

    def redirected(name: str) -> ClientError:
        return refusal("PermanentRedirect", name, "use another endpoint")

    s3 = Failing(world.clients.s3, redirected, "head_bucket")
    examine_with(world, replace(world.clients, s3=s3))

    found = world.examine()

    assert faults(found) == ["aws-unreadable"]
    [problem] = [each for each in found if each.level is Level.ERROR]
    assert "the bucket is in another region" in problem.what
    assert "AWS_S3_REGION_NAME" in problem.fix


def test_clients_cannot_be_made(world: World) -> None:
    """Say why no client can be made, and go on with live requests."""

    def make_clients() -> Clients:
        raise AwsError(what="set up AWS access", reason="x", next_step="Do y.", code="Z")

    world.make_clients = make_clients

    found = world.examine()

    assert faults(found) == ["aws-unreadable"]
    check_rest(found)


def test_no_network_at_all(world: World) -> None:
    """Say that neither AWS nor the domain nor S3 answers, in one sentence each."""
    fail(world, lambda name: EndpointConnectionError(endpoint_url="https://x.amazonaws.com/"))
    world.is_cut_off = True

    found = world.examine()

    assert faults(found) == ["aws-unreadable", "no-answer", "s3-no-answer"]


def test_offline(world: World) -> None:
    """Send nothing, ask nobody."""
    world.is_cut_off = True
    fail(world, denied)

    found = world.examine(online=False)

    assert ids(found) == ["settings", "signing-key"]
