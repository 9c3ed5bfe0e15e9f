"""Find the ACTIVE key pair from wherever a URL is signed: views, transactions, event loops."""

from __future__ import annotations

import asyncio
import logging
import pickle
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import (
    DatabaseError,
    IntegrityError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from pytest_django import Settings

from cfsigned_django import keyring
from cfsigned_django.keyring import Found
from cfsigned_django.rotation import active
from cfsigned_django.rotation.active import find_active_signer
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from tests.keyring import KEY_GROUP_ID, make_key_pair
from tests.storage_cases import KEY_ID, parameters_of, without_sha1

CountQueries = Callable[[int], AbstractContextManager[Any]]


@pytest.fixture(autouse=True)
def _site(site: Settings) -> Iterator[None]:
    """Set up a site that looks for its key in the database, in a process that knows nothing."""
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    keyring.register(find_active_signer)
    yield
    keyring.register(find_active_signer)


def activate(private_key: PrivateKey, key_pair_id: str) -> None:
    """Let a new key pair be the ACTIVE one."""
    KeyPair.objects.filter(active_in=KEY_GROUP_ID).update(status=KeyStatus.RETIRING, active_in=None)
    make_key_pair(private_key, key_pair_id, status=KeyStatus.ACTIVE, active_in=KEY_GROUP_ID)


def elsewhere(act: Callable[..., None], *arguments: Any) -> None:
    """Do something as another process would: on a connection of its own."""

    def run() -> None:
        try:
            act(*arguments)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(run).result()


def signs() -> str:
    """Return the id of the key that a new URL is signed with."""
    url = CloudFrontFileSystemStorage().url("a.jpg")
    return parameters_of(url)["Key-Pair-Id"]


@pytest.mark.django_db
class TestRows:
    """Which row signs."""

    def test_none(self) -> None:
        """Sign with the key of the settings where the table is empty."""
        assert signs() == KEY_ID

    def test_active(self, ec_key: PrivateKey) -> None:
        """Sign with the ACTIVE key pair, whatever else there is."""
        make_key_pair(ec_key, "KNEXT", status=KeyStatus.TRUSTED, next_in=KEY_GROUP_ID)
        make_key_pair(ec_key, "KOLD")
        activate(ec_key, "KACTIVE")

        assert signs() == "KACTIVE"

    def test_no_key_in_the_settings(self, ec_key: PrivateKey, settings: Settings) -> None:
        """Need no key in the settings once the key group has an ACTIVE key pair."""
        settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None
        activate(ec_key, "K1")

        assert signs() == "K1"

    def test_hash_that_openssl_refuses(self, rsa_key: PrivateKey) -> None:
        """Name the key that was to sign, and not that of the settings, which was not."""
        activate(rsa_key, "KACTIVE")

        with (
            without_sha1(),
            pytest.raises(ImproperlyConfigured, match="The RSA key KACTIVE of the database"),
        ):
            signs()

    def test_another_group(self, ec_key: PrivateKey) -> None:
        """Leave the ACTIVE key pair of another key group alone."""
        make_key_pair(
            ec_key, "K1", key_group_id="other", status=KeyStatus.ACTIVE, active_in="other"
        )

        assert signs() == KEY_ID

    def test_a_settings_key_that_is_over(self, rsa_key: PrivateKey) -> None:
        """Refuse the key of the settings where its row is not ACTIVE any more."""
        make_key_pair(rsa_key, KEY_ID, status=KeyStatus.REVOKED)

        with pytest.raises(ImproperlyConfigured, match="no ACTIVE key pair"):
            signs()

    def test_a_signer_that_is_handed_in(self, ec_key: PrivateKey) -> None:
        """Sign with what was handed in, whatever the database says."""
        activate(ec_key, "KACTIVE")
        signer = Signer(key_pair_id="KSIGNER", private_key=ec_key)

        assert [
            parameters_of(storage.url("a.jpg"))["Key-Pair-Id"]
            for storage in (
                CloudFrontS3Storage(),
                CloudFrontS3Storage(cloudfront_signer=signer),
            )
        ] == ["KACTIVE", "KSIGNER"]

    def test_a_row_that_does_not_open(self, ec_key: PrivateKey, settings: Settings) -> None:
        """Refuse to sign with the key of the settings where the ACTIVE one cannot be opened."""
        activate(ec_key, "K1")
        settings.SECRET_KEY = "new"

        with pytest.raises(ImproperlyConfigured, match="SECRET_KEY has changed"):
            signs()

    def test_before_the_first_migration(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Sign with the key of the settings, for good, where the table is not there yet."""
        monkeypatch.setattr(KeyPair._meta, "db_table", "not_there_yet")

        with caplog.at_level(logging.INFO, "cfsigned_django"):
            assert signs() == KEY_ID
        assert caplog.records == []

    def test_a_table_that_vanishes(
        self, ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Go on with the ACTIVE key where the table is gone after it was known."""
        activate(ec_key, "K1")
        assert signs() == "K1"
        monkeypatch.setattr(KeyPair._meta, "db_table", "gone")
        keyring.forget()

        assert signs() == "K1"

    def test_a_failure_in_a_transaction(
        self, ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Leave the transaction of a view usable where the look for a key failed."""
        with transaction.atomic():
            with monkeypatch.context() as patch:
                patch.setattr(KeyPair._meta, "db_table", "not_there_yet")
                signs()
            make_key_pair(ec_key, "K1")

        assert KeyPair.objects.count() == 1


@pytest.mark.django_db
class TestQueries:
    """What it costs."""

    def test_no_query_per_url(
        self, ec_key: PrivateKey, django_assert_num_queries: CountQueries
    ) -> None:
        """Ask the database once, however many storages sign however many URLs."""
        activate(ec_key, "K1")
        signs()
        storage = CloudFrontFileSystemStorage()

        with django_assert_num_queries(0):
            for number in range(200):
                storage.url(f"{number}.jpg")
                signs()

    def test_a_known_key_is_not_opened_again(
        self, ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Neither unseal nor parse a key again that still signs."""
        activate(ec_key, "K1")
        signs()
        known = find_active_signer(KEY_GROUP_ID, None, None).signer

        monkeypatch.setattr("cfsigned_django.rotation.models.unseal", None)

        assert find_active_signer(KEY_GROUP_ID, None, known).signer is known

    def test_the_database_of_writes_is_asked(self, ec_key: PrivateKey, settings: Settings) -> None:
        """Ask where key pairs are written: a replica may lag behind."""
        settings.DATABASE_ROUTERS = ["tests.rotation.test_active.ReadFromReplica"]
        activate(ec_key, "K1")

        assert signs() == "K1"


class ReadFromReplica:
    """Read from a database that does not answer; queries that name one do not ask."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        """Return the replica."""
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """Return the primary."""
        return "default"


@pytest.mark.django_db(transaction=True)
class TestPlaces:
    """Where URLs are signed."""

    def test_async_view(self, ec_key: PrivateKey) -> None:
        """Sign in an event loop, in which Django allows no query."""
        activate(ec_key, "K1")

        async def view() -> str:
            return signs()

        assert asyncio.run(view()) == "K1"

    def test_autocommit_is_off(self, ec_key: PrivateKey) -> None:
        """See what was committed since, also on a connection that commits by hand."""
        activate(ec_key, "K1")
        connection.set_autocommit(False)
        try:
            assert signs() == "K1"
            connection.rollback()
        finally:
            connection.set_autocommit(True)

    def test_connections_are_closed(
        self, ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Close the connection of a look that had one to itself, also where it failed."""
        opened: list[Any] = []

        def fail(using: str, *arguments: Any) -> Found:
            opened.append(connections[using])
            opened[0].ensure_connection()
            raise OperationalError("gone")

        monkeypatch.setattr(active, "_find", fail)
        monkeypatch.setattr(active, "_runs_event_loop", lambda: True)

        assert signs() == KEY_ID
        assert opened[0] is not connection
        assert opened[0].connection is None

    def test_an_unpickled_storage(self, ec_key: PrivateKey) -> None:
        """Sign with the ACTIVE key also in a storage that was pickled while another one was."""
        activate(ec_key, "K1")
        storage = CloudFrontFileSystemStorage()
        storage.url("a.jpg")
        pickled = pickle.dumps(storage)
        activate(ec_key, "K2")
        keyring.forget()

        url = pickle.loads(pickled).url("a.jpg")  # noqa: S301

        assert parameters_of(url)["Key-Pair-Id"] == "K2"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
class TestPostgres:
    """What SQLite in memory cannot show: transactions that keep to what they saw."""

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

            assert signs() == "K2"

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

    def test_an_event_loop_in_a_transaction(self, ec_key: PrivateKey) -> None:
        """Sign in an event loop that runs within a transaction."""
        activate(ec_key, "K1")

        async def view() -> str:
            return signs()

        with transaction.atomic():
            KeyPair.objects.count()
            elsewhere(activate, ec_key, "K2")
            assert asyncio.run(view()) == "K2"

    def test_no_connection_is_left(self, ec_key: PrivateKey) -> None:
        """Leave no connection behind, however often a look needs one of its own."""
        activate(ec_key, "K1")

        async def view() -> str:
            keyring.forget()
            return signs()

        def count() -> int:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                )
                number: int = cursor.fetchone()[0]
            return number

        before = count()
        for _ in range(20):
            asyncio.run(view())
        for _ in range(1000):  # The server may still be at closing the last one.
            if count() == before:
                break
            time.sleep(0.01)
        assert count() == before
