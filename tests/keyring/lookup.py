"""Let the tests of the look-up have a process, with its clocks and its database."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import OperationalError

from cfsigned_django.keyring import Found, Keyring, Lease
from cfsigned_django.signing import HashAlgorithm, PrivateKey, Signer
from tests.keyring import KEY_GROUP_ID

INTERVAL, START = 60, 1_800_000_000
PRIVATE_KEY = PrivateKey.generate()


def signer(key_pair_id: str) -> Signer:
    """Return a signer with this id."""
    return Signer(key_pair_id=key_pair_id, private_key=PRIVATE_KEY)


SETTINGS_KEY = signer("KSETTINGS")
GONE = OperationalError("the password is secret")


@dataclass(kw_only=True)
class Process:
    """A process with its clocks, and a database that answers what the test says."""

    now: float = START
    #: By how much the clock that never goes back differs.
    boot: float = -1_700_000_000
    interval: int = INTERVAL
    answer: Found | Exception = field(default_factory=Found)
    #: What was asked: the signer that was known.
    looks: list[Signer | None] = field(default_factory=list)
    keyring: Keyring = field(init=False)

    def __post_init__(self) -> None:
        self.keyring = Keyring(
            self._find,
            interval=lambda: self.interval,
            monotonic=lambda: self.now + self.boot,
            wall=lambda: self.now,
        )

    def _find(
        self, key_group_id: str, hash_algorithm: HashAlgorithm | None, known: Signer | None
    ) -> Found:
        assert key_group_id == KEY_GROUP_ID
        self.looks.append(known)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def lease(self, fallback: Signer | None = SETTINGS_KEY) -> Lease:
        """Ask for what signs."""
        return self.keyring.lease(KEY_GROUP_ID, None, fallback)

    def signs(self, fallback: Signer | None = SETTINGS_KEY) -> str:
        """Return the id of the key that signs."""
        return self.lease(fallback).signer.key_pair_id
