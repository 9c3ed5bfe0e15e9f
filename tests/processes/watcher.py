"""Follow what the database says of the keys, beside the site's processes."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cfsigned_django.signing import PrivateKey
from tests import settings
from tests.background import wait_until
from tests.processes.databases import Database, Rows

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
    """Note each change of the key pairs, and each private key as long as it can be unsealed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._states: list[tuple[float, dict[str, str]]] = []
        self.private_keys: dict[str, PrivateKey] = {}
        self.sealed: set[str] = set()

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
                self.sealed.add(row.encrypted_private_key)
                self.private_keys[row.fingerprint] = _unseal(row.encrypted_private_key)


def _unseal(sealed: str) -> PrivateKey:
    """Open a sealed key as its site does, with the key that follows from SECRET_KEY."""
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"cfsigned_django.encryption")
    key = base64.urlsafe_b64encode(hkdf.derive(settings.SECRET_KEY.encode()))
    return PrivateKey.load(Fernet(key).decrypt(sealed))
