"""The edge goes by what a distribution asked of viewers a delay ago, and says what changes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from cfsigned_django.edge import Behavior
from cfsigned_django.edge.client import EdgeClient, EdgeResponse
from cfsigned_django.edge.follow import DistributionWatch, FollowedDistribution, Rules
from cfsigned_django.signing import PrivateKey, Signer
from tests.edge import BASE, EXPIRES, HOST, IMAGE, call
from tests.edge.conftest import echo_origin

OLD, NEW = (PrivateKey.generate() for _ in range(2))
RULES = Rules(
    behaviors=(
        Behavior(path_pattern="/static/*"),
        Behavior(path_pattern="/app/*", foreign_origin="app.example.com"),
        Behavior(trusted_key_groups=("g1",)),
    ),
    key_groups={"g1": {"K1": OLD.public_key}},
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

    def watch(self, propagation: float = 3) -> DistributionWatch:
        """Return a watch over this distribution, by this clock."""
        return DistributionWatch(self.read, propagation=propagation, clock=lambda: self.now)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return what the edge has logged."""
    caplog.set_level(logging.INFO, "cfsigned_django.edge")
    return lambda: caplog.messages


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
    url = Signer(key_pair_id="K1", private_key=OLD).sign_url(IMAGE, date_less_than=EXPIRES)
    assert ask(served, f"{BASE}/static/a.css").status == 200
    assert ask(served, f"{BASE}/app/").status == 502
    assert ask(served, IMAGE).error_code == "MissingKey"
    assert ask(served, url, now=EXPIRES - 1).status == 200
    assert call(served, RAW_URI="/static/a.css", PATH_INFO="/static/a.css")[0] == "200 OK"
    assert call(served, RAW_URI="/a.css", PATH_INFO="/a.css")[0] == "403 Forbidden"


def test_a_key_counts_after_the_delay() -> None:
    """Trust a new key, and let go of the old one, when the delay is over."""
    world = World()
    watch = world.watch()
    served = edge(watch)
    old, new = (
        Signer(key_pair_id=name, private_key=key).sign_url(IMAGE, date_less_than=EXPIRES)
        for name, key in (("K1", OLD), ("K2", NEW))
    )
    world.rules = replace(RULES, key_groups={"g1": {"K2": NEW.public_key}})
    watch.look()
    world.now = 2.9
    assert ask(served, old).status == 200
    assert ask(served, new).error_code == "InvalidKey"
    world.now = 3
    assert ask(served, old).error_code == "InvalidKey"
    assert ask(served, new).status == 200


def test_a_behavior_counts_after_the_delay() -> None:
    """Close a folder that was open when the delay is over."""
    world = World()
    watch = world.watch()
    world.rules = replace(RULES, behaviors=RULES.behaviors[1:])
    watch.look()
    assert ask(edge(watch), f"{BASE}/static/a.css").status == 200
    world.now = 3
    assert ask(edge(watch), f"{BASE}/static/a.css").error_code == "MissingKey"


def test_each_change_is_logged(log: Callable[[], list[str]]) -> None:
    """Name the key group and its keys, the behaviors in their order, and what is not done."""
    world = World()
    watch = world.watch()
    world.rules = replace(RULES, key_groups={"g1": {}})
    watch.look()
    world.rules = replace(world.rules, behaviors=RULES.behaviors)
    watch.look()
    world.rules = replace(
        world.rules,
        behaviors=(*RULES.behaviors[:2], Behavior()),
        left_out=("WebACLId", "GeoRestriction"),
    )
    watch.look()
    assert log() == [
        "The key group g1 holds no key now; the edge goes by it in 3 s.",
        "The behaviors are, in their order: static/*: open to everybody; app/*: nothing here, it "
        "reads app.example.com; Default (*): open to everybody; the edge goes by it in 3 s.",
        "The distribution has GeoRestriction now, which this edge leaves out; the edge goes by it "
        "in 3 s.",
    ]


def test_a_failure_is_logged_once(log: Callable[[], list[str]]) -> None:
    """Go on with the known keys while the API is down."""
    world = World()
    watch = world.watch()
    world.failure = OSError("connection refused")
    watch.look()
    watch.look()
    assert watch.current() == RULES
    assert log() == [
        "The distribution could not be read; the edge goes on with K1. connection refused"
    ]
