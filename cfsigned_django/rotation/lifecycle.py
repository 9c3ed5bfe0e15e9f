"""Which transitions a signing key may make, and what blocks the others.

Invariants of a rotation, which tests prove and nothing may weaken:

1. Every URL and cookie that was ever issued and has not expired verifies at the
   edge, at every instant of every rotation, whatever process dies between any
   two lines (revocation excepted).
2. A key group has at most one ACTIVE key pair: the database sees to it.
3. TRUSTED becomes ACTIVE only if CloudFront has known the key for
   ``propagation`` seconds: in that time no probe signed with the key was
   answered InvalidKey. ``Rotation.activate()`` probes once more, whoever calls.
   Exception: while no key pair is ACTIVE, since it is being revoked or was, a
   successor in the group signs at once. Some of its links may be refused for
   ``propagation`` seconds; the revoked key's are refused anyway, and without a
   key there are none. Where this site does not look into the group, a probe
   must have been good even then.
4. RETIRING becomes RETIRED only after the last URL that any process may have
   signed with the key has expired, at every edge. Processes keep their side of
   this: none signs a URL that would outlive the key (``Lease`` in keyring.py).
5. Every step can be repeated: the intent is recorded before the call, and each
   call does the same if it is made twice.
6. Two machines that rotate at once do each step once.

The waits rest on this: an edge learns of a change of the key group within
``propagation`` seconds; all machines that rotate read one clock, the
database's; and the clocks of the machines that sign and of the edges differ
from it by at most ``clock_skew`` in sum.

Pure: no ORM, no network, no clock. Moments are Unix seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypedDict

#: From this age on a signing key ought to be replaced.
OLD: Final = timedelta(days=90)


class KeyStatus(StrEnum):
    """Name the states of a key pair, in the order in which it passes them."""

    #: Generated and sealed; CloudFront need not know it yet.
    PENDING = "pending"
    #: Its public half is in the key group; it does not sign yet.
    TRUSTED = "trusted"
    #: It signs.
    ACTIVE = "active"
    #: It no longer signs; URLs that it signed are still out.
    RETIRING = "retiring"
    #: Out of the key group; its private half is erased.
    RETIRED = "retired"
    #: Taken out of the key group at once, with every URL that it signed.
    REVOKED = "revoked"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing comes after this state."""
        return self in (KeyStatus.RETIRED, KeyStatus.REVOKED)


class Cause(StrEnum):
    """Name what a blocker waits for."""

    #: No probe through CloudFront has been good yet.
    NOT_PROBED = "not_probed"
    #: The key has not been good for long enough.
    PROPAGATION = "propagation"
    #: URLs that it signed may still be out.
    URLS_OUT = "urls_out"
    #: No state lies there from here.
    NO_SUCH_MOVE = "no_such_move"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long things take, in seconds; the settings say."""

    #: A key must have been seen to work for so long before it signs.
    propagation: int
    #: The longest lifetime of a URL: max_expire plus expire_step.
    url_lifetime: int
    #: How long a process may go on signing with a key that was replaced.
    keyring: int
    #: By how much the clock of a machine that signs and that of an edge may
    #: together differ from the database's.
    clock_skew: int

    @property
    def retirement(self) -> int:
        """Return how long a key must stay trusted after it stopped to sign."""
        return self.url_lifetime + self.keyring + self.clock_skew


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """What the rules know of a key pair. Moments are Unix seconds, or None."""

    status: KeyStatus
    #: Since when no probe with this key was refused, from the first good one on.
    verified_since: int | None = None
    #: When it was seen that no process can begin to sign with it any more.
    retiring_since: int | None = None
    #: The longest ``Waits.retirement`` that was seen in force since it began to
    #: sign: settings may have been lowered, which shortens no URL that is out.
    retirement: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """Say what a move waits for, and until when if that is known."""

    cause: Cause
    until: int | None = None


#: The moves that are possible at any time. An ACTIVE key stops signing only when another one
#: starts, in the same transaction: ``Rotation`` pairs the two moves.
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
    """Return what keeps the key from moving ``to`` a state; empty if it may move."""
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
    """Return whether a person may still give another key pair ID: until a probe was good."""
    return key.status is KeyStatus.TRUSTED and key.verified_since is None


class NewlyTrusted(TypedDict):
    """The fields of a key pair whose wait begins."""

    trusted_at: datetime
    verified_since: None


def newly_trusted(now: datetime) -> NewlyTrusted:
    """Return what to record of a key that came into its group, or came back: it waits anew."""
    return {"trusted_at": now, "verified_since": None}


def end_of_wait_by(machine: datetime, database: datetime) -> datetime:
    """Return the moment that decides whether a wait is over: the earlier of two clocks."""
    return min(machine, database)


def begin_of_wait_by(machine: datetime, database: datetime) -> datetime:
    """Return the moment at which a wait begins: the later of two clocks."""
    return max(machine, database)


def full_seconds(moment: datetime | None) -> int | None:
    """Return Unix seconds, rounded up: a wait that begins within a second begins at its end."""
    return None if moment is None else math.ceil(moment.timestamp())
