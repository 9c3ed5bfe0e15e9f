"""Generate schedules: the circumstances of a run, and what happens in it, one event after another.

The chance is that of a seed, which gives the same schedule again, or that of
hypothesis, which shrinks a schedule that fails: an event that is not needed
becomes one in which nothing happens.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from random import Random
from typing import Any, Final

from cfsigned_django.rotation.lifecycle import Waits

#: By how much a clock may be wrong, in seconds; two clocks meet in a URL's expiry.
SKEW = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long things take, how often they fail, and who takes part."""

    waits: Waits
    #: Seconds between two looks of a process into the database.
    interval: int
    max_expire: int
    expire_step: int
    claim_seconds: int
    #: For how long ListPublicKeys does not show a new key.
    list_lag: float
    #: The share of calls to AWS that go wrong.
    faults: float
    #: Chances at each boundary: that the process dies, is held up, or meets a
    #: database that fails.
    deaths: float
    holds: float
    database_failures: float
    rotators: int
    workers: int
    edges: int
    #: Whether a key of the settings signs at first, which is imported at some time.
    has_settings_key: bool
    #: Whether that has been imported before the schedule begins.
    is_imported: bool
    #: Whether nobody else has a key in the group at first, so that one of ours may be the last.
    is_alone: bool
    #: Whether keys may be revoked, and whether a person takes keys out of the group.
    revokes: bool
    meddles: bool


class Kind(StrEnum):
    """Name what may happen."""

    NOTHING = "nothing"
    SIGN = "a worker signs"
    ADVANCE = "a rotator does the next step"
    START = "a rotator starts a rotation"
    IMPORT = "a rotator imports the key of the settings"
    REVOKE = "a rotator revokes a key"
    NEXT = "time passes until a step is due, and a rotator does it"
    DUE = "time passes until something is due"
    TICK = "a little time passes"
    RESTART = "a worker restarts"
    CUT_OFF = "a worker loses the database, or has it again"
    SLEEP = "a worker sleeps"
    API_DOWN = "AWS is out of reach for a while"
    FOREIGN_IN = "somebody adds another key"
    FOREIGN_OUT = "somebody takes their key out"
    FULL = "somebody fills the group"
    TAKEN_OUT = "somebody takes our TRUSTED key out"
    CORRECT = "a person gives the id of a TRUSTED key, a wrong one or the right one"
    OPEN = "somebody lifts the restriction to signed URLs, or sets it again"
    LIFETIME = "somebody changes the longest lifetime"


#: How often each kind is drawn; the first is what an event shrinks to.
_SHARES: Final[Mapping[Kind, int]] = {
    Kind.NOTHING: 2,
    Kind.SIGN: 44,
    Kind.ADVANCE: 32,
    Kind.NEXT: 52,
    Kind.START: 20,
    Kind.IMPORT: 4,
    Kind.REVOKE: 6,
    Kind.DUE: 18,
    Kind.TICK: 10,
    Kind.RESTART: 2,
    Kind.CUT_OFF: 4,
    Kind.SLEEP: 2,
    Kind.API_DOWN: 1,
    Kind.FOREIGN_IN: 2,
    Kind.FOREIGN_OUT: 2,
    Kind.FULL: 1,
    Kind.TAKEN_OUT: 4,
    Kind.CORRECT: 4,
    Kind.OPEN: 2,
    Kind.LIFETIME: 4,
}
#: What others may do while somebody waits for an answer.
BUSY_KINDS: Final = [kind for kind, share in _SHARES.items() for _ in range(share)]
#: The largest seed.
_MOST: Final = 2**16 - 1


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``seed`` is for what chance decides in it."""

    kind: Kind
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One run: its plan, its events, and a seed for what is there at its begin."""

    plan: Plan
    seed: int
    events: list[Event]


def _make_plan(random: Random, fixed: Mapping[str, Any]) -> Plan:
    """Return a plan; the waits are no longer than they must be."""
    fields_of_plan: dict[str, tuple[Any, ...]] = {
        "interval": (10, 0, 60, 300),
        "max_expire": (20, 600, 86_400),
        "expire_step": (0, 0, 60),
        "claim_seconds": (60,),
        "list_lag": (0.0, 0.0, 1.0),
        "faults": (0.0, 0.0, 0.05, 0.2),
        "deaths": (0.0, 0.0, 0.01, 0.04),
        "holds": (0.0, 0.02, 0.1),
        "database_failures": (0.0, 0.0, 0.0, 0.02),
        "rotators": (1, 2, 2, 3),
        "workers": (1, 2, 3),
        "edges": (2,),
        "has_settings_key": (False, True, True),
        "is_imported": (True, False),
        "is_alone": (False, True),
        "revokes": (False, False, False, False, True),
        "meddles": (False, False, False, False, True),
    }
    chosen = {
        name: fixed[name] if name in fixed else random.choice(values)
        for name, values in fields_of_plan.items()
    }
    waits = Waits(
        propagation=random.choice((5, 60, 300)),
        url_lifetime=chosen["max_expire"] + chosen["expire_step"],
        keyring=2 * chosen["interval"],
        clock_skew=2 * SKEW,
    )
    return Plan(waits=waits, **chosen)


def make_schedule(
    random: Random, *, often: tuple[Kind, ...] = (), fixed: Mapping[str, Any] | None = None
) -> Schedule:
    """Return a schedule.

    What is named in ``often`` happens often, and ``fixed`` are fields of the
    plan that are not left to chance.
    """
    fixed = fixed or {}
    assert fixed.keys() <= {each.name for each in fields(Plan)}
    length = random.choice((25, 45, 70))
    kinds = [*BUSY_KINDS, *(often * (len(BUSY_KINDS) // 10))]
    return Schedule(
        plan=_make_plan(random, fixed),
        seed=random.randint(0, _MOST),
        events=_read_events(random.randbytes(4 * length), kinds),
    )


def _read_events(data: bytes, kinds: list[Kind]) -> list[Event]:
    """Make an event of each four bytes: drawn one by one, they would cost a fifth of the time."""
    return [
        Event(kinds[kind * len(kinds) >> 16], seed)
        for kind, seed in struct.iter_unpack(">HH", data)
    ]
