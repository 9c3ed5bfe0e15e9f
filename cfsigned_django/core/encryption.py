"""Encrypt private keys before they go into the database.

The newest key of AWS_CLOUDFRONT_ENCRYPTION_KEYS encrypts; if none is set, a key
derived from SECRET_KEY does. All of these keys decrypt, and so do those derived from
SECRET_KEY_FALLBACKS: a team that sets AWS_CLOUDFRONT_ENCRYPTION_KEYS later loses nothing.

The row of the key pair and the fingerprint of the public key are encrypted with
the private key. So someone who can write to the table, but has no encryption
key, cannot move a private key into another row.

The models need this module in each process of a site, and few processes decrypt: cryptography is
imported by the functions that use it.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.core.checks.security import base as security

from cfsigned_django.core.conf import Site
from cfsigned_django.core.text import Phrase as _

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

    from cfsigned_django.signing.keys import PrivateKey

#: Why CloudFront may not begin to trust a private key.
NOT_OF_SETTINGS = _(
    "This private key was encrypted before AWS_CLOUDFRONT_ENCRYPTION_KEYS was set, and nothing "
    "shows that it is still the same: it is not added to CloudFront, and does not begin to sign. "
    "Make a new one: manage.py cfsigned_rotate --start (--key-group)"
)
#: Why the private key of a retired or revoked row is refused.
NOT_ERASED = _(
    "The private key was retired or revoked, but this row has it again: someone changed the "
    "table. Find out who can write to the database, then revoke this key pair, or empty its "
    "encrypted_private_key if it is retired or revoked."
)


class CannotDecrypt(Exception):
    """Raised if no encryption key of the settings decrypts a private key."""


class NotItsKey(CannotDecrypt):
    """Raised if a private key is decrypted, but does not belong to its row: it must not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decrypted:
    """A decrypted private key, and which key decrypted it."""

    #: The line of its row, then the PEM.
    text: bytes = field(repr=False)
    #: Whether it is the newest encryption key.
    is_newest: bool
    #: Whether it is one of AWS_CLOUDFRONT_ENCRYPTION_KEYS, or that is not set. If not, CloudFront
    #: may not begin to trust the private key: see ``KeyPair.trustworthy()``.
    is_of_settings: bool

    def load(self) -> PrivateKey:
        from cfsigned_django.signing.keys import PrivateKey

        return PrivateKey.load(self.text.partition(b"\n")[2])


def encrypt(private_key: PrivateKey, row: UUID) -> str:
    """Return the PEM of a row's private key, encrypted with the newest encryption key."""
    binding = _binding(row, private_key.public_key.fingerprint)
    # The PEM is not kept in a variable, since a debug page would show it.
    return _fernets()[0].encrypt(binding + private_key.to_pem()).decode("ascii")


def decrypt(encrypted: str, row: UUID, fingerprint: str) -> Decrypted:
    """Return the decrypted private key of a row.

    Raise :exc:`CannotDecrypt` if no key decrypts it, or :exc:`NotItsKey` if it
    is the key of another row.
    """
    found = _decrypt(encrypted)
    if found is None:
        raise CannotDecrypt(_what_changed())
    if not found.text.startswith(_binding(row, fingerprint)):
        raise NotItsKey(
            _(
                "The encrypted private key belongs to another key pair: someone changed the table. "
                "Revoke this key pair, and find out who can write to the database."
            )
        )
    return found


def has_weak_secret_key() -> bool:
    """Return whether a SECRET_KEY encrypts of which ``check --deploy`` warns (security.W009)."""
    secret: str | bytes = settings.SECRET_KEY
    text = secret.decode("latin-1") if isinstance(secret, bytes) else secret
    return not any(Site.ENCRYPTION_KEYS.judge_current()) and (
        len(text) < security.SECRET_KEY_MIN_LENGTH
        or len(set(text)) < security.SECRET_KEY_MIN_UNIQUE_CHARACTERS
        or text.startswith(security.SECRET_KEY_INSECURE_PREFIX)
    )


def _decrypt(encrypted: str) -> Decrypted | None:
    from cryptography.fernet import InvalidToken

    count = len(Site.ENCRYPTION_KEYS.read())
    for number, fernet in enumerate(_fernets()):
        with suppress(InvalidToken):
            return Decrypted(
                text=fernet.decrypt(encrypted.encode()),
                is_newest=number == 0,
                is_of_settings=number < count or count == 0,
            )
    return None


def _binding(row: UUID, fingerprint: str) -> bytes:
    """Return the line that precedes the PEM."""
    return f"cfsigned_django.KeyPair {row} {fingerprint}\n".encode()


def _fernets() -> list[Fernet]:
    """Return the keys that decrypt; the first one encrypts."""
    from cryptography.fernet import Fernet

    found = list(Site.ENCRYPTION_KEYS.read())
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        key = derive(secret, b"cfsigned_django.encryption", length=32)
        found.append(Fernet(base64.urlsafe_b64encode(key)))
    return found


def derive(secret: str | bytes, label: bytes, *, length: int) -> bytes:
    """Return bytes that follow from a secret key of Django, and from nothing else it is used for.

    ``label`` says what they are for.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    material = secret if isinstance(secret, bytes) else secret.encode("utf-8")
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=label).derive(material)


def _what_changed() -> str:
    if Site.ENCRYPTION_KEYS.read():
        return _(
            "No key of AWS_CLOUDFRONT_ENCRYPTION_KEYS, and none derived from SECRET_KEY, decrypts "
            "this private key. Add the key that encrypted it to the end of the list, or the "
            "previous SECRET_KEY to SECRET_KEY_FALLBACKS. Then start a rotation in each key group: "
            "manage.py cfsigned_rotate --start (--key-group)"
        )
    return _(
        "SECRET_KEY has changed since this private key was encrypted, or "
        "AWS_CLOUDFRONT_ENCRYPTION_KEYS was emptied. Add the previous SECRET_KEY to "
        "SECRET_KEY_FALLBACKS, or the previous key to AWS_CLOUDFRONT_ENCRYPTION_KEYS. Then start a "
        "rotation in each key group: manage.py cfsigned_rotate --start (--key-group)"
    )
