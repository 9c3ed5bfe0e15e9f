"""Answer which key signs now.

That is the ACTIVE key pair of the storage's key group, where the app is
installed and has one, and the key of the settings otherwise. A process looks
again every AWS_CLOUDFRONT_KEYRING_SECONDS; between two looks an answer costs
no query. This module knows no model: the app registers where to look.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeAlias

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

from cfsigned_django import conf
from cfsigned_django.conf import KeySource
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.signing import HashAlgorithm, PublicKey, Signer

logger = logging.getLogger("cfsigned_django.keyring")

#: Takes a key group, a hash algorithm, and the signer that was ACTIVE at the
#: last look; returns the one that is ACTIVE now, or None where none is.
FindActive: TypeAlias = Callable[[str, HashAlgorithm | None, Signer | None], Signer | None]

_find_active: FindActive | None = None


def register(find_active: FindActive) -> None:
    """Let the keyring look for ACTIVE key pairs in the database."""
    global _find_active
    _find_active = find_active
    forget()


def looks_in_database(key_group_id: str | None) -> bool:
    """Tell whether a key group's key may come from the database."""
    return bool(key_group_id) and _find_active is not None


@dataclass(slots=True)
class _Slot:
    """What one key group answered last, by a clock that never goes back."""

    signer: Signer | None = None
    problem: str = ""
    #: From here on the answer is old; from ``too_old_at`` on it is too old.
    old_at: float = float("-inf")
    too_old_at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


_slots: dict[tuple[str, HashAlgorithm | None], _Slot] = {}


def forget() -> None:
    """Look again at the next URL: after a move that this process made itself."""
    _slots.clear()


def get_signer(
    source: KeySource, key_pair_id: str, hash_algorithm: HashAlgorithm | None = None
) -> Signer:
    """Return the signer of a configured key.

    Raise :exc:`cfsigned_django.signing.InvalidKey` where the source holds no
    key that CloudFront takes.
    """
    return Signer(key_pair_id=key_pair_id, private_key=source.load(), hash_algorithm=hash_algorithm)


def get_active_signer(
    key_group_id: str, hash_algorithm: HashAlgorithm | None, fallback: Signer | None
) -> Signer:
    """Return the signer of the group's ACTIVE key pair, else ``fallback``.

    Other threads are not kept waiting while one looks, unless what they know
    is older than two intervals; rotation.py counts on that bound. Raise
    :exc:`ImproperlyConfigured` where nothing can sign.
    """
    key = (key_group_id, hash_algorithm)
    slot = _slots.get(key) or _slots.setdefault(key, _Slot())
    now = time.monotonic()
    if now >= slot.old_at and slot.lock.acquire(blocking=now >= slot.too_old_at):
        try:
            if time.monotonic() >= slot.old_at:  # the one waited for may have looked
                _look(slot, key_group_id, hash_algorithm)
        finally:
            slot.lock.release()
    signer = slot.signer or (None if slot.problem else fallback)
    if signer is None:
        raise ImproperlyConfigured(slot.problem or _NOTHING_SIGNS.format(key_group_id))
    return signer


_NOTHING_SIGNS = (
    "Key group {} has no ACTIVE key pair in the database, and no key is set. Run "
    "manage.py cfsigned_rotate --start, or set AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID."
)


def _look(slot: _Slot, key_group_id: str, hash_algorithm: HashAlgorithm | None) -> None:
    """Ask the database; where it does not answer, go on with what was known."""
    find_active = _find_active
    interval = conf.rotation_seconds("AWS_CLOUDFRONT_KEYRING_SECONDS")
    try:
        if find_active is not None:
            slot.signer = _outside_event_loops(
                lambda: find_active(key_group_id, hash_algorithm, slot.signer)
            )
        slot.problem = ""
    except CannotUnseal as error:
        slot.problem = str(error)
        logger.error("The ACTIVE key pair of key group %s cannot be used. %s", key_group_id, error)
    except DatabaseError as error:
        logger.error(
            "The database did not say which key pair of key group %s is ACTIVE (%s). Signing "
            "goes on with %s; next look in %s s.",
            key_group_id,
            type(error).__name__,
            slot.signer or "the key of the settings, if there is one",
            interval,
        )
    now = time.monotonic()
    slot.old_at, slot.too_old_at = now + interval, now + 2 * interval


def _outside_event_loops(look: Callable[[], Signer | None]) -> Signer | None:
    """Call ``look`` where Django allows queries: in no thread that runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return look()
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(_then_close_connections, look).result()


def _then_close_connections(look: Callable[[], Signer | None]) -> Signer | None:
    try:
        return look()
    finally:
        connections.close_all()  # this thread's own, which nobody else would close


def trusted_keys(signer: Signer) -> dict[str, PublicKey]:
    """Return the public keys, by key pair id, that CloudFront must trust for the signer's URLs."""
    return {signer.key_pair_id: signer.private_key.public_key}
