"""Give a site a database of its own, which can fail for a while, and watch the keys in it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cfsigned_django.signing import PrivateKey
from tests.background import free_port, plain_environment, running, wait_until
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
        """Return the rows of a query; None where the database does not answer."""
        try:
            with closing(sqlite3.connect(self._path, timeout=1)) as connection:
                return connection.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return None

    def interrupt(self) -> None:
        """Keep everybody out for two seconds."""
        with closing(sqlite3.connect(self._path, timeout=30)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(2)
            connection.rollback()

    def dump(self) -> bytes:
        """Return the bytes of the file, with what was deleted and not overwritten yet."""
        return self._path.read_bytes()


class PostgresServer:
    """A server on a free port of the loopback address, in a folder of its owner."""

    def __init__(self, folder: Path) -> None:
        # PostgreSQL refuses to run as root.
        self._owner = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        self._folder = folder
        self._port = free_port()
        self._address = f"postgresql://cfsigned@127.0.0.1:{self._port}/postgres"
        self._server = ExitStack()
        self.logs = [folder / "server.log"]
        self.settings = {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "PORT": self._port,
            "USER": "cfsigned",
            "NAME": "postgres",
        }

    def query(self, sql: str) -> Rows | None:
        """Return the rows of a query; None where the database does not answer."""
        import psycopg

        try:
            with psycopg.connect(self._address) as connection:
                return connection.execute(sql.encode()).fetchall()
        except psycopg.OperationalError:
            return None

    def interrupt(self) -> None:
        """Restart the server, which breaks every connection."""
        self.stop()
        self.start()

    def dump(self) -> bytes:
        """Return what pg_dump writes."""
        command = [_program("pg_dump"), "--dbname", self._address]
        return subprocess.run(command, capture_output=True, check=True).stdout

    def create(self) -> None:
        """Make the files of an empty database cluster."""
        if self._owner is not None:
            os.chown(self._folder, self._owner, -1)
        options = "--username cfsigned --auth trust --encoding UTF8 --no-locale --no-sync"
        subprocess.run(
            [_program("initdb"), "--pgdata", str(self._folder / "data"), *options.split()],
            cwd=self._folder,
            user=self._owner,
            extra_groups=None if self._owner is None else [],
            capture_output=True,
            check=True,
        )

    def start(self) -> None:
        """Start the server, and return when it answers."""
        # Nobody misses the data after a crash of the machine: nothing waits for the disk.
        options = f"listen_addresses=127.0.0.1 port={self._port} fsync=off".split()
        command = [_program("postgres"), "-D", str(self._folder / "data")]
        for option in (*options, f"unix_socket_directories={self._folder}"):
            command += ["-c", option]
        self._server.enter_context(
            running(
                command,
                is_ready=lambda: self.query("SELECT 1"),
                log=self.logs[0],
                folder=self._folder,
                environment=plain_environment(),
                user=self._owner,
                stop_with=signal.SIGINT,  # cuts its clients off: SIGTERM would wait for them
            )
        )

    def stop(self) -> None:
        """Stop the server."""
        self._server.close()


Database = SqliteFile | PostgresServer


def _program(name: str) -> str:
    """Return the path of a program of PostgreSQL, which Debian keeps outside of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        raise RuntimeError(f"There is no {name}: make postgres installs PostgreSQL on Debian.")
    return path


@contextmanager
def run_database(kind: str, folder: Path) -> Iterator[Database]:
    """Run a database of a kind, ``sqlite`` or ``postgresql``, for the duration of the block."""
    if kind == "sqlite":
        yield SqliteFile(folder)
        return
    # Not in the folder of the tests, which the owner of the files may not enter.
    with TemporaryDirectory(prefix="cfsigned-") as own:
        server = PostgresServer(Path(own))
        server.create()
        try:
            server.start()
            yield server
        finally:
            server.stop()


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
            if row.encrypted_private_key and row.fingerprint not in self.private_keys:
                self.encrypted.add(row.encrypted_private_key)
                self.private_keys[row.fingerprint] = PrivateKey.load(
                    derived().decrypt(row.encrypted_private_key)
                )
