"""Let calls meet faults, and let edges learn late: each with exactly its effect."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.aws.api import Account, new_pem
from tests.simulation.edges import Edges
from tests.simulation.faults import Fault, UnreliableCloudFront, random_faults
from tests.simulation.strict_cloudfront import StrictCloudFront


@pytest.mark.parametrize("fault", Fault)
def test_fault(fault: Fault) -> None:
    """A fault comes before the effect or after it; sent twice, the second request is refused."""
    account = Account(api=StrictCloudFront())
    seen: list[tuple[str, str]] = []
    unreliable = UnreliableCloudFront(
        account.api,
        choose_fault=lambda method: fault,
        boundary=lambda method, side: seen.append((method, side)),
    )
    config = {"CallerReference": "ours", "Name": "ours", "EncodedKey": new_pem()}
    raised = ""

    try:
        unreliable.create_public_key(PublicKeyConfig=config)
    except (BotoCoreError, ClientError) as error:
        raised = str(error)

    has_effect = fault not in (Fault.THROTTLED, Fault.UNREACHABLE, Fault.FAILED)
    assert account.names() == ["ours"] * has_effect
    assert bool(raised) == (fault is not Fault.NONE)
    assert ("PublicKeyAlreadyExists" in raised) == (fault is Fault.SENT_TWICE)
    sides = ["before"] if raised else ["before", "after"]
    assert seen == [("create_public_key", side) for side in sides]


def test_chance_repeats() -> None:
    """The same seed gives the same faults, in the share that was asked for."""
    once, again = random_faults(Random(7), 0.3), random_faults(Random(7), 0.3)

    faults = [once("get_key_group") for _ in range(1000)]

    assert faults == [again("get_key_group") for _ in range(1000)]
    assert 250 < sum(fault is not Fault.NONE for fault in faults) < 350
    assert set(faults) == set(Fault)


class World:
    """An account, a clock, and two edges with delays from a list."""

    def __init__(self, *delays: float) -> None:
        self.now = 1000.0
        self.cloudfront = StrictCloudFront(clock=lambda: self.now)
        self.account = Account(api=self.cloudfront)
        self.first = self.account.upload("first")
        self.group = self.account.make_group(self.first)
        left = iter(delays)
        self.edges = Edges(
            self.cloudfront,
            self.group,
            count=2,
            delay=lambda: next(left),
            clock=lambda: self.now,
        )

    def add(self, name: str) -> str:
        """Upload a key and add it to the group; return its id."""
        key_pair_id = self.account.upload(name)
        self.account.key_groups.add(self.group, key_pair_id)
        return key_pair_id

    def remove(self, key_pair_id: str) -> None:
        """Take a key out of the group, and delete it."""
        self.account.key_groups.remove(self.group, key_pair_id)
        self.account.key_groups.delete_public_key(key_pair_id)

    def seen(self, now: float) -> list[list[str]]:
        """Return which keys each edge trusts at the moment."""
        return [list(self.edges.edge_keys(edge, now)) for edge in range(2)]


def test_edges_learn_late() -> None:
    """Each edge learns of a new key, and of one that is gone, after its own delay."""
    world = World(5.0, 60.0, 5.0, 60.0)
    first = world.first

    assert world.seen(1000.0) == [[first], [first]]
    assert world.edges.edge_keys(0, 1000.0) == world.cloudfront.trusted_keys(world.group)
    second = world.add("second")
    assert world.seen(1004.9) == [[first], [first]]
    assert world.seen(1005.0) == [[first, second], [first]]
    assert world.seen(1060.0) == [[first, second], [first, second]]
    world.now = 1100.0
    world.remove(first)
    assert world.seen(1104.9) == [[first, second], [first, second]]
    assert world.seen(1105.0) == [[second], [first, second]]
    assert world.edges.settled_at == 1160.0


def test_changes_keep_their_order() -> None:
    """A later change does not overtake an earlier one."""
    world = World(60.0, 60.0, 1.0, 1.0)
    second, third = world.add("second"), world.add("third")

    assert world.seen(1059.9) == [[world.first], [world.first]]
    assert world.seen(1060.0) == [[world.first, second, third]] * 2


def test_other_groups() -> None:
    """Edges take no notice of other key groups, nor of changes to a name."""
    world = World()
    config: dict[str, Any] = {"Name": "other", "Items": [world.account.upload("other")]}
    world.account.api.create_key_group(KeyGroupConfig=config)
    answer = world.account.api.get_key_group(Id=world.group)
    config = answer["KeyGroup"]["KeyGroupConfig"] | {"Name": "renamed"}
    world.account.api.update_key_group(
        Id=world.group, IfMatch=answer["ETag"], KeyGroupConfig=config
    )

    assert world.seen(2000.0) == [[world.first], [world.first]]


@pytest.mark.parametrize("seed", range(5))
def test_ends_where_the_api_is(seed: int) -> None:
    """Every edge trusts, in the end, what the API has, whatever the delays were."""
    random = Random(seed)
    world = World(*(random.uniform(0, 300) for _ in range(100)))
    ours: list[str] = []
    for number in range(12):
        if len(ours) == 4 or (ours and random.random() < 0.5):
            world.remove(ours.pop(0))
        else:
            ours.append(world.add(f"key {number}"))
        world.now += random.uniform(0, 100)

    assert world.seen(world.edges.settled_at) == [[world.first, *ours]] * 2
