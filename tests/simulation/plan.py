"""Name the circumstances of one simulated schedule."""

from __future__ import annotations

from dataclasses import dataclass

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
    keeps_spare: bool
    #: Whether nobody else has a key in the group at first, so that one of ours may be the last.
    is_alone: bool
    #: Whether keys may be revoked, and whether a person takes keys out of the group.
    revokes: bool
    meddles: bool
