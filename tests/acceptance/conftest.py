"""An account of the emulator, in which a run and others have the same things."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from acceptance.clients import Clients, connect
from acceptance.guard import Guard, guarding
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.stack import change_set, events
from cfsigned_django.tools.stack.template import BUCKET, KEY_GROUP, MAKES_BUCKET
from tests.ministack_server import REGION, MinistackHere
from tests.plugins_aws import ministack as ministack, sign_in
from tests.processes.kills import ACCOUNT, record_of
from tests.tools.stack.conftest import emptied

RECORD = record_of("0123456789abcdef" * 2)


@pytest.fixture
def clients(ministack: MinistackHere, monkeypatch: pytest.MonkeyPatch) -> Clients:
    """Return the clients of an empty account, as a run makes them."""
    emptied(ministack)
    sign_in(monkeypatch, ministack, ACCOUNT)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return connect(REGION)


@pytest.fixture
def guard(clients: Clients) -> Iterator[Guard]:
    """Guard every client of this process."""
    with guarding(RECORD) as guard:
        yield guard


def make_stack(clients: Clients, name: str = RECORD.stack, bucket: str = RECORD.bucket) -> Any:
    """Make a stack as cfsigned_setup does; return the last change set."""
    given = {BUCKET: bucket, MAKES_BUCKET: "true", KEY_GROUP: make_group(clients)}
    client = clients.cloudformation
    made = change_set.create(client, name, stack=None, given=given, sleep=time.sleep)
    change_set.execute(client, made)
    return events.follow(client, made.stack_id, show=lambda line: None, sleep=time.sleep)


def make_group(clients: Clients) -> str:
    """Make a key and its group as the package does, with other comments; return the group's ID."""
    cloudfront, pem = clients.cloudfront, PrivateKey.generate().public_key.to_pem()
    config: dict[str, Any] = {"CallerReference": pem, "Name": RECORD.mark, "EncodedKey": pem}
    key = cloudfront.create_public_key(PublicKeyConfig=config)["PublicKey"]["Id"]
    config = {"Name": f"{RECORD.mark}-{key}", "Items": [key], "Comment": "cfsigned_setup"}
    return str(cloudfront.create_key_group(KeyGroupConfig=config)["KeyGroup"]["Id"])
