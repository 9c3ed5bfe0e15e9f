"""Remember which key pairs are ACTIVE, and look again every interval.

Where the database does not answer, a process goes on with what it knows, for
as long as :class:`~cfsigned_django.lease.Lease` allows. A process that starts
meanwhile knows only the key of the settings, and signs with that: whether the
key was replaced or revoked, nobody can tell it. Where it was not, its URLs end
before the key can be retired, as if the database had confirmed the key when it
was first asked. Where it was, CloudFront refuses the URLs from the start;
hence the advice to take a key out of the settings once it is imported. Such a
process then raises, and looks again soon.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.core.exceptions import ImproperlyConfigured
from django.db import Error

from cfsigned_django import conf
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.lease import FindActive, Found, Lease
from cfsigned_django.signing import HashAlgorithm, Signer

logger = logging.getLogger("cfsigned_django.keyring")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the last look brought that was answered."""

    found: Found = field(default_factory=Found)
    #: Why nothing may sign, if so.
    problem: str = ""
    #: When it was asked; None as long as no look was answered.
    seen_at: float | None = None


@dataclass(slots=True)
class _Slot:
    """What is known of one key group."""

    answer: _Answer = field(default_factory=_Answer)
    #: When it was last looked, by a clock that never goes back and by the
    #: wall clock, which also counts while a machine sleeps.
    looked_at: float = float("-inf")
    looked_on: float = float("-inf")
    #: When it was first looked, by the wall clock.
    first_looked_on: float | None = None
    #: AWS_CLOUDFRONT_KEYRING_SECONDS at the last look.
    interval: int = 0
    #: For how many seconds nobody looks again.
    pause: int = 0
    #: When it was last logged that the database does not answer.
    logged_at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


class Keyring:
    """Remember which key pairs are ACTIVE; safe to share between threads.

    ``interval`` says how many seconds lie between two looks; ``monotonic`` and
    ``wall`` are clocks.
    """

    def __init__(
        self,
        find_active: FindActive,
        *,
        interval: Callable[[], int] = lambda: conf.rotation_seconds(
            "AWS_CLOUDFRONT_KEYRING_SECONDS"
        ),
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._find_active = find_active
        self._interval = interval
        self._monotonic = monotonic
        self._wall = wall
        self._slots: dict[tuple[str, HashAlgorithm | None], _Slot] = {}

    def expire(self) -> None:
        """Look again before the next URL is signed."""
        for slot in list(self._slots.values()):
            slot.looked_at = float("-inf")

    def renew_locks(self) -> None:
        """Free what threads held that a fork left behind."""
        for slot in list(self._slots.values()):
            slot.lock = threading.Lock()

    def lease(
        self, key_group_id: str, hash_algorithm: HashAlgorithm | None, fallback: Signer | None
    ) -> Lease:
        """Return the group's ACTIVE signer, else ``fallback``; see :func:`lease_signer`."""
        key = (key_group_id, hash_algorithm)
        slot = self._slots.get(key) or self._slots.setdefault(key, _Slot())
        age, lock = self._age(slot), slot.lock
        if age >= slot.pause and lock.acquire(blocking=age >= 2 * slot.interval):
            try:
                if self._age(slot) >= slot.pause:  # the one waited for may have looked
                    self._look(slot, key_group_id, hash_algorithm)
            finally:
                lock.release()
        return _make_lease(slot, key_group_id, fallback)

    def _age(self, slot: _Slot) -> float:
        """Return for how long, in seconds, nobody has looked."""
        return max(self._monotonic() - slot.looked_at, self._wall() - slot.looked_on)

    def _look(self, slot: _Slot, key_group_id: str, hash_algorithm: HashAlgorithm | None) -> None:
        """Ask the database; where it does not answer, go on with what was known."""
        slot.interval = self._interval()
        # Read before: the answer is as old as the question.
        looked_at, looked_on = self._monotonic(), self._wall()
        if slot.first_looked_on is None:
            slot.first_looked_on = looked_on
        known = slot.answer.found.signer
        try:
            found = self._find_active(key_group_id, hash_algorithm, known)
        except CannotUnseal as error:
            # The key before it does not go on: it will be retired.
            slot.answer = _Answer(problem=f"Key group {key_group_id}: {error}", seen_at=looked_on)
            logger.error("The ACTIVE key pair of %s cannot be used. %s", key_group_id, error)
        except Error as error:
            looked_at, looked_on = self._monotonic(), self._wall()
            _pause_after_failure(slot)
            if looked_at - slot.logged_at >= slot.interval:
                slot.logged_at = looked_at
                _log_failure(slot, key_group_id, error)
            slot.looked_at, slot.looked_on = looked_at, looked_on
            return
        else:
            slot.answer = _Answer(found=found, seen_at=looked_on)
        slot.looked_at, slot.looked_on, slot.pause = looked_at, looked_on, slot.interval
        slot.logged_at = float("-inf")


def _pause_after_failure(slot: _Slot) -> None:
    """Wait an interval; less where the process has never had an answer, but longer each time."""
    if slot.answer.seen_at is None:
        slot.pause = min(slot.interval, max(1, 2 * slot.pause))
    else:
        slot.pause = slot.interval


def _log_failure(slot: _Slot, key_group_id: str, error: Error) -> None:
    signer = slot.answer.found.signer
    if signer is not None:
        goes_on = f"Signing goes on with {signer.key_pair_id}"
    elif slot.answer.seen_at is not None:
        goes_on = "Signing goes on as it was"
    else:
        goes_on = (
            "It has never answered this process, which signs with the key of the settings, if "
            "there is one: should that have been replaced or revoked, CloudFront refuses its URLs"
        )
    logger.error(
        "The database did not say which key pair of key group %s is ACTIVE (%s). %s; next look in "
        "%s s.",
        key_group_id,
        type(error).__name__,
        goes_on,
        slot.pause,
    )


#: Says that a key group has no key; takes its id.
NOTHING_SIGNS = (
    "Key group {} has no ACTIVE key pair in the database, and no key is set that could sign. Run "
    "manage.py cfsigned_rotate --start, or set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID."
)
_NO_ANSWER = (
    "The database does not say which key pair of key group {} is ACTIVE, and no key is set in "
    "AWS_CLOUDFRONT_KEY: nothing can be signed until it answers."
)


def _make_lease(slot: _Slot, key_group_id: str, fallback: Signer | None) -> Lease:
    """Return the signer that a look found, or the one of the settings if it may sign."""
    answer = slot.answer
    signer = answer.found.signer
    if answer.problem:
        raise ImproperlyConfigured(answer.problem)
    if signer is None and fallback and fallback.key_pair_id not in answer.found.known_ids:
        signer = fallback
    if signer is None:
        problem = _NO_ANSWER if answer.seen_at is None else NOTHING_SIGNS
        raise ImproperlyConfigured(problem.format(key_group_id))
    seen_at = slot.first_looked_on if answer.seen_at is None else answer.seen_at
    return Lease(
        signer=signer,
        seen_at=seen_at,
        worth=2 * slot.interval,
        fresh_until=slot.looked_on + slot.pause,
    )
