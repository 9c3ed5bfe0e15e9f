"""Find the ACTIVE key pair in the database, for the keyring.

The app registers :func:`find_active_signer` when it is ready, so that the
storage works without the app.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from cfsigned_django.keyring import Found
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import HashAlgorithm, Signer


def find_active_signer(
    key_group_id: str, hash_algorithm: HashAlgorithm | None, known: Signer | None
) -> Found:
    """Return the signer of the key group's ACTIVE key pair, if it has one.

    ``known`` is the previous answer. It is returned again while it is right, so
    that its key is not decrypted and parsed again.
    """
    # The database of writes: a replica may lag by any time.
    using = router.db_for_write(KeyPair)

    def look() -> Found:
        try:
            # In a savepoint inside a transaction, so that a failure does not break the transaction.
            with transaction.atomic(using=using):
                return _find(using, key_group_id, hash_algorithm, known)
        except DatabaseError:
            if known is not None or _has_table(using):
                raise
            return Found()  # There is no key pair before the first migration.

    if not _runs_event_loop() and _sees_the_present(using):
        return look()
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(_on_own_connection, using, look).result()


def _find(
    using: str, key_group_id: str, hash_algorithm: HashAlgorithm | None, known: Signer | None
) -> Found:
    rows = KeyPair.objects.using(using)
    row = rows.filter(active_in=key_group_id).first()
    if row is None:
        ids = rows.exclude(key_pair_id=None).values_list("key_pair_id", flat=True)
        return Found(known_ids=frozenset(filter(None, ids)))
    if known is not None and known.key_pair_id == row.key_pair_id:
        return Found(signer=known)
    return Found(signer=row.make_signer(hash_algorithm))


def _has_table(using: str) -> bool:
    return KeyPair._meta.db_table in connections[using].introspection.table_names()


def _runs_event_loop() -> bool:
    """Return whether this thread runs an event loop, in which Django allows no queries."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _sees_the_present(using: str) -> bool:
    """Return whether a query of this thread sees what others have just committed.

    In a transaction it may see the state at its beginning (REPEATABLE READ,
    SQLite in WAL mode), and in a failed transaction it sees nothing.
    """
    connection = connections[using]
    if not connection.in_atomic_block:
        return connection.get_autocommit()
    try:
        # Django refuses this inside a transaction, except inside one of its TestCase.
        with transaction.atomic(using=using, durable=True):
            return True
    except RuntimeError:
        return False


def _on_own_connection(using: str, look: Callable[[], Found]) -> Found:
    try:
        return look()
    finally:
        # Nothing else would close the connection of this thread. Not by SQLite's method, which
        # leaves an in-memory database open.
        BaseDatabaseWrapper.close(connections[using])
