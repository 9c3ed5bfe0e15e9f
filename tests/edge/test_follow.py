"""Follow a distribution while it changes, as late as an edge of CloudFront does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.edge.behavior import Behavior
from cfsigned_django.edge.client import EdgeClient, EdgeResponse
from cfsigned_django.edge.follow import DistributionWatch, FollowedDistribution, Rules
from cfsigned_django.signing import PrivateKey, PublicKey, Signer
from tests.edge import BASE, EXPIRES, HOST, IMAGE, call
from tests.edge.conftest import echo_origin
from tests.golden import assert_golden

OLD, NEW = "K1", "K2"
PRIVATE_KEYS = {name: PrivateKey.generate() for name in (OLD, NEW, "K3", "K4", "K5")}
KEYS = {name: private_key.public_key for name, private_key in PRIVATE_KEYS.items()}
RULES = Rules(
    behaviors=(
        Behavior(path_pattern="/static/*"),
        Behavior(path_pattern="/app/*", foreign_origin="app.example.com"),
        Behavior(trusted_key_groups=("g1",)),
    ),
    key_groups={"g1": {OLD: KEYS[OLD]}},
    left_out=("WebACLId",),
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
        """Let the key group hold the keys of these names."""
        self.rules = replace(self.rules, key_groups={"g1": {name: KEYS[name] for name in names}})

    def watch(self, propagation: float = 3) -> DistributionWatch:
        """Return a watch over this distribution, by this clock."""
        return DistributionWatch(self.read, propagation=propagation, clock=lambda: self.now)


def trusted(watch: DistributionWatch) -> Mapping[str, PublicKey]:
    """Return the keys that the edge trusts at this moment."""
    return watch.current().key_groups["g1"]


def test_another_key_under_a_known_id_is_a_change() -> None:
    """Notice a key that was replaced under its id."""
    world = World()
    watch = world.watch(propagation=0)
    world.rules = replace(RULES, key_groups={"g1": {OLD: KEYS[NEW]}})
    watch.look()
    assert trusted(watch) == {OLD: KEYS[NEW]}


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


def test_log(log: pytest.LogCaptureFixture) -> None:
    """Log each change, when the edge goes by it, a failure once, and that it is over."""
    world = World()
    watch = world.watch(propagation=2.5)
    world.hold()
    watch.look()
    world.rules = replace(world.rules, behaviors=RULES.behaviors[:1] + RULES.behaviors[2:])
    watch.look()
    world.rules = replace(
        world.rules,
        behaviors=(*RULES.behaviors[:2], Behavior()),
        left_out=("WebACLId", "GeoRestriction"),
    )
    watch.look()
    world.failure = OSError("connection refused")
    for _ in range(3):
        watch.look()
    assert trusted(watch) == {OLD: KEYS[OLD]}
    world.failure = None
    watch.look()
    watch.look()
    assert_golden("edge-follow", "\n".join(log.messages))


def test_no_watch() -> None:
    """Raise at the start if nothing can be read, or if the delay is negative."""
    with pytest.raises(OSError, match="down"):
        World(failure=OSError("down")).watch()
    with pytest.raises(ValueError, match="propagation"):
        World().watch(propagation=-1)


def test_a_thread_follows_the_group() -> None:
    """See a change without being asked to look, and end with the block."""
    world = World()
    watch = world.watch(propagation=0)
    with watch.running(interval=0.01):
        world.hold(NEW)
        for _ in range(2000):
            if set(trusted(watch)) == {NEW}:
                break
            time.sleep(0.005)
    assert set(trusted(watch)) == {NEW}
    world.hold()
    assert set(trusted(watch)) == {NEW}


def edge(watch: DistributionWatch) -> FollowedDistribution:
    """Return an edge that goes by the watch."""
    return FollowedDistribution(
        rules=watch.current, domain_names=(HOST,), origin=echo_origin, viewer_scheme="https"
    )


def ask(edge: FollowedDistribution, url: str, *, now: int = 0) -> EdgeResponse:
    """Request a URL from the edge as it is at this moment."""
    return EdgeClient(edge.current()).get(url, now=now)


def test_behaviors_decide() -> None:
    """Serve an open behavior to everybody, and the default one by its key group."""
    served = edge(World().watch())
    url = Signer(key_pair_id=OLD, private_key=PRIVATE_KEYS[OLD]).sign_url(
        IMAGE, date_less_than=EXPIRES
    )
    assert ask(served, f"{BASE}/static/a.css").status == 200
    assert ask(served, f"{BASE}/app/").status == 502
    assert ask(served, IMAGE).error_code == "MissingKey"
    assert ask(served, url, now=EXPIRES - 1).status == 200
    assert call(served, RAW_URI="/static/a.css", PATH_INFO="/static/a.css")[0] == "200 OK"
    assert call(served, RAW_URI="/a.css", PATH_INFO="/a.css")[0] == "403 Forbidden"


def test_a_change_counts_after_the_delay() -> None:
    """Go by new behaviors just when the delay is over, from the first look."""
    world = World()
    watch = world.watch()
    served = edge(watch)
    world.rules = replace(world.rules, behaviors=RULES.behaviors[1:])
    watch.look()
    world.now = 2.9
    watch.look()
    assert ask(served, f"{BASE}/static/a.css").status == 200
    world.now = 3
    assert ask(served, f"{BASE}/static/a.css").error_code == "MissingKey"
