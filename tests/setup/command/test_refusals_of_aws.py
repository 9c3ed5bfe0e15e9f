"""Say in one sentence, with what to do, why AWS refuses; in the plan, and in the middle of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import NoRegionError
from django.core.management import CommandError

from cfsigned_django.aws.account_reader import read_account
from cfsigned_django.aws.client import Clients, make_clients
from cfsigned_django.management.commands import cfsigned_setup
from tests.aws.provisioning.accounts import bucket_of, clients_of, make_grown_account
from tests.doctor.failing import Failing, denied
from tests.ministack_server import Ministack
from tests.setup.command import run
from tests.simulation.answers import refusal

pytestmark = pytest.mark.usefixtures("unmigrated")


def throttled(name: str) -> Exception:
    """Return what AWS answers to too many calls."""
    return refusal("Throttling", name, "Rate exceeded")


def redirected(name: str) -> Exception:
    """Return what S3 answers in another region than the bucket's."""
    return refusal("PermanentRedirect", name, "use another endpoint")


def no_region(name: str) -> Exception:
    """Return what boto3 raises where no region is set."""
    return NoRegionError()


def let_fail(
    patch: pytest.MonkeyPatch, service: str, call: str, error: Callable[[str], Exception]
) -> None:
    """Let one call of the command fail."""

    def make(**given: Any) -> Clients:
        made = make_clients(**given)
        broken: Any = Failing(getattr(made, service), error, call)
        return replace(made, **{service: broken})

    patch.setattr(cfsigned_setup, "make_clients", make)


PLANNING = [
    ("cloudfront", "list_key_groups", denied, "do not allow cloudfront:ListKeyGroups", "in IAM"),
    ("sts", "get_caller_identity", denied, "do not allow sts:GetCallerIdentity", "in IAM"),
    ("cloudfront", "list_distributions", throttled, "fewer calls per second", "again"),
    ("s3", "head_bucket", throttled, "fewer calls per second", "again"),
    ("s3", "head_bucket", redirected, "in another region", "AWS_S3_REGION_NAME"),
    ("sts", "get_caller_identity", no_region, "no AWS region is set", "AWS_DEFAULT_REGION"),
]


@pytest.mark.parametrize(("service", "call", "error", "said", "next_step"), PLANNING)
def test_no_plan(
    service: str,
    call: str,
    error: Callable[[str], Exception],
    said: str,
    next_step: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Say which permission is missing, or what else keeps AWS from being read."""
    let_fail(monkeypatch, service, call, error)

    with pytest.raises(CommandError) as caught:
        run("--create")

    text = str(caught.value)
    assert text.startswith("Could not ")
    assert said in text
    assert next_step in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("service", "call", "permission"),
    [
        ("cloudfront", "create_public_key", "cloudfront:CreatePublicKey"),
        ("cloudfront", "create_distribution", "cloudfront:CreateDistribution"),
        ("s3", "put_bucket_cors", "s3:PutBucketCORS"),
        ("s3", "put_public_access_block", "s3:PutBucketPublicAccessBlock"),
    ],
)
def test_refused_in_the_middle(
    service: str,
    call: str,
    permission: str,
    clients: Clients,
    bucket_name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Name the permission that a step needs; the next run goes on from there."""
    options = ("--create", "--cors-origin", "https://a.example.com", "--apply", "--yes")
    with monkeypatch.context() as patch:
        let_fail(patch, service, call, denied)
        with pytest.raises(CommandError, match=f"do not allow {permission}"):
            run(*options)

    assert "nothing is to do" in run(*options)
    assert bucket_of(read_account(clients, bucket=bucket_name)).is_ours


def test_bucket_part_that_may_not_be_read(
    clients: Clients, bucket_name: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Change nothing where the bucket policy cannot be seen, which would be written over."""
    settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = make_grown_account(clients, bucket_name)
    let_fail(monkeypatch, "s3", "get_bucket_policy", denied)
    before = clients.s3.get_bucket_policy(Bucket=bucket_name)["Policy"]

    with pytest.raises(CommandError, match="Nothing was changed") as caught:
        run("--path-pattern", "media/*", "--apply", "--yes")

    assert "s3:GetBucketPolicy" in str(caught.value)
    assert clients.s3.get_bucket_policy(Bucket=bucket_name)["Policy"] == before


def test_distribution_of_another_account(ministack: Ministack, bucket_name: str) -> None:
    """Say that the credentials' account has no such distribution."""
    other = clients_of(ministack, "999999999996")
    distribution_id = make_grown_account(other, f"theirs-{bucket_name}")

    with pytest.raises(CommandError) as caught:
        run("--distribution", distribution_id)

    assert f"read the distribution {distribution_id}" in str(caught.value)
    assert "credentials belong to its account" in str(caught.value)
