"""Let a key make the moves of a rotation, each when its wait is over and never before."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.rotation.lifecycle import (
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


@pytest.mark.parametrize("status", KeyStatus)
def test_final_states(status: KeyStatus) -> None:
    """Call a state final where no move leads out of it."""
    assert status.is_final == (status not in {start for start, _ in MOVES})


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


SECONDS = st.integers(0, 100)
ACTIONS = st.one_of(
    st.integers(0, 150),
    st.sampled_from(["probe is good", "probe is bad"]),
    st.builds(
        Waits, propagation=SECONDS, url_lifetime=SECONDS, keyring=SECONDS, clock_skew=SECONDS
    ),
    st.sampled_from(KeyStatus),
)


class Site:
    """A key, and what happens to it; remembers what the rules must not forget."""

    def __init__(self) -> None:
        self.now = NOW
        self.waits = WAITS
        self.key = KeyState(status=KeyStatus.PENDING)
        #: By when the last URL has ended, at the edge with the slowest clock.
        self.last_url_ends = 0

    def do(self, action: int | str | Waits | KeyStatus) -> None:
        """Let one thing happen."""
        if isinstance(action, KeyStatus):
            self._move(action)
        elif isinstance(action, Waits):
            self.waits = action
        elif isinstance(action, int):
            self.now += action
        elif self.key.status is KeyStatus.TRUSTED:
            known = self.key.verified_since or self.now
            self.key = replace(
                self.key, verified_since=known if action == "probe is good" else None
            )
        if self.key.status is KeyStatus.ACTIVE:
            self._sign()

    def _sign(self) -> None:
        # Some process may sign now, and another one, that does not know better, a little later.
        longest = self.waits.url_lifetime + self.waits.keyring + self.waits.clock_skew
        self.last_url_ends = max(self.last_url_ends, self.now + longest)
        self.key = replace(self.key, retirement=max(self.key.retirement, self.waits.retirement))

    def _move(self, to: KeyStatus) -> None:
        if find_blockers(self.key, to, now=self.now, waits=self.waits):
            return
        if to is KeyStatus.ACTIVE:
            assert self.key.verified_since is not None
            assert self.now - self.key.verified_since >= self.waits.propagation
        if to is KeyStatus.RETIRING:
            self._sign()
            self.key = replace(self.key, retiring_since=self.now)
        if to is KeyStatus.RETIRED:
            assert self.now >= self.last_url_ends > 0
        self.key = replace(self.key, status=to)


@given(st.lists(ACTIONS, max_size=60))
def test_no_schedule_breaks_the_rules(actions: list[int | str | Waits | KeyStatus]) -> None:
    """Reach ACTIVE only after propagation and RETIRED only after the last URL, whatever happens."""
    site = Site()
    for action in actions:
        site.do(action)


@given(st.lists(ACTIONS, max_size=20), st.lists(ACTIONS, max_size=20))
def test_no_schedule_of_a_whole_life_breaks_the_rules(
    before: list[int | str | Waits | KeyStatus], after: list[int | str | Waits | KeyStatus]
) -> None:
    """Hold the rules also in schedules that are made to go through all states."""
    site = Site()
    way = ["trusted", "probe is good", *before, 1000, "active", *after, "retiring", 1000, "retired"]
    for action in way:
        site.do(KeyStatus(action) if action in list(KeyStatus) else action)
    reached = site.key.status

    # Patience ends every life.
    for action in ("probe is good", 10**6, *KeyStatus, 10**6, *KeyStatus):
        site.do(action)
    assert reached in KeyStatus
    assert site.key.status.is_final
