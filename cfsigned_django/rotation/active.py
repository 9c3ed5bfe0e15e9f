"""Find out for the keyring which key pair signs; if none does, why, and which step lets one sign.

The app registers :func:`find_active_signer` when it is ready, so that the
storage works without the app.

The query uses the caller's own connection if that sees what others have
committed. A second connection may never become available: with a pool, each
request may hold one connection and wait for another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.utils.translation import gettext

from cfsigned_django.core import conf
from cfsigned_django.core.conf import LazyPrivateKey
from cfsigned_django.core.encryption import CannotDecrypt, NotItsKey
from cfsigned_django.core.keyring import NoKey, SigningState, key_group_option
from cfsigned_django.core.text import Phrase as _, translated
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair, has_table
from cfsigned_django.signing import InvalidKey
from cfsigned_django.signing.lazy_key import runs_event_loop

if TYPE_CHECKING:
    from cfsigned_django.signing import HashAlgorithm
    from cfsigned_django.signing.signer import Signer


#: For how many seconds a query may take or wait for a lock, and a caller that knows a signer may
#: wait for a connection.
PATIENCE = 2
#: For how many seconds a caller that knows none may wait: less than the keyring waits for it.
LONGEST_PATIENCE = 8

NO_TABLE = "The database has no table of key pairs yet."


def find_active_signer(
    key_group_id: str, hash_algorithm: HashAlgorithm | None, known: Signer | None
) -> SigningState:
    """Return the signer of the key group's ACTIVE key pair, if it has one.

    ``known`` is the previous answer. It is returned again as long as it is
    correct, so that its key is not decrypted and parsed again.
    """
    # The database that takes writes: a replica may lag by any time.
    using = router.db_for_write(KeyPair)

    def look() -> SigningState:
        try:
            with _apart(connections[using]):
                return _find(using, key_group_id, hash_algorithm, known)
        except DatabaseError:
            if known is not None or has_table(using):
                raise
            # There is no key pair before the first migration.
            return signing_state(key_group_id, None)

    if not runs_event_loop() and _sees_the_present(using):
        return look()
    pool = ThreadPoolExecutor(max_workers=1)
    answer = pool.submit(_on_own_connection, using, look)
    pool.shutdown(wait=False)
    seconds = LONGEST_PATIENCE if known is None else PATIENCE
    try:
        return answer.result(timeout=seconds)
    except TimeoutError:
        raise OperationalError(f"No answer on a second connection within {seconds} s.") from None


def _find(
    using: str, key_group_id: str, hash_algorithm: HashAlgorithm | None, known: Signer | None
) -> SigningState:
    rows = KeyPair.objects.using(using)
    found = list(rows.filter(Q(active_in=key_group_id) | Q(status=KeyStatus.REVOKED)))
    if not any(each.active_in for each in found):
        found = list(rows)  # The key of the settings may have been imported meanwhile.

    def open_signer(row: KeyPair) -> Signer:
        if known is not None and known.key_pair_id == row.key_pair_id:
            return known
        return row.make_signer(hash_algorithm)

    return signing_state(key_group_id, found, open_signer)


@contextmanager
def _apart(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let the block's queries break nothing of the caller's, and wait for :data:`PATIENCE`."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        # A transaction could be IMMEDIATE, and wait for that of the caller.
        yield
        return
    # In a savepoint if the caller has a transaction.
    with transaction.atomic(using=connection.alias):
        with _limits(connection):
            yield
        transaction.set_rollback(True, using=connection.alias)  # also undoes the limits


@contextmanager
def _limits(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Limit how long a query within the block takes (PostgreSQL), or waits for a lock (MySQL)."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Local to the savepoint: a rollback restores the caller's limit.
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{PATIENCE}s"])
            yield
        elif connection.vendor == "mysql":
            cursor.execute("SELECT @@lock_wait_timeout")
            callers = cursor.fetchone()
            cursor.execute("SET lock_wait_timeout = %s", [PATIENCE])
            try:
                yield
            finally:
                cursor.execute("SET lock_wait_timeout = %s", callers)
        else:
            yield


def _sees_the_present(using: str) -> bool:
    """Return whether a query of this thread sees what others have just committed.

    A READ COMMITTED transaction does. Other transactions may see the state at
    their beginning (REPEATABLE READ, SQLite in WAL mode), and a failed one
    sees nothing.
    """
    connection = connections[using]
    if not connection.in_atomic_block:
        return connection.get_autocommit() or _is_read_committed(connection)
    try:
        # Django refuses this inside a transaction, except inside one of its TestCase.
        with transaction.atomic(using=using, durable=True):
            return True
    except RuntimeError:
        return _is_read_committed(connection)


def _is_read_committed(connection: BaseDatabaseWrapper) -> bool:
    if connection.needs_rollback:
        return False
    if connection.vendor == "mysql":
        # Django sets it when it connects.
        return getattr(connection, "isolation_level", None) == "read committed"
    if connection.vendor != "postgresql":
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            return bool(cursor.fetchone() == ("read committed",))
    except DatabaseError:
        return False  # The transaction has failed.


def _on_own_connection(using: str, look: Callable[[], SigningState]) -> SigningState:
    try:
        return look()
    finally:
        # Nothing else would close the connection of this thread. Not by SQLite's method, which
        # leaves an in-memory database open.
        BaseDatabaseWrapper.close(connections[using])


# Who signs, and why nobody does


def _only_decrypt(key_pair: KeyPair) -> None:
    key_pair.decrypted()


def signing_state(
    key_group_id: str,
    key_pairs: Iterable[KeyPair] | None,
    open_signer: Callable[[KeyPair], Signer | None] = _only_decrypt,
) -> SigningState:
    """Return who signs for a key group, or why nobody does.

    ``key_pairs`` are those of all key groups, of which a key of the settings may be one; None if
    the database has no table of them. ``open_signer`` is for the keyring, which signs.
    """
    if key_pairs is None:
        return SigningState(key_group_id=key_group_id, explain=partial(_no_table, key_group_id))
    rows, signer, problem = list(key_pairs), None, None
    active = next((each for each in rows if each.active_in == key_group_id), None)
    successor = next((each for each in rows if each.next_in == key_group_id), None)
    explain = partial(_explain, key_group_id, successor)
    if active is not None:
        try:
            signer = open_signer(active)
        except (CannotDecrypt, ImproperlyConfigured, InvalidKey) as error:
            problem = error.with_traceback(None)  # its frames have encryption keys
            explain = partial(_explain_problem, key_group_id, active, problem)
    return SigningState(
        key_group_id=key_group_id,
        active=str(active or ""),
        signer=signer,
        problem=problem,
        known_ids=frozenset(each.key_pair_id for each in rows if each.key_pair_id),
        revoked_ids=frozenset(
            each.key_pair_id
            for each in rows
            if each.key_pair_id and each.status == KeyStatus.REVOKED
        ),
        explain=explain,
    )


def _no_table(key_group_id: str) -> NoKey:
    return NoKey(
        what=f"No key signs for key group {key_group_id}. {NO_TABLE}",
        next_step="Run manage.py migrate.",
    )


def _explain_problem(key_group_id: str, active: KeyPair, problem: Exception) -> NoKey:
    """Return why the ACTIVE key pair cannot sign, and what to do, also if its key is lost."""
    next_step = "Then run manage.py check --database default again."
    if isinstance(problem, CannotDecrypt) and not isinstance(problem, NotItsKey):
        next_step = (
            "If that key is lost, start the rotation without it (manage.py cfsigned_rotate --start"
            f"{key_group_option(key_group_id)}): URLs that are out stay valid, and the new key can "
            "sign in some minutes."
        )
    return NoKey(
        what=_(
            "No key signs for key group {group}: {key}, the ACTIVE key pair, cannot sign. "
            "{problem}",
            group=key_group_id,
            key=str(active),
            problem=_sentence(translated(problem, gettext)),
        ),
        next_step=next_step,
    )


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}."


def _explain(key_group_id: str, successor: KeyPair | None) -> NoKey:
    """Return what there is instead of a key that signs, and the step that lets one sign.

    What a successor waits for is told by the command (stages.py).
    """
    group_option = key_group_option(key_group_id)
    if successor is None:
        return NoKey(
            what=_(
                "No key signs for key group {group}: neither the database nor the settings have "
                "one that may sign.",
                group=key_group_id,
            ),
            next_step=f"Run manage.py cfsigned_rotate --start{group_option}, or set "
            "AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID.",
        )
    values = {"group": key_group_id, "key": str(successor)}
    command = f"manage.py cfsigned_rotate --wait{group_option}"
    if problem := successor.trust_problem:
        what = _(
            "No key signs for key group {group} yet: {key} is next, but may not sign. {problem}",
            problem=_sentence(problem),
            **values,
        )
        return NoKey(what=what, next_step=f"Then run {command}.")
    return NoKey(
        what=_("No key signs for key group {group} yet: {key} is next.", **values),
        next_step=f"Run {command}: it says what that key waits for, and goes on until it signs.",
    )


def outage_in_words(state: SigningState) -> str:
    """Return that no key signs, and why, in the active language."""
    why = translated(state.why_none().what, gettext)
    return f"{why} {gettext('Pages with links to files fail.')}"


# Keys of the settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredKey:
    """A key of the settings, or of the OPTIONS of a storage."""

    key_pair_id: str
    source: LazyPrivateKey = field(repr=False)
    #: The names of the storages that sign with it while no key pair is ACTIVE.
    storages: tuple[str, ...] = ()

    @property
    def names(self) -> str:
        """Return the names of the settings that hold the key."""
        if self.key_pair_id == conf.setting_of("cloudfront_key_id"):
            return gettext("AWS_CLOUDFRONT_KEY and AWS_CLOUDFRONT_KEY_ID")
        text = gettext("cloudfront_key and cloudfront_key_id in the OPTIONS of %(storages)s")
        return text % {"storages": ", ".join(self.storages)}


def unimported_keys(state: SigningState, keys: list[ConfiguredKey]) -> list[ConfiguredKey]:
    """Return the keys that sign while no row is ACTIVE: those that are not in the database."""
    return [each for each in keys if state.lets_sign(each.key_pair_id)]
