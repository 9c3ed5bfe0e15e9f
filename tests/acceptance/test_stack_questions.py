"""The questions about CloudFormation and the bucket policy, before AWS is asked."""

from __future__ import annotations

import json
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from acceptance.cleanup import CleanUp
from acceptance.clients import Clients, connect
from acceptance.guard import guarding
from acceptance.questions import (
    QUESTIONS,
    Ask,
    change_by_hand,
    denied_by_a_statement,
    failed_creation,
    reverted_drift,
    star_in_string_equals,
)
from acceptance.record import Record
from tests.ministack_server import REGION, MinistackHere
from tests.plugins_aws import (
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.tools.stack.conftest import emptied

ACCOUNT = "111122223333"
RECORD = Record(run="0123456789abcdef" * 2, account=ACCOUNT, region=REGION, endpoint="")


def expected(ask: Ask) -> str:
    """Return what this package takes for granted."""
    [found] = [each.expected for each in QUESTIONS if each.ask is ask]
    return found


@pytest.fixture
def clients(
    ministack: MinistackHere, no_aws_configuration: None, monkeypatch: pytest.MonkeyPatch
) -> Clients:
    """Return the clients of an empty account in the emulator, as a run makes them."""
    emptied(ministack)
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not checked")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return connect(REGION)


def test_failed_creation(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a stack that fails, read why, and leave nothing that a clean-up would not remove."""
    handlers = import_module("ministack.services.cloudformation.provisioners")._RESOURCE_HANDLERS

    def refuse(*arguments: object) -> None:
        raise ValueError("The key group does not exist.")

    monkeypatch.setitem(handlers["AWS::CloudFront::Distribution"], "create", refuse)
    world: Any = SimpleNamespace(stack=RECORD.stack, bucket=RECORD.bucket, clients=clients)
    with guarding(RECORD) as guard:
        said = failed_creation(world)
        left = CleanUp(record=RECORD, clients=clients, guard=guard).found()

    assert (said, left) == (expected(failed_creation), [])


@pytest.mark.parametrize(
    ("losses", "answer"),
    [
        (
            ['the distribution: DistributionConfig.CacheTagConfig was added: {"HeaderName": "x"}'],
            expected(change_by_hand),
        ),
        ([], "nothing"),
        (["the bucket: A was changed to B, from C", "D was added: E"], "the bucket: A; D"),
    ],
)
def test_names_what_would_be_undone(losses: list[str], answer: str) -> None:
    """Name the places of changes by hand, without their values."""
    asked: Any = SimpleNamespace(command=lambda *arguments: (0, {"losses": losses}))

    assert change_by_hand(asked) == answer


@pytest.mark.parametrize(
    ("tags", "code", "answer"),
    [
        ({"HeaderName": ""}, 0, expected(reverted_drift)),
        ({"HeaderName": "x"}, 1, "exit code 1, the change by hand is left"),
    ],
)
def test_looks_whether_drift_is_gone(tags: Any, code: int, answer: str) -> None:
    """Look at the distribution itself after the drift was reverted."""
    config = {"DistributionConfig": {"CacheTagConfig": tags}}
    cloudfront = SimpleNamespace(get_distribution_config=lambda **given: config)
    asked: Any = SimpleNamespace(
        command=lambda *arguments: (code, {}),
        clients=SimpleNamespace(cloudfront=cloudfront),
        distribution_id="D1",
    )

    assert reverted_drift(asked) == answer


class Bucket:
    """A bucket whose policy decides, and a distribution in front of it."""

    def __init__(self) -> None:
        arn = "arn:aws:cloudfront::111122223333:distribution/E1"
        condition = {"StringEquals": {"AWS:SourceArn": arn}}
        self.first = json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Condition": condition}]}
        )
        self.policy = self.first
        self.bucket, self.clients = "b", SimpleNamespace(s3=self)
        self.asked = list[str]()
        self.fails = False

    def get_bucket_policy(self, *, Bucket: str) -> Any:
        """Return the policy."""
        return {"Policy": self.policy}

    def put_bucket_policy(self, *, Bucket: str, Policy: str) -> None:
        """Replace the policy."""
        self.policy = Policy

    def link(self, path: str) -> str:
        """Return a signed URL."""
        return path

    def said(self, url: str) -> str:
        """Let S3 heed a Deny, and take a star for any text."""
        self.asked.append(url)
        if self.fails and self.policy != self.first:
            raise ConnectionResetError
        return "403 AccessDenied of S3" if "Deny" in self.policy else "served"

    def seconds_until(self, is_so: Any, *, at_most: float) -> float | None:
        """Look twice."""
        return 0.0 if is_so() or is_so() else None


def test_asks_under_another_policy() -> None:
    """Say what S3 answers under another policy, by a URL that no edge has; then put it back."""
    bucket: Any = Bucket()
    denied, starred = denied_by_a_statement(bucket), star_in_string_equals(bucket)

    assert (denied, starred) == (expected(denied_by_a_statement), "served")
    assert bucket.policy == bucket.first
    assert len({*bucket.asked}) == len(bucket.asked)


def test_puts_the_policy_back_after_a_failure() -> None:
    """Leave the bucket as it was, whatever goes wrong."""
    bucket: Any = Bucket()
    bucket.fails = True
    with pytest.raises(ConnectionResetError):
        denied_by_a_statement(bucket)

    assert bucket.policy == bucket.first
