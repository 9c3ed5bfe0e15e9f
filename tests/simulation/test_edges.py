"""Let changes of a key group arrive late, and in order."""

from __future__ import annotations

from random import Random

import pytest

from tests.aws.api import Account
from tests.simulation.edges import Edges
from tests.simulation.strict_cloudfront import StrictCloudFront


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

    def seen(self, now: float) -> list[list[str]]:
        """Return which keys each edge trusts at the moment."""
        return [list(self.edges.edge_keys(edge, now)) for edge in range(2)]


def test_starts_settled() -> None:
    """Trust at once, everywhere, what the group held when the edges were made."""
    world = World()

    assert world.seen(1000.0) == [[world.first], [world.first]]
    assert world.edges.settled_at == 1000.0


def test_each_edge_has_its_delay() -> None:
    """Trust a new key at each edge from the moment on when the change arrives there."""
    world = World(5.0, 60.0)
    second = world.add("second")

    assert world.seen(1004.9) == [[world.first], [world.first]]
    assert world.seen(1005.0) == [[world.first, second], [world.first]]
    assert world.seen(1060.0) == [[world.first, second], [world.first, second]]
    assert world.edges.settled_at == 1060.0


def test_trusts_a_removed_key_for_a_while() -> None:
    """Go on trusting a key that was removed, and deleted, until that arrives."""
    world = World(0.0, 0.0, 5.0, 60.0)
    second = world.add("second")
    world.account.key_groups.remove(world.group, world.first)
    world.account.key_groups.delete_public_key(world.first)

    assert world.seen(1004.9) == [[world.first, second], [world.first, second]]
    assert world.seen(1005.0) == [[second], [world.first, second]]


def test_changes_keep_their_order() -> None:
    """Not let a later change overtake an earlier one."""
    world = World(60.0, 60.0, 1.0, 1.0)
    second = world.add("second")
    third = world.add("third")

    assert world.seen(1059.9) == [[world.first], [world.first]]
    assert world.seen(1060.0) == [[world.first, second, third]] * 2


def test_keys_verify() -> None:
    """Return public keys, as the verifier takes them."""
    world = World()

    keys = world.edges.edge_keys(0, 1000.0)

    assert keys == world.cloudfront.trusted_keys(world.group)
    assert keys[world.first].algorithm == "ECDSA_P256"


def test_other_groups() -> None:
    """Take no notice of other key groups, nor of changes to a name."""
    world = World()
    world.account.api.create_key_group(
        KeyGroupConfig={"Name": "other", "Items": [world.account.upload("other")]}
    )
    answer = world.account.api.get_key_group(Id=world.group)
    world.account.api.update_key_group(
        Id=world.group,
        IfMatch=answer["ETag"],
        KeyGroupConfig=answer["KeyGroup"]["KeyGroupConfig"] | {"Name": "renamed"},
    )

    assert world.seen(2000.0) == [[world.first], [world.first]]


@pytest.mark.parametrize("seed", range(20))
def test_ends_where_the_api_is(seed: int) -> None:
    """Trust everywhere, in the end, what the API has, whatever the delays were."""
    random = Random(seed)
    world = World(*(random.uniform(0, 300) for _ in range(100)))
    ours: list[str] = []
    for number in range(12):
        if len(ours) == 4 or (ours and random.random() < 0.5):
            old = ours.pop(0)
            world.account.key_groups.remove(world.group, old)
            world.account.key_groups.delete_public_key(old)
        else:
            ours.append(world.add(f"key {number}"))
        world.now += random.uniform(0, 100)

    assert world.seen(world.edges.settled_at) == [[world.first, *ours]] * 2
