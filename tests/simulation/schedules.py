"""Generate schedules: the circumstances of a run, and what happens in it, one event after another.

The chance is that of a seed, which gives the same schedule again, or that of
hypothesis, which shrinks a schedule that fails: an event that is not needed
becomes one in which nothing happens.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import Enum
from random import Random
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from cfsigned_django.rotation.lifecycle import Waits

#: By how much a clock may be wrong, in seconds; two clocks meet in a URL's expiry.
SKEW = 30


#: How long things take, how often they fail, and who takes part: what is drawn for each.
_CHOICES: Final[Mapping[str, tuple[Any, ...]]] = {
    # Seconds between two looks of a process into the database.
    "interval": (10, 0, 60, 300),
    "max_expire": (20, 600, 86_400),
    "expire_step": (0, 0, 60),
    "claim_seconds": (60,),
    # For how long ListPublicKeys does not show a new key.
    "list_lag": (0.0, 0.0, 1.0),
    # The share of calls to AWS that go wrong.
    "faults": (0.0, 0.0, 0.05, 0.2),
    # Chances at each boundary: that the process dies, is held up, or meets a database that fails.
    "deaths": (0.0, 0.0, 0.01, 0.04),
    "holds": (0.0, 0.02, 0.1),
    "database_failures": (0.0, 0.0, 0.0, 0.02),
    "rotators": (1, 2, 2, 3),
    "workers": (1, 2, 3),
    "edges": (2,),
    # Whether a key of the settings signs at first, and has been imported before the schedule.
    "has_settings_key": (False, True, True),
    "is_imported": (True, False),
    # Whether nobody else has a key in the group at first, so that one of ours may be the last.
    "is_alone": (False, True),
    # Whether keys may be revoked, and whether a person takes keys out of the group.
    "revokes": (False, False, False, False, True),
    "meddles": (False, False, False, False, True),
}


class Plan(SimpleNamespace):
    """The waits, and one of each choice."""

    waits: Waits
    interval: int


class Kind(Enum):
    """Name what may happen, and how often it is drawn; the first is what an event shrinks to."""

    NOTHING = "nothing", 2
    SIGN = "a worker signs", 44
    ADVANCE = "a rotator does the next step", 32
    NEXT = "time passes until a step is due, and a rotator does it", 52
    START = "a rotator starts a rotation", 20
    IMPORT = "a rotator imports the key of the settings", 4
    REVOKE = "a rotator revokes a key", 6
    DUE = "time passes until something is due", 18
    TICK = "a little time passes", 10
    RESTART = "a worker restarts", 2
    CUT_OFF = "a worker loses the database, or has it again", 4
    SLEEP = "a worker sleeps", 2
    API_DOWN = "AWS is out of reach for a while", 1
    FOREIGN_IN = "somebody adds another key", 2
    FOREIGN_OUT = "somebody takes their key out", 2
    FULL = "somebody fills the group", 1
    TAKEN_OUT = "somebody takes our TRUSTED key out", 4
    CORRECT = "a person gives the id of a TRUSTED key, a wrong one or the right one", 4
    OPEN = "somebody lifts the restriction to signed URLs, or sets it again", 2
    LIFETIME = "somebody changes the longest lifetime", 4


#: What others may do while somebody waits for an answer.
BUSY_KINDS: Final = [kind for kind in Kind for _ in range(kind.value[1])]
#: The largest seed.
_MOST: Final = 2**16 - 1


class Event(NamedTuple):
    """One event; ``seed`` is for what chance decides in it."""

    kind: Kind
    seed: int


class Schedule(NamedTuple):
    """One run: its plan, its events, and a seed for what is there at its begin."""

    plan: Plan
    seed: int
    events: list[Event]


def _make_plan(random: Random, fixed: Mapping[str, Any]) -> Plan:
    """Return a plan; the waits are no longer than they must be."""
    chosen = {
        name: fixed[name] if name in fixed else random.choice(values)
        for name, values in _CHOICES.items()
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
    assert fixed.keys() <= _CHOICES.keys()
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
