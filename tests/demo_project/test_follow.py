"""Follow a distribution while it changes, as late as an edge of CloudFront does."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from unittest.mock import Mock

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


def holding(*names: str) -> Rules:
    """Return the rules with the keys of these names in the key group."""
    return replace(RULES, key_groups={"g1": {name: KEYS[name] for name in names}})


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
    now, read = 0.0, Mock(return_value=RULES)
    watch = DistributionWatch(read, propagation=propagation, clock=lambda: now)
    seen: list[tuple[float, frozenset[str]]] = [(float("-inf"), frozenset({OLD}))]
    for wait, names in history:
        now += wait
        read.side_effect = OSError("down") if names is None else None
        if names is not None:
            read.return_value = holding(*names)
            seen.append((now + propagation, names))
        watch.look()
        expected = [group for counts_from, group in seen if counts_from <= now][-1]
        assert set(trusted(watch)) == expected


def test_log(caplog: pytest.LogCaptureFixture) -> None:
    """Log each change, when the edge goes by it, a failure once, and that it is over."""
    caplog.set_level(logging.INFO, "demo_project")
    opened, changed = (
        replace(holding(), behaviors=(RULES.behaviors[0], each))
        for each in (Behavior(), Behavior(response_headers_policy={"Name": "media"}))
    )
    failures = [OSError("connection refused")] * 3
    read = Mock(side_effect=[RULES, holding(), opened, changed, *failures, changed, changed])
    watch = DistributionWatch(read, propagation=2.5, clock=lambda: 0)
    for _ in range(8):
        watch.look()
    assert trusted(watch) == {OLD: KEYS[OLD]}
    assert_golden("edge-follow", "\n".join(caplog.messages))


def test_no_watch() -> None:
    """Raise at the start if nothing can be read, or if the delay is negative."""
    with pytest.raises(OSError, match="down"):
        DistributionWatch(Mock(side_effect=OSError("down")), propagation=3)
    with pytest.raises(ValueError, match="propagation"):
        DistributionWatch(Mock(return_value=RULES), propagation=-1)


def test_a_thread_follows_the_group() -> None:
    """Notice a change without being asked, and end with the block."""
    read = Mock(return_value=RULES)
    watch = DistributionWatch(read, propagation=0)
    with watch.running(interval=0.01):
        read.return_value = holding(NEW)
        wait_until(lambda: set(trusted(watch)) == {NEW}, "the new key")
    read.return_value = holding()
    assert set(trusted(watch)) == {NEW}
