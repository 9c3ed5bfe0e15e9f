"""Say in one sentence why AWS could not be asked, and go on with the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
)

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.doctor.findings import Level
from tests.doctor import faults, ids
from tests.doctor.failing import Failing, check_rest, denied, examine_with, fail
from tests.doctor.world import World
from tests.ministack_server import Ministack
from tests.simulation.answers import refusal


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
    assert {"keys", "bucket-not-public"} <= {*ids(found)}


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
