"""Give a site its own database, which can fail for a while, and watch the keys in it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cfsigned_django.signing import PrivateKey
from tests.background import wait_until
from tests.keyring import derived

Rows = list[tuple[Any, ...]]


class SqliteFile:
    """A file in the site's folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "site.sqlite3"
        #: The files into which its server writes.
        self.logs: list[Path] = []
        #: Django's settings of it. One who has to wait gives up soon, so that a failure is seen.
        self.settings: dict[str, Any] = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(self._path),
            "OPTIONS": {"timeout": 0.5},
        }

    def query(self, sql: str) -> Rows | None:
        """Return the rows of a query; None if the database does not answer."""
        try:
            with closing(sqlite3.connect(self._path, timeout=1)) as connection:
                return connection.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return None

    def interrupt(self) -> None:
        """Refuse all connections for two seconds."""
        with closing(sqlite3.connect(self._path, timeout=30)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(2)
            connection.rollback()

    def dump(self) -> bytes:
        """Return the bytes of the file, with what was deleted and not overwritten yet."""
        return self._path.read_bytes()


class PostgresDatabase:
    """A database on the server of CFSIGNED_TEST_DATABASE_URL, which scripts/postgres.sh runs."""

    def __init__(self) -> None:
        self._server = os.environ["CFSIGNED_TEST_DATABASE_URL"]
        self._name = f"processes_{os.getpid()}"
        self._address = urlsplit(self._server)._replace(path=f"/{self._name}").geturl()
        self.logs = [Path(os.environ.get("CFSIGNED_TEST_DATABASE_LOG", os.devnull))]
        server = urlsplit(self._server)
        self.settings = {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": server.hostname,
            "PORT": server.port,
            "USER": server.username,
            "PASSWORD": server.password or "",
            "NAME": self._name,
            # As sites have it whose database is a server. An outage breaks what is kept.
            "CONN_MAX_AGE": 600,
        }
        # For what the test asks, again and again: the server starts a process for each connection.
        self._connection: Any = None
        self._lock = threading.Lock()

    def query(self, sql: str) -> Rows | None:
        """Return the rows of a query; None if the database does not answer."""
        import psycopg

        with self._lock:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(self._address, autocommit=True)
                found: Rows = self._connection.execute(sql.encode()).fetchall()
            except psycopg.OperationalError:
                return None
            return found

    def interrupt(self) -> None:
        """Break every connection, and refuse new ones for two seconds."""
        self.tell_server(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        others = f"FROM pg_stat_activity WHERE datname = '{self._name}'"
        self.tell_server(f"SELECT pg_terminate_backend(pid) {others}")
        time.sleep(2)
        self.tell_server(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    def create(self) -> None:
        """Create the database, whose name is that of this process."""
        self.tell_server(f"CREATE DATABASE {self._name}")

    def drop(self) -> None:
        """Drop it, with the connections that are left."""
        if self._connection:
            self._connection.close()
        self.tell_server(f"DROP DATABASE {self._name} WITH (FORCE)")

    def dump(self) -> bytes:
        """Return what pg_dump writes."""
        command = ["pg_dump", "--dbname", self._address]
        return subprocess.run(command, capture_output=True, check=True).stdout

    def tell_server(self, sql: str) -> None:
        """Run a statement in another database of the server."""
        import psycopg

        with psycopg.connect(self._server, dbname="postgres", autocommit=True) as server:
            server.execute(sql.encode())


Database = SqliteFile | PostgresDatabase


@contextmanager
def run_database(kind: str, folder: Path) -> Iterator[Database]:
    """Run a database of a kind, ``sqlite`` or ``postgresql``, for the duration of the block."""
    if kind == "sqlite":
        yield SqliteFile(folder)
        return
    database = PostgresDatabase()
    database.create()
    try:
        yield database
    finally:
        database.drop()


_ROWS = (
    "SELECT fingerprint, key_pair_id, status, encrypted_private_key, algorithm"
    " FROM cfsigned_django_keypair ORDER BY created_at"
)


@dataclass(frozen=True, slots=True)
class Row:
    """What the test reads of a key pair."""

    fingerprint: str
    key_pair_id: str | None
    status: str
    encrypted_private_key: str
    algorithm: str


class Watcher:
    """Note each change of the key pairs, and each private key as long as it can be decrypted."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._states: list[tuple[float, dict[str, str]]] = []
        self.private_keys: dict[str, PrivateKey] = {}
        self.encrypted: set[str] = set()

    def rows(self) -> list[Row]:
        """Return the key pairs, oldest first, as soon as the database answers."""
        found: list[Rows] = []

        def answers() -> bool:
            rows = self._database.query(_ROWS)
            found.extend([] if rows is None else [rows])
            return bool(found)

        wait_until(answers, "the database answers")
        return [Row(*values) for values in found[0]]

    def statuses(self) -> list[str]:
        """Return the states of the key pairs, oldest first."""
        return [row.status for row in self.rows()]

    @property
    def history(self) -> list[str]:
        """Return since when which key was in which state."""
        return [f"{since:.2f} {states}" for since, states in self._states]

    def look(self) -> None:
        """Note what has changed."""
        rows = self.rows()
        states = {row.key_pair_id or row.fingerprint[:12]: row.status for row in rows}
        if states and (not self._states or self._states[-1][1] != states):
            self._states.append((time.time(), states))
        for row in rows:
            encrypted = row.encrypted_private_key
            if encrypted and row.fingerprint not in self.private_keys:
                self.encrypted.add(encrypted)
                self.private_keys[row.fingerprint] = PrivateKey.load(derived().decrypt(encrypted))
