"""Follow a distribution while it changes, as late as an edge of CloudFront does."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.signing import PrivateKey, PublicKey
from cfsigned_django.tools.edge.behavior import Behavior
from demo_project.follow import DistributionWatch
from demo_project.rules import Rules
from tests.background import wait_until
from tests.golden import assert_golden

OLD, NEW = "K1", "K2"
KEYS = {name: PrivateKey.generate().public_key for name in (OLD, NEW, "K3", "K4", "K5")}
RULES = Rules(
    behaviors=(
        Behavior(path_pattern="/static/*"),
        Behavior(trusted_key_groups=("g1",)),
    ),
    key_groups={"g1": {OLD: KEYS[OLD]}},
)


@dataclass(slots=True)
class World:
    """A distribution that the test changes, and a clock that the test moves."""

    now: float = 0.0
    rules: Rules = field(default=RULES)
    failure: Exception | None = None

    def read(self) -> Rules:
        """Return the rules of this moment, or fail."""
        if self.failure is not None:
            raise self.failure
        return self.rules

    def hold(self, *names: str) -> None:
        """Put the keys of these names into the key group."""
        self.rules = replace(self.rules, key_groups={"g1": {name: KEYS[name] for name in names}})

    def watch(self, propagation: float = 3) -> DistributionWatch:
        """Return a watch over this distribution, by this clock."""
        return DistributionWatch(self.read, propagation=propagation, clock=lambda: self.now)


def trusted(watch: DistributionWatch) -> Mapping[str, PublicKey]:
    """Return the keys that the edge trusts at this moment."""
    return watch.current().key_groups["g1"]


@given(
    st.lists(
        st.tuples(
            st.floats(0.1, 20),
            st.one_of(st.none(), st.sets(st.sampled_from(sorted(KEYS))).map(frozenset)),
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
            world.hold(*names)
            seen.append((world.now + propagation, names))
        watch.look()
        expected = [group for counts_from, group in seen if counts_from <= world.now][-1]
        assert set(trusted(watch)) == expected


def test_log(caplog: pytest.LogCaptureFixture) -> None:
    """Log each change, when the edge goes by it, a failure once, and that it is over."""
    caplog.set_level(logging.INFO, "demo_project")
    world = World()
    watch = world.watch(propagation=2.5)
    world.hold()
    watch.look()
    world.rules = replace(world.rules, behaviors=(RULES.behaviors[0], Behavior()))
    watch.look()
    changed = Behavior(response_headers_policy={"Name": "media"})
    world.rules = replace(world.rules, behaviors=(RULES.behaviors[0], changed))
    watch.look()
    world.failure = OSError("connection refused")
    for _ in range(3):
        watch.look()
    assert trusted(watch) == {OLD: KEYS[OLD]}
    world.failure = None
    watch.look()
    watch.look()
    assert_golden("edge-follow", "\n".join(caplog.messages))


def test_no_watch() -> None:
    """Raise at the start if nothing can be read, or if the delay is negative."""
    with pytest.raises(OSError, match="down"):
        World(failure=OSError("down")).watch()
    with pytest.raises(ValueError, match="propagation"):
        World().watch(propagation=-1)


def test_a_thread_follows_the_group() -> None:
    """Notice a change without being asked, and end with the block."""
    world = World()
    watch = world.watch(propagation=0)
    with watch.running(interval=0.01):
        world.hold(NEW)
        wait_until(lambda: set(trusted(watch)) == {NEW}, "the new key")
    world.hold()
    assert set(trusted(watch)) == {NEW}
