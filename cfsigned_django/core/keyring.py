"""Find which key signs now, and how long that answer is valid.

The ACTIVE key pair of the database signs if the app is installed and has one,
else the key of the settings. A process asks again every minute; in between, an
answer costs no query. This module knows no model: the app registers what asks
the database.

If the database does not answer, a process continues with what it knows, for as
long as :class:`Lease` allows. A process that starts meanwhile knows only the
key of the settings, and signs with that: it cannot know whether that key was
replaced or revoked. If the key was not replaced, its URLs expire before it can
be retired, as if the database had confirmed the key when it was first asked. If
it was, CloudFront refuses the URLs, which is why a key should be removed from
the settings once it is imported. Without a key in the settings, such a process
raises an error, and asks again soon.
"""

from __future__ import annotations

import logging
import math
import shlex
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import Error
from django.dispatch import receiver
from django.utils import translation

from cfsigned_django.core import conf
from cfsigned_django.signing import HashAlgorithm

if TYPE_CHECKING:
    from cfsigned_django.signing.signer import Signer

logger: Final = logging.getLogger("cfsigned_django.keyring")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoKey:
    """Why no key pair of a key group signs, and what a person does next: two sentences."""

    #: A :class:`~cfsigned_django.core.text.Phrase` if the page may show it in another language.
    what: str
    next_step: str


class NothingSigns(ImproperlyConfigured):
    """Neither the database nor the settings have a key that signs now."""

    def __init__(self, no_key: NoKey, settings_key_id: str | None = None) -> None:
        super().__init__(no_key, settings_key_id)  # pickle calls with these
        self.what: str = no_key.what
        self.next_step: str = no_key.next_step
        if settings_key_id:
            self.what += f" {settings_key_id}, the key of the settings, was replaced or revoked."

    def __str__(self) -> str:
        return f"{self.what} {self.next_step}"


def key_group_option(key_group_id: str | None) -> str:
    """Return the option with which cfsigned_rotate rotates this key group; "" if it need not."""
    is_default = key_group_id == conf.setting_of("key_group_id")
    # Someone who can write to the table may have chosen the ID, and a person pastes the command.
    return "" if is_default else f" --key-group {shlex.quote(str(key_group_id))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningState:
    """Who signs for a key group, as the database says, or why nobody does.

    Its ACTIVE key pair signs, if it can. Without one, a key of the settings does that is not in the
    database: one that is there was replaced or revoked.
    """

    key_group_id: str
    #: The name of its ACTIVE key pair; empty if there is none.
    active: str = ""
    #: The signer of that key pair, where the keyring asks.
    signer: Signer | None = None
    #: Why that key pair cannot sign, such as that nothing decrypts it; None if it can.
    problem: Exception | None = None
    #: The IDs of all key pairs in the database; needed only if none is ACTIVE.
    known_ids: frozenset[str] = frozenset()
    #: The IDs of the key pairs that were revoked.
    revoked_ids: frozenset[str] = frozenset()
    #: Returns why no key pair signs; None if the database has not answered yet.
    explain: Callable[[], NoKey] | None = None

    def lets_sign(self, settings_key_id: str) -> bool:
        """Return whether this key of the settings signs while no key pair is ACTIVE."""
        return settings_key_id not in self.known_ids

    def choose(self, settings_key: Signer | None) -> Signer | None:
        """Return the signer of the ACTIVE key pair, else that of the settings if it may sign."""
        if self.signer is not None or self.problem or settings_key is None:
            return self.signer
        return settings_key if self.lets_sign(settings_key.key_pair_id) else None

    def name_signing(self, settings_key_ids: Iterable[str]) -> str:
        """Return the key that signs, by name; several where storages have their own; else ""."""
        if self.problem:
            return ""
        return self.active or ", ".join(filter(self.lets_sign, settings_key_ids))

    def why_none(self) -> NoKey:
        """Return why no key pair signs, in the active language."""
        return self.explain() if self.explain else _no_answer(self.key_group_id)

    def nothing_signs(self, settings_key_id: str | None) -> NothingSigns:
        """Return the error of ``url()``, which is in English like all of them."""
        with translation.override(None):
            return NothingSigns(self.why_none(), None if self.problem else settings_key_id)


#: Takes a key group, a hash algorithm, and the signer that was ACTIVE at the last look.
FindActive: TypeAlias = "Callable[[str, HashAlgorithm | None, Signer | None], SigningState]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A signer, and how long the URLs that it signs may live."""

    signer: Signer
    #: When the database last answered, in Unix seconds by this machine's clock; if it never
    #: answered, when it was first asked. None if the database does not decide.
    seen_at: int | None = None
    #: Until when that answer may be used without shortening URLs, in Unix seconds.
    good_until: float = math.inf
    #: The IDs of the key pairs that were revoked, as the database last said.
    revoked_ids: frozenset[str] = frozenset()

    def cap_expiry(self, expires: int, *, lifetime: int, now: int) -> int:
        """Return the expiry of a URL, in Unix seconds, no later than its key is trusted.

        ``lifetime`` is the longest lifetime of a URL. A key that is no longer
        ACTIVE stays trusted for that long after ``good_until``. So a process
        that cannot ask the database may continue to sign, but its URLs expire
        when the key may be retired. Raise :exc:`ImproperlyConfigured` if that
        time has passed.
        """
        latest = self.good_until + lifetime
        if self.seen_at is not None and latest <= now:
            raise ImproperlyConfigured(
                f"The database has not confirmed for {now - self.seen_at} s that "
                f"{self.signer.key_pair_id} still signs: nothing can be signed until it answers."
            )
        return int(latest) if latest < expires else expires


@dataclass(frozen=True, slots=True, kw_only=True)
class _LastLook:
    """What the database answered last. It is read without a lock, so it is replaced as a whole."""

    found: SigningState
    #: When it was asked for, in Unix seconds; None before the first answer.
    seen_at: int | None = None
    #: The lease of the ACTIVE key pair, if there is one.
    lease: Lease | None = None


#: A process that never got an answer asks again after this many seconds.
_SOON = 5


@dataclass(eq=False)
class Keyring:
    """Remember which key pairs are ACTIVE; safe to share between threads.

    ``interval`` is the number of seconds between two looks; ``monotonic`` and
    ``wall`` are clocks. If a look takes more than ``longest_look`` seconds, its
    thread is taken to be gone: this process was forked during the look.
    """

    find_active: FindActive
    interval: int
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    longest_look: float = 10.0
    #: What was asked before this began no longer counts.
    era: object = field(default_factory=object)
    _groups: dict[tuple[str, HashAlgorithm | None], WatchedGroup] = field(default_factory=dict)

    def expire(self) -> None:
        """Ask again before the next URL is signed; a look in progress does not count."""
        self.era = object()

    def group(self, key_group_id: str, hash_algorithm: HashAlgorithm | None) -> WatchedGroup:
        """Return a key group, whose keys sign with this hash algorithm."""
        group = WatchedGroup(self, key_group_id, hash_algorithm)
        return self._groups.setdefault((key_group_id, hash_algorithm), group)


@dataclass(slots=True)
class WatchedGroup:
    """A key group, and what the database last said about it."""

    keyring: Keyring
    key_group_id: str
    hash_algorithm: HashAlgorithm | None
    _answer: _LastLook = field(init=False)
    #: When the database was last asked: by a monotonic clock, and in Unix seconds, which also
    #: count while a machine sleeps.
    _asked_at: tuple[float, float] = (-math.inf, -math.inf)
    #: The keyring's era in which the last look began.
    _era: object = None
    #: When the database was first asked, in Unix seconds.
    _first_asked_at: int | None = None
    #: For how many seconds the database is not asked again.
    _pause: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._answer = _LastLook(found=SigningState(key_group_id=self.key_group_id))

    def lease(self, fallback: Signer | None) -> Lease:
        """Return the signer of the ACTIVE key pair, else ``fallback``, the key of the settings.

        While one thread asks the database, others do not wait, unless the last
        look is two intervals old. Raise :exc:`NothingSigns` if no key signs.
        """
        age = self._age()
        if age >= self._pause:
            # While one thread asks, the others use what is known, unless that is too old.
            lock, waits = self._lock, age >= 2 * self.keyring.interval
            if lock.acquire(blocking=waits, timeout=self.keyring.longest_look if waits else -1):
                try:
                    if self._age() >= self._pause:  # else the previous thread has asked
                        self._look(fallback)
                finally:
                    lock.release()
            elif waits:
                self._lock = threading.Lock()
                self._look(fallback)
        return self._answer.lease or self._make_lease(fallback)

    def _age(self) -> float:
        """Return how many seconds ago the database was last asked; infinity after expire()."""
        keyring = self.keyring
        if self._era is not keyring.era:
            return math.inf
        monotonic, wall = self._asked_at
        awake, elapsed = keyring.monotonic() - monotonic, keyring.wall() - wall
        return awake if awake > elapsed else elapsed  # max() takes as long as both clocks

    def _look(self, fallback: Signer | None) -> None:
        """Ask the database. If it does not answer, continue with what is known."""
        keyring = self.keyring
        pause, era = keyring.interval, keyring.era
        # Read before the query: the answer is as old as the question.
        asked_at = keyring.monotonic(), keyring.wall()
        seen_at = int(asked_at[1])
        if self._first_asked_at is None:
            self._first_asked_at = seen_at
        try:
            known = self._answer.found.signer
            found = keyring.find_active(self.key_group_id, self.hash_algorithm, known)
        except Error as error:
            # Counted from the failure, which may have taken long.
            asked_at = keyring.monotonic(), keyring.wall()
            if self._answer.seen_at is None:
                pause = min(pause, _SOON)
            _log_failure(self._answer, self.key_group_id, error, pause, fallback)
        else:
            lease = None
            if found.problem:
                # Neither the key that signed before nor that of the settings continues.
                logger.error("%s", found.nothing_signs(None))
            if found.signer:
                lease = Lease(
                    signer=found.signer,
                    seen_at=seen_at,
                    good_until=seen_at + 2 * keyring.interval,
                    revoked_ids=found.revoked_ids,
                )
            self._answer = _LastLook(found=found, seen_at=seen_at, lease=lease)
        self._asked_at, self._pause, self._era = asked_at, pause, era

    def _make_lease(self, fallback: Signer | None) -> Lease:
        """Return a lease of the signer that was found, or of the settings' key if it may sign."""
        answer = self._answer  # read once: another thread may replace it
        signer = answer.found.choose(fallback)
        if signer is None:
            settings_key_id = fallback.key_pair_id if fallback else None
            raise answer.found.nothing_signs(settings_key_id)
        seen_at = self._first_asked_at if answer.seen_at is None else answer.seen_at
        assert seen_at is not None  # noqa: S101 - a look comes before each lease
        return Lease(
            signer=signer,
            seen_at=seen_at,
            good_until=seen_at + 2 * self.keyring.interval,
            revoked_ids=answer.found.revoked_ids,
        )


def _log_failure(
    answer: _LastLook, key_group_id: str, error: Error, pause: int, fallback: Signer | None
) -> None:
    """Log that the database did not answer, and what signs meanwhile."""
    signer = answer.found.choose(fallback)
    if signer is None:
        meanwhile = "Nothing can be signed until it answers."
    elif answer.seen_at is not None:
        meanwhile = f"{signer.key_pair_id} continues to sign."
    else:
        # Only the database knows whether this key was replaced or revoked.
        meanwhile = (
            f"{signer.key_pair_id}, the key of the settings, signs until it answers; whether "
            "CloudFront still trusts that key is not known."
        )
    logger.error(
        "The database did not answer which key pair of key group %s is ACTIVE (%s). %s The next "
        "attempt is in %s s.",
        key_group_id,
        type(error).__name__,
        meanwhile,
        pause,
    )


def _no_answer(key_group_id: str) -> NoKey:
    return NoKey(
        what=f"The database does not answer which key pair of key group {key_group_id} is ACTIVE, "
        "and no key is set in AWS_CLOUDFRONT_KEY: nothing can be signed until it answers.",
        next_step="Start the database, or correct DATABASES.",
    )


#: The keyring of this process, once the app has registered the function that asks the database.
_keyring: Keyring | None = None


def register(find_active: FindActive, *, interval: int) -> None:
    """Register the function that finds ACTIVE key pairs in the database, and how often it asks."""
    global _keyring
    _keyring = Keyring(find_active, interval=interval)
    conf.begin_generation()


def looks_in_database(key_group_id: str | None) -> bool:
    """Return whether a key group's key may come from the database."""
    return bool(key_group_id) and _keyring is not None


def watch(key_group_id: str, hash_algorithm: HashAlgorithm | None) -> WatchedGroup:
    """Return a key group whose key may come from the database, as this process knows it."""
    assert _keyring is not None  # noqa: S101 - see looks_in_database()
    return _keyring.group(key_group_id, hash_algorithm)


def forget() -> None:
    """Ask again at the next URL, after a transition that this process made itself."""
    if _keyring is not None:
        _keyring.expire()
        conf.begin_generation()


@receiver(setting_changed)
def _ask_again(*, setting: str, **kwargs: Any) -> None:
    """Ask again after override_settings and the like: a test may have its own keys."""
    if setting.startswith(("AWS_", "SECRET_KEY", "DATABASE")):
        forget()
