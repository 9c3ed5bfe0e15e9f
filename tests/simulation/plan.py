"""Choose the circumstances of one simulated schedule."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from cfsigned_django.lifecycle import Waits

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
    #: How many steps of the schedule are chosen before all faults end.
    length: int
    #: Whether a key of the settings signs at first, which is imported later.
    has_settings_key: bool
    keeps_spare: bool
    #: Whether keys may be revoked, and whether a person takes keys out of the group.
    revokes: bool
    meddles: bool

    @property
    def lifetime(self) -> int:
        """Return the longest lifetime of a URL, in seconds."""
        return self.max_expire + self.expire_step


def make_plan(random: Random) -> Plan:
    """Return a plan by chance; the waits are no longer than they must be."""
    max_expire = random.choice((20, 600, 86_400))
    expire_step = random.choice((0, 0, 60))
    interval = random.choice((0, 10, 60, 300))
    is_quiet = random.random() < 0.25
    return Plan(
        waits=Waits(
            propagation=random.choice((5, 60, 300)),
            url_lifetime=max_expire + expire_step,
            keyring=2 * interval,
            clock_skew=2 * SKEW,
        ),
        interval=interval,
        max_expire=max_expire,
        expire_step=expire_step,
        claim_seconds=60,
        list_lag=random.choice((0.0, 0.0, 1.0)),
        faults=0.0 if is_quiet else random.choice((0.0, 0.05, 0.2)),
        deaths=0.0 if is_quiet else random.choice((0.0, 0.01, 0.04)),
        holds=random.choice((0.0, 0.02, 0.1)),
        database_failures=0.0 if is_quiet else random.choice((0.0, 0.0, 0.02)),
        rotators=random.choice((1, 2, 2, 3)),
        workers=random.choice((1, 2, 3)),
        edges=2,
        length=random.choice((25, 45, 70)),
        has_settings_key=random.random() < 0.7,
        keeps_spare=random.random() < 0.2,
        revokes=random.random() < 0.2,
        meddles=random.random() < 0.2,
    )
