"""Let each kind of fault have exactly its effect."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.aws.api import Account, new_pem
from tests.simulation.faults import Fault, UnreliableCloudFront, random_faults
from tests.simulation.strict_cloudfront import StrictCloudFront


@pytest.fixture
def account() -> Account:
    """Return an empty account."""
    return Account(api=StrictCloudFront())


def create(account: Account, fault: Fault) -> Any:
    """Create a public key with a fault."""
    unreliable = UnreliableCloudFront(account.api, choose_fault=lambda method: fault)
    config = {"CallerReference": "ours", "Name": "ours", "EncodedKey": new_pem()}
    return unreliable.create_public_key(PublicKeyConfig=config)


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.UNREACHABLE, Fault.FAILED])
def test_no_effect(account: Account, fault: Fault) -> None:
    """Raise without any effect."""
    with pytest.raises((BotoCoreError, ClientError)):
        create(account, fault)

    assert account.names() == []


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.FAILED_LATE, Fault.SENT_TWICE])
def test_effect(account: Account, fault: Fault) -> None:
    """Raise after the effect; sent twice, because the second request is refused."""
    with pytest.raises((BotoCoreError, ClientError)) as caught:
        create(account, fault)

    assert account.names() == ["ours"]
    assert ("PublicKeyAlreadyExists" in str(caught.value)) == (fault is Fault.SENT_TWICE)


def test_no_fault(account: Account) -> None:
    """Answer where nothing goes wrong."""
    assert create(account, Fault.NONE)["PublicKey"]["Id"].startswith("K")


def test_boundaries(account: Account) -> None:
    """Tell of each call before and after it, and not after one that raised."""
    seen: list[tuple[str, str]] = []
    faults = iter([Fault.NONE, Fault.LOST])
    unreliable = UnreliableCloudFront(
        account.api,
        choose_fault=lambda method: next(faults),
        boundary=lambda method, side: seen.append((method, side)),
    )

    unreliable.list_public_keys()
    with pytest.raises(BotoCoreError):
        unreliable.list_public_keys()

    assert seen == [
        ("list_public_keys", "before"),
        ("list_public_keys", "after"),
        ("list_public_keys", "before"),
    ]


def test_chance_repeats() -> None:
    """Choose the same faults from the same seed, in the share that was asked for."""
    once, again = random_faults(Random(7), 0.3), random_faults(Random(7), 0.3)

    faults = [once("get_key_group") for _ in range(1000)]

    assert faults == [again("get_key_group") for _ in range(1000)]
    assert 250 < sum(fault is not Fault.NONE for fault in faults) < 350
    assert set(faults) == set(Fault)
