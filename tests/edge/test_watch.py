"""The edge learns of a change as late as it is told to, and forgets nothing it knew."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.edge.behavior import Behavior
from cfsigned_django.edge.follow import DistributionWatch, Rules
from cfsigned_django.signing import PrivateKey, PublicKey

OLD, NEW = "K1OLD", "K2NEW"
_KEYS = {
    key_pair_id: PrivateKey.generate().public_key for key_pair_id in (OLD, NEW, "K3", "K4", "K5")
}


@dataclass(slots=True)
class World:
    """A distribution with one key group, whose keys the test changes, and the test's own clock."""

    now: float = 0.0
    keys: dict[str, PublicKey] = field(default_factory=lambda: {OLD: _KEYS[OLD]})
    failure: Exception | None = None

    def read(self) -> Rules:
        """Return the rules of this moment, or fail."""
        if self.failure is not None:
            raise self.failure
        return Rules(
            behaviors=(Behavior(trusted_key_groups=("g1",)),), key_groups={"g1": dict(self.keys)}
        )

    def watch(self, propagation: float = 8) -> DistributionWatch:
        """Return a watch over this distribution, by this clock."""
        return DistributionWatch(self.read, propagation=propagation, clock=lambda: self.now)


def trusted(watch: DistributionWatch) -> Mapping[str, PublicKey]:
    """Return the keys that the edge trusts at this moment."""
    return watch.current().key_groups["g1"]


def test_first_keys_count_at_once() -> None:
    """Trust what the group holds when the edge starts, without a wait."""
    assert trusted(World().watch()) == {OLD: _KEYS[OLD]}


def test_a_change_counts_after_the_delay() -> None:
    """Trust a new key, and stop trusting the old one, just when the delay is over."""
    world = World()
    watch = world.watch()
    world.keys = {NEW: _KEYS[NEW]}
    world.now = 100
    watch.look()
    world.now = 107.9
    assert set(trusted(watch)) == {OLD}
    world.now = 108
    assert set(trusted(watch)) == {NEW}


def test_looking_again_does_not_start_the_delay_anew() -> None:
    """Count the delay from the first look that saw the change."""
    world = World()
    watch = world.watch()
    world.keys[NEW] = _KEYS[NEW]
    for world.now in range(1, 9):
        watch.look()
        assert set(trusted(watch)) == {OLD}
    world.now = 9
    assert set(trusted(watch)) == {OLD, NEW}


def test_another_key_under_a_known_id_is_a_change() -> None:
    """Notice a key that was replaced under its id."""
    world = World()
    watch = world.watch(propagation=0)
    world.keys = {OLD: _KEYS[NEW]}
    watch.look()
    assert trusted(watch) == {OLD: _KEYS[NEW]}


@given(
    st.lists(
        st.tuples(
            st.floats(0.1, 20),
            st.one_of(st.none(), st.sets(st.sampled_from(sorted(_KEYS))).map(frozenset)),
        ),
        max_size=15,
    ),
    st.floats(0, 30),
)
def test_every_key_set_counts_in_its_turn(
    history: list[tuple[float, frozenset[str] | None]], propagation: float
) -> None:
    """Show at each moment the group as it was one delay before; None is an API that is down."""
    world = World()
    watch = world.watch(propagation)
    seen: list[tuple[float, frozenset[str]]] = [(float("-inf"), frozenset({OLD}))]
    for wait, names in history:
        world.now += wait
        world.failure = OSError("down") if names is None else None
        if names is not None:
            world.keys = {name: _KEYS[name] for name in names}
            seen.append((world.now + propagation, names))
        watch.look()
        expected = [group for counts_from, group in seen if counts_from <= world.now][-1]
        assert set(trusted(watch)) == expected


def test_a_failure_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Go on with the known keys while the API is down, and say so once, and when it is back."""
    caplog.set_level(logging.INFO, "cfsigned_django.edge")
    world = World()
    watch = world.watch()
    world.failure = OSError("connection refused")
    for _ in range(3):
        watch.look()
    assert set(trusted(watch)) == {OLD}
    world.failure = None
    watch.look()
    watch.look()
    assert caplog.messages == [
        "The distribution could not be read; the edge goes on with K1OLD. connection refused",
        "The distribution can be read again.",
    ]


def test_a_change_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Name the keys that the group holds, and when the edge goes by them."""
    caplog.set_level(logging.INFO, "cfsigned_django.edge")
    world = World()
    watch = world.watch(propagation=2.5)
    world.keys = {}
    watch.look()
    assert caplog.messages == ["The key group g1 holds no key now; the edge goes by it in 2.5 s."]


def test_a_group_that_cannot_be_read_at_first_is_an_error() -> None:
    """Raise at the start: an edge that knows no key would refuse everybody."""
    world = World(failure=OSError("down"))
    with pytest.raises(OSError, match="down"):
        world.watch()


def test_a_negative_delay_is_refused() -> None:
    """Say what is wanted for the delay."""
    with pytest.raises(ValueError, match=r"propagation is -1: seconds are wanted"):
        World().watch(propagation=-1)


def test_a_thread_follows_the_group() -> None:
    """See a change without being asked to look, and end with the block."""
    world = World()
    watch = world.watch(propagation=0)
    with watch.running(interval=0.01):
        world.keys = {NEW: _KEYS[NEW]}
        for _ in range(2000):
            if set(trusted(watch)) == {NEW}:
                break
            time.sleep(0.005)
    assert set(trusted(watch)) == {NEW}
    world.keys = {}
    assert set(trusted(watch)) == {NEW}
