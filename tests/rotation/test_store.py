"""The contract with the database, on SQLite, PostgreSQL and MariaDB: rows, clock, claims, races.

Modules: rotation/active.py, rotation/models.py
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import (
    DatabaseError,
    IntegrityError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import Settings

from cfsigned_django.core import keyring
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.rotation import store
from cfsigned_django.rotation.active import find_active_signer
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.store import Claimed, read_database_clock
from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage
from tests.background import PATIENCE
from tests.keyring import KEY_GROUP_ID, make_key_pair
from tests.rotation import ECDSA, Site, die, fresh, once
from tests.simulation.faults import Fault, Killed
from tests.storage_cases import KEY_ID, parameters_of, without_sha1

pytestmark = [pytest.mark.database, pytest.mark.django_db]

ACTIVE = {"status": KeyStatus.ACTIVE, "active_in": KEY_GROUP_ID}
PENDING = {"status": KeyStatus.PENDING, "next_in": KEY_GROUP_ID}
TRUSTED = {"status": KeyStatus.TRUSTED, "next_in": KEY_GROUP_ID}


def elsewhere(act: Callable[..., Any], *arguments: Any) -> Any:
    """Do something as another process would: on a separate connection."""

    def run() -> Any:
        try:
            return act(*arguments)
        finally:
            for each in connections.all(initialized_only=True):
                BaseDatabaseWrapper.close(each)  # Django's own leaves SQLite's in memory open

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(run).result()


def do_not_wait() -> None:
    """Limit how long this connection waits for locks; SQLite in memory never waits."""
    statements = {
        "postgresql": "SET lock_timeout = '200ms'",
        "mysql": "SET innodb_lock_wait_timeout = 1",
    }
    if statement := statements.get(connection.vendor):
        with connection.cursor() as cursor:
            cursor.execute(statement)


# Columns that code cannot be trusted with


@pytest.mark.parametrize(
    ("before", "refused"),
    [
        (ACTIVE, ACTIVE),
        (PENDING, TRUSTED),
        ({"key_pair_id": "K2", "key_group_id": "another"}, {}),
        # The unique columns must say what the state says.
        ({}, {"status": KeyStatus.ACTIVE}),
        ({}, {"status": KeyStatus.ACTIVE, "active_in": "another"}),
        ({}, {"status": KeyStatus.RETIRING, "active_in": KEY_GROUP_ID}),
        ({}, {"status": KeyStatus.PENDING}),
        ({}, {"status": KeyStatus.TRUSTED, "next_in": "another"}),
        ({}, {"status": KeyStatus.REVOKED, "next_in": KEY_GROUP_ID}),
    ],
    ids=str,
)
def test_row_is_refused(before: Any, refused: Any, ec_key: PrivateKey) -> None:
    """Refuse a second ACTIVE key pair, successor or id, and what contradicts the state of a row."""
    make_key_pair(ec_key, **{"key_pair_id": "K1", **before})

    with pytest.raises(IntegrityError), transaction.atomic():
        make_key_pair(ec_key, "K2", **refused)
    assert KeyPair.objects.count() == 1


def test_key_groups_are_apart(ec_key: PrivateKey) -> None:
    """Allow one ACTIVE key pair in each key group, also past the model, and many without an id."""
    make_key_pair(ec_key, "K1", **ACTIVE)
    make_key_pair(ec_key, "K2", **{**ACTIVE, "key_group_id": "another", "active_in": "another"})
    make_key_pair(ec_key, None)
    make_key_pair(ec_key, None)

    with pytest.raises(IntegrityError), transaction.atomic():
        KeyPair.objects.filter(key_pair_id=None).update(**ACTIVE)
    assert KeyPair.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_migrate_from_nothing_and_back() -> None:
    """Make the table from no table, and take it away again."""
    table = KeyPair._meta.db_table

    call_command("migrate", "cfsigned_django", "zero", verbosity=0)
    assert table not in connection.introspection.table_names()

    call_command("migrate", "cfsigned_django", verbosity=0)
    assert table in connection.introspection.table_names()


# The clock


@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul", "America/Chicago"])
def test_the_time_is_in_utc(zone: str, settings: Settings) -> None:
    """Return the present moment, not one that is hours off, whatever TIME_ZONE says."""
    settings.TIME_ZONE = zone

    moment = read_database_clock("default")

    assert moment.utcoffset() == timedelta(0)
    assert abs(moment - timezone.now()) < timedelta(minutes=20)


@pytest.mark.django_db(transaction=True)
def test_the_time_goes_on_in_a_transaction() -> None:
    """Return the present moment, not that at which the transaction began."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        first = read_database_clock("default")
        assert any(read_database_clock("default") > first for _ in range(10_000))


def test_a_server_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a server for its time, which is in UTC without saying so: Oracle is not tested live."""
    fake: Any = mock.MagicMock(vendor="oracle")
    cursor = fake.cursor.return_value.__enter__.return_value
    cursor.fetchone.return_value = (datetime(2026, 1, 1, 12),)
    monkeypatch.setattr(store, "connections", {"other": fake})

    assert read_database_clock("other") == datetime(2026, 1, 1, 12, tzinfo=UTC)


# Claims


@pytest.mark.parametrize(("end", "seconds"), [("an error", 5), ("a death", 60)])
def test_step_is_free_after_a_while(key_group: Site, end: str, seconds: int) -> None:
    """CloudFront may settle for a moment after an error; a claim of a dead process runs out."""
    key_pair = key_group.started()
    failing = key_group.rotation(fault=lambda method: Fault.THROTTLED)
    dying = key_group.rotation(boundary=once(("list_public_keys", "before"), die))
    with pytest.raises((AwsError, Killed)):
        (dying if end == "a death" else failing).trust(key_pair, now=key_group.now)

    key_group.wait(seconds - 1)
    with pytest.raises(Claimed):
        key_group.rotation().trust(key_pair, now=key_group.now)
    key_group.wait(1)
    key_group.rotation().trust(key_pair, now=key_group.now)

    assert fresh(key_pair).status == "trusted"


# Locks and lost races


@pytest.mark.django_db(transaction=True)
def test_lock_keeps_other_processes_from_the_group() -> None:
    """While one process has locked the group, another one is told; afterwards it may."""
    key_group = Site()
    former, active = key_group.imported(), key_group.activated()
    store = key_group.rotation().store

    def lock_another_row() -> None:
        do_not_wait()
        with store.transaction():
            store.lock(fresh(former))

    with store.transaction():
        store.lock(active)
        with pytest.raises(Claimed):
            elsewhere(lock_another_row)

    elsewhere(lock_another_row)


def test_second_successor_is_not_created(key_group: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two machines that start at the same moment, one is refused and adds no key."""
    right, others = PrivateKey.generate, iter([key_group.started])

    def generate(algorithm: KeyAlgorithm) -> PrivateKey:
        for start in others:
            start()
        return right(algorithm)

    monkeypatch.setattr(PrivateKey, "generate", generate)

    with pytest.raises(Claimed):
        key_group.rotation().start(algorithm=ECDSA, now=key_group.now)

    assert KeyPair.objects.count() == 1


def test_other_failure_of_the_database_is_no_lost_race(key_group: Site) -> None:
    """A server that is gone is not taken for another process that was quicker."""
    with pytest.raises(OperationalError), key_group.rotation().store.transaction():
        raise OperationalError("gone")


@pytest.mark.django_db(transaction=True)
def test_no_transaction_of_the_caller_is_joined() -> None:
    """Refuse to write in a transaction of the caller, such as one of ATOMIC_REQUESTS."""
    key_group = Site()

    with transaction.atomic(), pytest.raises(RuntimeError):
        key_group.rotation().start(algorithm=ECDSA, now=key_group.now)

    assert not KeyPair.objects.exists()


# Which key signs


def activate(private_key: PrivateKey, key_pair_id: str) -> None:
    """Make a new key pair the ACTIVE one."""
    KeyPair.objects.filter(active_in=KEY_GROUP_ID).update(status=KeyStatus.RETIRING, active_in=None)
    make_key_pair(private_key, key_pair_id, **ACTIVE)


def signs() -> str:
    """Return the id of the key that a new URL is signed with."""
    return parameters_of(CloudFrontFileSystemStorage().url("a.jpg"))["Key-Pair-Id"]


async def signs_in_an_event_loop() -> str:
    """Return the same in an event loop, in which Django allows no query."""
    keyring.forget()
    return signs()


@pytest.fixture
def looks_for_active_key(site: Settings) -> Iterator[None]:
    """Set up a site that looks for its key in the database, in a process that knows nothing."""
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    keyring.register(find_active_signer, interval=60)
    yield
    keyring.register(find_active_signer, interval=60)


@pytest.mark.usefixtures("looks_for_active_key")
class TestRows:
    """Which row signs."""

    def test_active(self, ec_key: PrivateKey, settings: Settings) -> None:
        """Sign with the ACTIVE key pair, whatever else there is, also without a settings key."""
        assert signs() == KEY_ID
        make_key_pair(ec_key, "KNEXT", **TRUSTED)
        make_key_pair(ec_key, "KOLD")
        make_key_pair(ec_key, "K0", **{**ACTIVE, "key_group_id": "other", "active_in": "other"})
        keyring.forget()
        assert signs() == KEY_ID

        activate(ec_key, "KACTIVE")
        keyring.forget()
        assert signs() == "KACTIVE"
        settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None
        assert signs() == "KACTIVE"
        activate(ec_key, "KNEWEST")
        keyring.forget()
        assert signs() == "KNEWEST"

    def test_a_settings_key_that_is_imported_now(self, rsa_key: PrivateKey) -> None:
        """Sign with the key of the settings if it is imported between two queries of a look."""
        queries: list[str] = []

        def import_after(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
            answer = execute(sql, *arguments)
            if "keypair" in sql:
                queries.append(sql)
                if len(queries) == 1:
                    activate(rsa_key, KEY_ID)
            return answer

        with connection.execute_wrapper(import_after):
            assert signs() == KEY_ID

    def test_a_settings_key_that_is_over(self, rsa_key: PrivateKey) -> None:
        """Refuse the key of the settings if its row is not ACTIVE any more."""
        make_key_pair(rsa_key, KEY_ID, status=KeyStatus.REVOKED)

        with pytest.raises(ImproperlyConfigured, match=KEY_GROUP_ID):
            signs()

    @pytest.mark.parametrize("case", ["hash", "encryption", "entry"])
    def test_a_row_that_cannot_sign(
        self, case: str, rsa_key: PrivateKey, settings: Settings
    ) -> None:
        """Name what keeps the ACTIVE key from signing, and do not sign with the settings' key."""
        activate(rsa_key, "KACTIVE")
        if case == "encryption":
            settings.SECRET_KEY = "new"
        if case == "entry":
            settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = ["none"]

        named = {"encryption": "SECRET_KEY", "entry": "ENCRYPTION_KEYS"}.get(case, "KACTIVE")
        with (
            without_sha1() if case == "hash" else nullcontext(),
            pytest.raises(ImproperlyConfigured, match=named),
        ):
            signs()

    def test_a_table_that_is_not_there(
        self,
        ec_key: PrivateKey,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Before the first migration the settings' key signs; later the ACTIVE one goes on."""
        with transaction.atomic():
            with monkeypatch.context() as patch:
                patch.setattr(KeyPair._meta, "db_table", "not_there_yet")
                assert signs() == KEY_ID
                assert caplog.records == []
            activate(ec_key, "K1")  # the transaction of a view is still usable
        keyring.forget()
        assert signs() == "K1"

        monkeypatch.setattr(KeyPair._meta, "db_table", "gone")
        keyring.forget()
        assert signs() == "K1"

    def test_a_known_key_is_not_decrypted_again(
        self, ec_key: PrivateKey, settings: Settings
    ) -> None:
        """Neither decrypt nor parse a key again that still signs."""
        activate(ec_key, "K1")
        known = find_active_signer(KEY_GROUP_ID, None, None).signer

        settings.SECRET_KEY = "a key that decrypts nothing"

        assert find_active_signer(KEY_GROUP_ID, None, known).signer is known

    def test_the_database_of_writes_is_asked(self, ec_key: PrivateKey, settings: Settings) -> None:
        """Ask the database to which key pairs are written: a replica may lag behind."""
        settings.DATABASE_ROUTERS = ["tests.keyring.ReadFromReplica"]
        activate(ec_key, "K1")

        assert signs() == "K1"


@pytest.mark.usefixtures("looks_for_active_key")
@pytest.mark.django_db(transaction=True)
class TestPlaces:
    """Where URLs are signed."""

    def test_event_loop(self, ec_key: PrivateKey) -> None:
        """Sign in an event loop, in which Django allows no query."""
        activate(ec_key, "K1")

        assert asyncio.run(signs_in_an_event_loop()) == "K1"

    def test_autocommit_is_off(self, ec_key: PrivateKey) -> None:
        """See what was committed since, on a connection that commits by hand, in a snapshot too."""
        activate(ec_key, "K1")
        connection.set_autocommit(False)
        try:
            if connection.vendor != "sqlite":  # In memory, it lets nobody write beside a reader.
                if connection.vendor == "postgresql":  # MySQL's is an option of Django.
                    with connection.cursor() as cursor:
                        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                assert KeyPair.objects.count() == 1
                elsewhere(activate, ec_key, "K2")
            assert signs() == ("K1" if connection.vendor == "sqlite" else "K2")
            connection.rollback()
        finally:
            connection.set_autocommit(True)

    def test_connection_is_closed(
        self, ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Close the separate connection of a query, also if the query failed."""
        opened: list[Any] = []

        def fail(rows: object, *args: object) -> None:
            opened.append(connections["default"])
            opened[0].ensure_connection()
            raise OperationalError("gone")

        activate(ec_key, "K1")
        monkeypatch.setattr(QuerySet, "filter", fail)

        assert asyncio.run(signs_in_an_event_loop()) == KEY_ID
        assert opened[0] is not connection
        assert opened[0].connection is None


@pytest.mark.postgres
@pytest.mark.usefixtures("looks_for_active_key")
@pytest.mark.django_db(transaction=True)
class TestTransactions:
    """Transactions with snapshots, which SQLite in memory does not have."""

    @pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
    def test_a_transaction_sees_the_present(self, level: str, ec_key: PrivateKey) -> None:
        """Sign with the key that became ACTIVE after the transaction of a view began."""
        activate(ec_key, "K1")
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
            assert KeyPair.objects.count() == 1
            elsewhere(activate, ec_key, "K2")
            keyring.forget()

            assert signs() == asyncio.run(signs_in_an_event_loop()) == "K2"

    def test_a_transaction_that_failed(self, ec_key: PrivateKey) -> None:
        """Sign in a transaction that takes no more queries."""
        activate(ec_key, "K1")
        with transaction.atomic():
            with pytest.raises(IntegrityError):
                make_key_pair(ec_key, "K1")
            with pytest.raises(DatabaseError):
                KeyPair.objects.count()

            assert signs() == "K1"
            transaction.set_rollback(True)


@pytest.fixture
def pool_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Give new threads connections out of a pool of this size; it makes them wait for long."""
    size: int = request.param
    pool = {"min_size": size, "max_size": size, "timeout": 2 * PATIENCE}
    monkeypatch.setitem(connections.settings["default"], "OPTIONS", {"pool": pool})
    yield size
    # A look that nobody waits for any more would make the next pool before the next test does.
    for thread in threading.enumerate():
        if thread.name.startswith("ThreadPoolExecutor"):
            thread.join(PATIENCE)
    close_pool: Any = attrgetter("close_pool")
    elsewhere(lambda: close_pool(connections["default"])())


@pytest.mark.postgres
@pytest.mark.usefixtures("looks_for_active_key")
@pytest.mark.django_db(transaction=True)
class TestPools:
    """A pool whose connections are all in transactions of requests, as with ATOMIC_REQUESTS."""

    @pytest.mark.parametrize("pool_size", [1, 4], indirect=True)
    @pytest.mark.parametrize("asyncs", [False, True], ids=["threads", "event loops"])
    def test_no_connection_is_spare(self, pool_size: int, asyncs: bool, ec_key: PrivateKey) -> None:
        """Sign at once in each request, the first time and after a quiet time."""
        elsewhere(activate, ec_key, "K1")
        all_hold_one = threading.Barrier(pool_size, timeout=PATIENCE)

        def answer() -> str:
            with transaction.atomic():
                KeyPair.objects.count()
                all_hold_one.wait()
                key = asyncio.run(signs_in_an_event_loop()) if asyncs else signs()
                all_hold_one.wait()
                assert KeyPair.objects.count() == 1
            return key

        if asyncs:  # which has no second connection, and goes on with what is known
            assert elsewhere(signs) == "K1"
        for _ in range(2):
            with ThreadPoolExecutor(pool_size) as requests:
                futures = [requests.submit(elsewhere, answer) for _ in range(pool_size)]
                # Sooner than the pool gives up.
                assert {each.result(PATIENCE) for each in futures} == {"K1"}
            keyring.forget()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite locks no single table")
@pytest.mark.usefixtures("looks_for_active_key")
@pytest.mark.django_db(transaction=True)
class TestLocks:
    """A table that another connection has locked."""

    @pytest.mark.parametrize("within", [transaction.atomic, nullcontext])
    def test_locked_table(
        self, within: Callable[[], AbstractContextManager[Any]], ec_key: PrivateKey
    ) -> None:
        """Go on with the known key after two seconds; the caller's limits stay what they were."""
        activate(ec_key, "K1")
        assert signs() == "K1"
        is_locked, may_end, was_locked = threading.Event(), threading.Event(), list[bool]()
        table = KeyPair._meta.db_table
        lock, limit = {
            "postgresql": (f"LOCK TABLE {table}", "SHOW statement_timeout"),
            "mysql": (f"LOCK TABLES {table} WRITE", "SELECT @@lock_wait_timeout"),
        }[connection.vendor]

        def hold() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(lock)
                is_locked.set()
                was_locked.append(may_end.wait(PATIENCE))

        def limits() -> Any:
            with connection.cursor() as cursor:
                cursor.execute(limit)
                return cursor.fetchone()

        holder = threading.Thread(target=elsewhere, args=[hold])
        holder.start()
        is_locked.wait(PATIENCE)
        try:
            with within():
                before = limits()
                keyring.forget()
                assert signs() == "K1"
                assert limits() == before
        finally:
            may_end.set()
            holder.join()
        assert was_locked == [True]  # until here
