"""Let a key make the moves of a rotation, each when its wait is over and never before."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from cfsigned_django.rotation.lifecycle import (
    ENDED,
    Blocker,
    Cause,
    KeyState,
    KeyStatus,
    Waits,
    find_blockers,
)

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


def ready_in(status: KeyStatus) -> KeyState:
    """Return a key pair in a state whose waits are all over."""
    return KeyState(status=status, verified_since=LONG_AGO, retiring_since=LONG_AGO)


@pytest.mark.parametrize(("status", "to"), list(product(KeyStatus, KeyStatus)))
def test_every_pair_of_states(status: KeyStatus, to: KeyStatus) -> None:
    """Allow the eight moves there are, and no other."""
    found = find_blockers(ready_in(status), to, now=NOW, waits=WAITS)

    expected = [] if (status, to) in MOVES else [Blocker(cause=Cause.NO_SUCH_MOVE)]
    assert found == expected


def test_final_states() -> None:
    """Call a state ended where no move leads out of it."""
    assert set(ENDED) == set(KeyStatus) - {start for start, _ in MOVES}


@pytest.mark.parametrize("status", ["pending", "trusted", "active", "retiring"])
def test_nothing_delays_a_revocation(status: str) -> None:
    """Revoke a key at once, whatever it waits for."""
    fresh = KeyState(status=KeyStatus(status), retirement=10**6)

    assert find_blockers(fresh, KeyStatus.REVOKED, now=0, waits=WAITS) == []


def test_a_key_that_was_not_probed() -> None:
    """Wait, without a moment to name, until a probe was good."""
    key = KeyState(status=KeyStatus.TRUSTED)

    found = find_blockers(key, KeyStatus.ACTIVE, now=NOW, waits=WAITS)

    assert found == [Blocker(cause=Cause.NOT_PROBED)]


@pytest.mark.parametrize(("after", "is_free"), [(0, False), (299, False), (300, True), (301, True)])
def test_propagation_to_the_second(after: int, is_free: bool) -> None:
    """Let a key sign from the second on in which it was good for the whole wait."""
    key = KeyState(status=KeyStatus.TRUSTED, verified_since=NOW)

    found = find_blockers(key, KeyStatus.ACTIVE, now=NOW + after, waits=WAITS)

    assert found == ([] if is_free else [Blocker(cause=Cause.PROPAGATION, until=NOW + 300)])


def test_a_key_whose_retirement_did_not_begin() -> None:
    """Wait, without a moment to name, until no process can begin to sign with it."""
    key = KeyState(status=KeyStatus.RETIRING)

    found = find_blockers(key, KeyStatus.RETIRED, now=NOW, waits=WAITS)

    assert found == [Blocker(cause=Cause.URLS_OUT)]


@pytest.mark.parametrize(
    ("retirement", "wait"),
    [(0, RETIREMENT), (RETIREMENT - 1, RETIREMENT), (RETIREMENT + 1, RETIREMENT + 1)],
)
@pytest.mark.parametrize("early", [1, 0, -1])
def test_retirement_to_the_second(retirement: int, wait: int, early: int) -> None:
    """Retire a key when lifetime, keyring and clocks have passed, by the longest in force."""
    key = KeyState(status=KeyStatus.RETIRING, retiring_since=NOW, retirement=retirement)

    found = find_blockers(key, KeyStatus.RETIRED, now=NOW + wait - early, waits=WAITS)

    assert found == ([Blocker(cause=Cause.URLS_OUT, until=NOW + wait)] if early > 0 else [])


@pytest.mark.parametrize("part", ["url_lifetime", "keyring", "clock_skew"])
def test_each_wait_counts(part: str) -> None:
    """Retire a key later by each part of the wait."""
    longer = replace(WAITS, **{part: getattr(WAITS, part) + 7})

    assert longer.retirement == WAITS.retirement + 7
