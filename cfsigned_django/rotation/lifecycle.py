"""Decide which transitions a signing key may make, and what blocks the others.

The invariants of a rotation, which tests verify and nothing may weaken:

1. Every URL and cookie that was ever issued and has not expired verifies at the
   edge, at every instant of every rotation, whatever process dies between any
   two lines (revocation excepted).
2. A key group has at most one ACTIVE key pair: the database enforces it.
3. TRUSTED becomes ACTIVE only if CloudFront has known the key for
   ``propagation`` seconds: in that time no probe signed with the key was
   answered InvalidKey. ``Rotation.activate()`` always probes once more.
   Exception: while no key pair is ACTIVE because it was revoked, a successor in
   the group signs at once. Some of its links may be refused for ``propagation``
   seconds, but the revoked key's links are refused anyway, and without a key
   there are no links. If this site does not call CloudFront, a probe must have
   been good even in this case.
4. RETIRING becomes RETIRED only after the last URL that any process may have
   signed with the key has expired at every edge. No process signs a URL that
   expires after its key may be retired (``Lease`` in keyring.py).
5. Every step can be repeated: the intent is recorded before the call, and each
   call is idempotent.
6. If two machines rotate at the same time, each step is taken once.

The waits assume that an edge learns of a change of the key group within
``propagation`` seconds; all machines that rotate read one clock, the
database's; and the clocks of the machines that sign and of the edges differ
from it by at most ``clock_skew`` in total.

Pure: no ORM, no network, no clock. Moments are Unix seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

#: A signing key should be replaced at this age.
OLD: Final = timedelta(days=90)


class KeyStatus(StrEnum):
    """The states of a key pair, in their order."""

    #: Generated and encrypted; CloudFront may not have it yet.
    PENDING = "pending"
    #: Its public half is in the key group; it does not sign yet.
    TRUSTED = "trusted"
    #: It signs.
    ACTIVE = "active"
    #: It no longer signs; URLs signed with it have not expired yet.
    RETIRING = "retiring"
    #: Removed from the key group; its private half is erased.
    RETIRED = "retired"
    #: Removed from the key group at once, which breaks every URL signed with it.
    REVOKED = "revoked"


#: The states that no transition leaves.
ENDED: Final = (KeyStatus.RETIRED, KeyStatus.REVOKED)


class Cause(StrEnum):
    """What a blocker waits for."""

    #: No probe through CloudFront has been good yet.
    NOT_PROBED = "not_probed"
    #: The key has not been good for long enough.
    PROPAGATION = "propagation"
    #: URLs signed with it may not have expired yet.
    URLS_OUT = "urls_out"
    #: The transition does not exist.
    NO_SUCH_MOVE = "no_such_move"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """The waiting times in seconds, from the settings."""

    #: How long a key must have been seen to work before it signs.
    propagation: int
    #: The longest lifetime of a URL: max_expire plus expire_step.
    url_lifetime: int
    #: How long a process may continue to sign with a replaced key.
    keyring: int
    #: How much the clocks of a signing machine and of an edge may differ from
    #: the database's, in total.
    clock_skew: int

    @property
    def retirement(self) -> int:
        """Return how long a key must stay trusted after it stopped signing."""
        return self.url_lifetime + self.keyring + self.clock_skew


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """The state of a key pair, as the rules use it. Moments are Unix seconds, or None."""

    status: KeyStatus
    #: Since when no probe with this key was refused, from the first good one on.
    verified_since: int | None = None
    #: When every process could see that it no longer signs.
    retiring_since: int | None = None
    #: The longest ``Waits.retirement`` since it began to sign: lowering the
    #: settings does not shorten any existing URL.
    retirement: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """What a transition waits for, and until when, if known."""

    cause: Cause
    until: int | None = None


#: The transitions that are possible at any time. An ACTIVE key stops signing only when another
#: one starts, in the same transaction: ``Rotation`` pairs the two transitions.
_FREE = frozenset(
    {
        (KeyStatus.PENDING, KeyStatus.TRUSTED),
        (KeyStatus.ACTIVE, KeyStatus.RETIRING),
        (KeyStatus.PENDING, KeyStatus.REVOKED),
        (KeyStatus.TRUSTED, KeyStatus.REVOKED),
        (KeyStatus.ACTIVE, KeyStatus.REVOKED),
        (KeyStatus.RETIRING, KeyStatus.REVOKED),
    }
)


def find_blockers(key: KeyState, to: KeyStatus, *, now: int, waits: Waits) -> list[Blocker]:
    """Return what blocks the transition of the key ``to`` a state; empty if nothing does."""
    match key.status, to:
        case KeyStatus.TRUSTED, KeyStatus.ACTIVE:
            until = known_everywhere_at(key, waits)
            cause = Cause.NOT_PROBED if until is None else Cause.PROPAGATION
        case KeyStatus.RETIRING, KeyStatus.RETIRED:
            until, cause = urls_expired_at(key, waits), Cause.URLS_OUT
        case move if move in _FREE:
            return []
        case _:
            return [Blocker(cause=Cause.NO_SUCH_MOVE)]
    return [Blocker(cause=cause, until=until)] if until is None or now < until else []


def known_everywhere_at(key: KeyState, waits: Waits) -> int | None:
    """Return when every edge knows the key, or None if no probe has been good yet."""
    return None if key.verified_since is None else key.verified_since + waits.propagation


def urls_expired_at(key: KeyState, waits: Waits) -> int | None:
    """Return when the last URL that the key signed has expired, or None if it may still sign."""
    if key.retiring_since is None:
        return None
    return key.retiring_since + retirement_wait(key, waits)


def retirement_wait(key: KeyState, waits: Waits) -> int:
    """Return how many seconds the key must stay trusted after it stopped signing."""
    return max(waits.retirement, key.retirement)


def lacks_retirement_date(key: KeyState) -> bool:
    """Return whether the process that ended the key's signing died before it recorded when."""
    return key.status is KeyStatus.RETIRING and key.retiring_since is None


def may_correct_id(key: KeyState) -> bool:
    """Return whether a person may still enter another public key ID: no probe was good yet."""
    return key.status is KeyStatus.TRUSTED and key.verified_since is None


def newly_trusted(now: datetime) -> dict[str, datetime | None]:
    """Return the fields of a key that was added to its group, or restored: its wait starts over."""
    return {"trusted_at": now, "verified_since": None}


def end_of_wait_by(machine: datetime, database: datetime) -> datetime:
    """Return the moment that decides whether a wait is over: the earlier of two clocks."""
    return min(machine, database)


def begin_of_wait_by(machine: datetime, database: datetime) -> datetime:
    """Return the moment at which a wait begins: the later of two clocks."""
    return max(machine, database)


def full_seconds(moment: datetime | None) -> int | None:
    """Return Unix seconds, rounded up: a wait that begins within a second counts from its end."""
    return None if moment is None else math.ceil(moment.timestamp())
