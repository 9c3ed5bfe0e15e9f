"""Answer which key signs now.

That is the ACTIVE key pair of the storage's key group, where the app is
installed and has one, and the key of the settings otherwise. A process looks
again every AWS_CLOUDFRONT_KEYRING_SECONDS; between two looks an answer costs
no query. This module knows no model: the app registers where to look.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from django.core.exceptions import ImproperlyConfigured
from django.db import Error

from cfsigned_django import conf
from cfsigned_django.conf import KeySource
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.signing import HashAlgorithm, PublicKey, Signer

logger = logging.getLogger("cfsigned_django.keyring")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the database says of a key group."""

    #: The signer of its ACTIVE key pair, if there is one.
    signer: Signer | None = None
    #: Where there is none: the ids of all key pairs that it knows. A key of
    #: the settings among them was replaced or revoked, and must not sign.
    known_ids: frozenset[str] = frozenset()


#: Takes a key group, a hash algorithm, and the signer that was ACTIVE at the last look.
FindActive: TypeAlias = Callable[[str, HashAlgorithm | None, Signer | None], Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A signer, and how long URLs may live that it signs."""

    signer: Signer
    #: When the database was last asked with success, in Unix seconds by this
    #: machine's clock; None where it does not decide.
    seen_at: float | None = None
    #: For how many seconds an answer may be used at its full worth.
    worth: int = 0

    def limit(self, expires: int, *, lifetime: int, now: int) -> int:
        """Return the expiry of a URL, in Unix seconds, while its key is still trusted.

        ``lifetime`` is the longest that a URL may have. A key that is no
        longer ACTIVE stays trusted for that long, and for ``worth`` seconds
        more. So a process that cannot ask the database may go on, but its
        URLs end where the key could end. Raise :exc:`ImproperlyConfigured`
        where that has passed.
        """
        if self.seen_at is None:
            return expires
        latest = int(self.seen_at) + self.worth + lifetime
        if latest <= now:
            raise ImproperlyConfigured(
                f"The database has not said for {now - int(self.seen_at)} s whether "
                f"{self.signer.key_pair_id} still signs: nothing can be signed until it answers."
            )
        return min(expires, latest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the last look brought that was answered."""

    found: Found = Found()
    #: Why nothing may sign, if so.
    problem: str = ""
    #: When it was asked; None as long as no look was answered.
    seen_at: float | None = None


@dataclass(slots=True)
class _Slot:
    """What is known of one key group."""

    answer: _Answer = _Answer()
    #: When it was last looked, by a clock that never goes back and by the
    #: wall clock, which also counts while a machine sleeps.
    looked_at: float = float("-inf")
    looked_on: float = float("-inf")
    #: The interval between two looks, in seconds.
    interval: int = 0
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

    def lease(
        self, key_group_id: str, hash_algorithm: HashAlgorithm | None, fallback: Signer | None
    ) -> Lease:
        """Return the group's ACTIVE signer, else ``fallback``; see :func:`lease_signer`."""
        key = (key_group_id, hash_algorithm)
        slot = self._slots.get(key) or self._slots.setdefault(key, _Slot())
        age = self._age(slot)
        if age >= slot.interval and slot.lock.acquire(blocking=age >= 2 * slot.interval):
            try:
                if self._age(slot) >= slot.interval:  # the one waited for may have looked
                    self._look(slot, key_group_id, hash_algorithm)
            finally:
                slot.lock.release()
        return _make_lease(slot, key_group_id, fallback)

    def _age(self, slot: _Slot) -> float:
        """Return for how long, in seconds, nobody has looked."""
        return max(self._monotonic() - slot.looked_at, self._wall() - slot.looked_on)

    def _look(self, slot: _Slot, key_group_id: str, hash_algorithm: HashAlgorithm | None) -> None:
        """Ask the database; where it does not answer, go on with what was known."""
        interval = self._interval()
        # Read before: the answer is as old as the question.
        looked_at, looked_on = self._monotonic(), self._wall()
        known = slot.answer.found.signer
        try:
            found = self._find_active(key_group_id, hash_algorithm, known)
        except CannotUnseal as error:
            # The key before it does not go on: it will be retired.
            slot.answer = _Answer(problem=f"Key group {key_group_id}: {error}", seen_at=looked_on)
            logger.error("The ACTIVE key pair of %s cannot be used. %s", key_group_id, error)
        except Error as error:
            looked_at, looked_on = self._monotonic(), self._wall()
            logger.error(
                "The database did not say which key pair of key group %s is ACTIVE (%s). Signing "
                "goes on with %s; next look in %s s.",
                key_group_id,
                type(error).__name__,
                known.key_pair_id if known else "the key of the settings, if there is one",
                interval,
            )
        else:
            slot.answer = _Answer(found=found, seen_at=looked_on)
        slot.looked_at, slot.looked_on, slot.interval = looked_at, looked_on, interval


_NOTHING_SIGNS = (
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
        problem = _NO_ANSWER if answer.seen_at is None else _NOTHING_SIGNS
        raise ImproperlyConfigured(problem.format(key_group_id))
    return Lease(signer=signer, seen_at=answer.seen_at, worth=2 * slot.interval)


#: The one of this process, once the app has said where to look.
_keyring: Keyring | None = None


def register(find_active: FindActive) -> None:
    """Let the keyring look for ACTIVE key pairs in the database."""
    global _keyring
    _keyring = Keyring(find_active)


def needs_settings_key(config: conf.Config) -> bool:
    """Tell whether the settings must hold a whole key, since none can come from elsewhere."""
    is_set = config.cloudfront_key is not None or bool(config.cloudfront_key_id)
    return is_set or not looks_in_database(config.key_group_id)


def looks_in_database(key_group_id: str | None) -> bool:
    """Tell whether a key group's key may come from the database."""
    return bool(key_group_id) and _keyring is not None


def forget() -> None:
    """Look again at the next URL: after a move that this process made itself."""
    if _keyring is not None:
        _keyring.expire()


def lease_signer(
    key_group_id: str | None, hash_algorithm: HashAlgorithm | None, fallback: Signer | None
) -> Lease:
    """Return the signer of the group's ACTIVE key pair, else ``fallback``.

    Other threads are not kept waiting while one looks, unless nobody has
    looked for two intervals. Raise :exc:`ImproperlyConfigured` where nothing
    can sign.
    """
    if key_group_id and _keyring is not None:
        return _keyring.lease(key_group_id, hash_algorithm, fallback)
    if fallback is None:
        raise ImproperlyConfigured(_NOTHING_SIGNS.format(key_group_id))
    return Lease(signer=fallback)


def get_signer(
    source: KeySource, key_pair_id: str, hash_algorithm: HashAlgorithm | None = None
) -> Signer:
    """Return the signer of a configured key.

    Raise :exc:`cfsigned_django.signing.InvalidKey` where the source holds no
    key that CloudFront takes.
    """
    return Signer(key_pair_id=key_pair_id, private_key=source.load(), hash_algorithm=hash_algorithm)


def trusted_keys(signer: Signer) -> dict[str, PublicKey]:
    """Return the public keys, by key pair id, that CloudFront must trust for the signer's URLs."""
    return {signer.key_pair_id: signer.private_key.public_key}
