"""Allow each move of a rotation when its wait is over, and never before."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from cfsigned_django.rotation.lifecycle import (
    Blocker,
    Cause,
    KeyState,
    KeyStatus,
    Waits,
    find_blockers,
    lacks_retirement_date,
)
from cfsigned_django.rotation.stages import STAGES

WAITS = Waits(propagation=300, url_lifetime=3600, keyring=120, clock_skew=30)
RETIREMENT = 3600 + 120 + 30
LONG_AGO, NOW = 1_700_000_000, 1_800_000_000

# What has to be true before a move, besides the state that it starts from; written down a second
# time on purpose.
MOVES = {
    ("pending", "trusted"),
    ("trusted", "active"),
    ("active", "retiring"),
    ("retiring", "retired"),
    ("pending", "revoked"),
    ("trusted", "revoked"),
    ("active", "revoked"),
    ("retiring", "revoked"),
}
PROBED = KeyState(status=KeyStatus.TRUSTED, verified_since=NOW)
LEAVING = KeyState(status=KeyStatus.RETIRING, retiring_since=NOW)


def test_each_state_has_its_stage() -> None:
    """What is next, and the words for it, are known in each state."""
    assert STAGES.keys() == set(KeyStatus)


@pytest.mark.parametrize(("status", "to"), list(product(KeyStatus, KeyStatus)))
def test_every_pair_of_states(status: KeyStatus, to: KeyStatus) -> None:
    """Allow the eight moves there are, and no other; nothing delays a revocation."""
    key = KeyState(status=status, verified_since=LONG_AGO, retiring_since=LONG_AGO)
    if to is KeyStatus.REVOKED:
        key = KeyState(status=status, retirement=10**6)

    found = find_blockers(key, to, now=NOW, waits=WAITS)

    assert found == ([] if (status, to) in MOVES else [Blocker(cause=Cause.NO_SUCH_MOVE)])


@pytest.mark.parametrize(
    ("status", "to", "cause"),
    [("trusted", "active", Cause.NOT_PROBED), ("retiring", "retired", Cause.URLS_OUT)],
)
def test_wait_that_has_not_begun(status: str, to: str, cause: Cause) -> None:
    """Wait, without a moment to name, until a probe was good, or no process can begin to sign."""
    key = KeyState(status=KeyStatus(status))

    found = find_blockers(key, KeyStatus(to), now=NOW, waits=WAITS)

    assert found == [Blocker(cause=cause)]


def test_who_lacks_a_date() -> None:
    """Date the end of a key's signing later only if it has ended and nobody did."""
    undated = [each for each in KeyStatus if lacks_retirement_date(KeyState(status=each))]
    assert undated == [KeyStatus.RETIRING]
    assert not lacks_retirement_date(LEAVING)


@pytest.mark.parametrize(
    ("key", "to", "cause", "wait"),
    [
        (PROBED, KeyStatus.ACTIVE, Cause.PROPAGATION, 300),
        (LEAVING, KeyStatus.RETIRED, Cause.URLS_OUT, RETIREMENT),
        # The longest wait that was in force counts.
        (replace(LEAVING, retirement=9), KeyStatus.RETIRED, Cause.URLS_OUT, RETIREMENT),
        (replace(LEAVING, retirement=9999), KeyStatus.RETIRED, Cause.URLS_OUT, 9999),
    ],
)
def test_wait_to_the_second(key: KeyState, to: KeyStatus, cause: Cause, wait: int) -> None:
    """Allow a move from the second on in which its wait is over."""
    blocked = [Blocker(cause=cause, until=NOW + wait)]

    for second, expected in ((0, blocked), (wait - 1, blocked), (wait, []), (wait + 1, [])):
        assert find_blockers(key, to, now=NOW + second, waits=WAITS) == expected
