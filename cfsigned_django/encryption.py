"""Encrypt private keys before they go into the database.

The newest Fernet key of AWS_CLOUDFRONT_ENCRYPTION_KEYS encrypts; if none is
set, a key derived from SECRET_KEY does. All of these keys decrypt, and so do
those derived from SECRET_KEY_FALLBACKS: a team that sets
AWS_CLOUDFRONT_ENCRYPTION_KEYS later loses nothing.

The row of the key pair and the fingerprint of the public key are encrypted with
the private key. So someone who can write to the table, but has no encryption
key, cannot move a private key into another row.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_noop

from cfsigned_django import conf
from cfsigned_django.signing import InvalidKey, PrivateKey

#: Prints a new encryption key.
MAKE_KEY = (
    "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
)
#: What is said of a private key that should be encrypted again, after its name.
OLD_ENCRYPTION = (
    "was encrypted with a previous key, or by an earlier version: it cannot be decrypted once that "
    "key is removed from the settings."
)
#: What precedes the row, the fingerprint, a line end and the PEM.
_BOUND_TO = b"cfsigned_django.KeyPair "


class CannotDecrypt(Exception):
    """Raised if no encryption key of the settings decrypts a private key."""


class NotItsKey(CannotDecrypt):
    """Raised if a private key is decrypted, but does not belong to its row: it must not be used."""


class NotReencrypted(CannotDecrypt):
    """Raised if a private key must be encrypted again before CloudFront may trust it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decrypted:
    """A decrypted private key, and what is known of its origin."""

    pem: bytes = field(repr=False)
    #: The row and the fingerprint with which it was encrypted; empty if it was encrypted without.
    bound_to: bytes
    #: Whether the newest encryption key decrypts it.
    is_newest: bool
    #: Whether AWS_CLOUDFRONT_ENCRYPTION_KEYS decrypts it, or is not set.
    is_of_settings: bool

    @classmethod
    def read(cls, text: bytes, **origin: bool) -> Self:
        """Return what was encrypted."""
        binding, pem = b"", text
        if text.startswith(_BOUND_TO):
            binding, _, pem = text.partition(b"\n")
        return cls(pem=pem, bound_to=binding, **origin)

    @property
    def is_current(self) -> bool:
        """Return whether the newest encryption key decrypts it, and it is bound to its row."""
        return self.is_newest and bool(self.bound_to)

    @property
    def is_trustworthy(self) -> bool:
        """Return whether CloudFront may begin to trust it: see :class:`NotReencrypted`."""
        return self.is_of_settings and bool(self.bound_to)

    def is_of(self, row: UUID, fingerprint: str) -> bool:
        """Return whether it belongs to the row of a key pair."""
        if self.bound_to:
            return self.bound_to == _binding(row, fingerprint)
        with suppress(InvalidKey):  # which is raised when the key is used
            return PrivateKey.load(self.pem).public_key.fingerprint == fingerprint
        return True


def encrypt(private_key: PrivateKey, row: UUID) -> str:
    """Return the PEM of a row's private key, encrypted with the newest encryption key."""
    binding = _binding(row, private_key.public_key.fingerprint)
    # The PEM is not kept in a variable, since a debug page would show it.
    return _fernets()[0].encrypt(b"\n".join((binding, private_key.to_pem()))).decode("ascii")


def decrypt(encrypted: str, row: UUID, fingerprint: str) -> Decrypted:
    """Return the decrypted private key of a row.

    Raise :exc:`CannotDecrypt` if no key decrypts it, or :exc:`NotItsKey` if it
    is the key of another row.
    """
    found = _decrypt(encrypted)
    if found is None:
        raise CannotDecrypt(_what_changed())
    if not found.is_of(row, fingerprint):
        raise NotItsKey(
            gettext_noop(
                "The encrypted private key belongs to another key pair: someone changed the table. "
                "Revoke this key pair, and find out who can write to the database."
            )
        )
    return found


def count_wrong_keys() -> int:
    """Return how many entries of AWS_CLOUDFRONT_ENCRYPTION_KEYS are not valid Fernet keys."""
    return sum(_as_fernet(key) is None for key in conf.encryption_keys())


def has_weak_secret_key() -> bool:
    """Return whether a SECRET_KEY encrypts of which Django says that it can be guessed."""
    return not conf.encryption_keys() and conf.is_secret_key_weak()


def _binding(row: UUID, fingerprint: str) -> bytes:
    return _BOUND_TO + f"{row} {fingerprint}".encode()


def _decrypt(encrypted: str) -> Decrypted | None:
    count = len(conf.encryption_keys())
    for number, fernet in enumerate(_fernets()):
        with suppress(InvalidToken):
            return Decrypted.read(
                fernet.decrypt(encrypted.encode()),
                is_newest=number == 0,
                is_of_settings=number < count or not count,
            )
    return None


def _fernets() -> list[Fernet]:
    """Return the keys that decrypt; the first one encrypts."""
    given = [_as_fernet(key) for key in conf.encryption_keys()]
    if None in given:
        raise ImproperlyConfigured(
            "AWS_CLOUDFRONT_ENCRYPTION_KEYS has an entry that is not a valid Fernet key. It must "
            f"be a list of Fernet keys, newest first. Make one with: {MAKE_KEY}"
        )
    derived = [Fernet(_derive(secret)) for secret in conf.secret_keys()]
    return [*filter(None, given), *derived]


def _as_fernet(key: Any) -> Fernet | None:
    try:
        return Fernet(key)
    except (ValueError, TypeError, AttributeError):
        return None


def _derive(secret: str | bytes) -> bytes:
    """Return a Fernet key derived from a secret key of Django."""
    material = secret if isinstance(secret, bytes) else secret.encode("utf-8")
    # The label makes the key differ from everything else that is derived from SECRET_KEY.
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"cfsigned_django.encryption")
    return base64.urlsafe_b64encode(hkdf.derive(material))


def _what_changed() -> str:
    # The admin translates these texts; logs have them in English.
    if conf.encryption_keys():
        return gettext_noop(
            "No key of AWS_CLOUDFRONT_ENCRYPTION_KEYS, and none derived from SECRET_KEY, decrypts "
            "this private key. Add the key that encrypted it to the end of the list, or the "
            "previous SECRET_KEY to SECRET_KEY_FALLBACKS, then run: manage.py cfsigned_rotate "
            "--re-encrypt"
        )
    return gettext_noop(
        "SECRET_KEY has changed since this private key was encrypted, or "
        "AWS_CLOUDFRONT_ENCRYPTION_KEYS was emptied. Add the previous SECRET_KEY to "
        "SECRET_KEY_FALLBACKS, or the previous key to AWS_CLOUDFRONT_ENCRYPTION_KEYS, then run: "
        "manage.py cfsigned_rotate --re-encrypt"
    )
