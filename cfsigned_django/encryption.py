"""Encrypt private keys before they go into the database.

The newest Fernet key of AWS_CLOUDFRONT_ENCRYPTION_KEYS encrypts; if none is
set, a key derived from SECRET_KEY does. All of these keys decrypt, and so do
those derived from SECRET_KEY_FALLBACKS: a team that sets
AWS_CLOUDFRONT_ENCRYPTION_KEYS later loses nothing.
"""

from __future__ import annotations

import base64
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_noop

from cfsigned_django import conf
from cfsigned_django.signing import PrivateKey

#: Prints a new encryption key.
MAKE_KEY = (
    "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
)


class CannotUnseal(Exception):
    """Raised if no encryption key of the settings decrypts a private key."""


def seal(private_key: PrivateKey) -> str:
    """Return the PEM of the private key, encrypted with the newest encryption key, as ASCII."""
    # Not kept in a variable, since a debug page would show it.
    return _fernet().encrypt(private_key.to_pem()).decode("ascii")


def unseal(sealed: str) -> bytes:
    """Return the decrypted PEM of a key. Raise :exc:`CannotUnseal` if no key decrypts it."""
    try:
        return _fernet().decrypt(sealed.encode())
    except InvalidToken:
        raise CannotUnseal(_what_changed()) from None


def reseal(sealed: str) -> str:
    """Return the key encrypted again, with the newest encryption key.

    Raise :exc:`CannotUnseal` if no key decrypts it.
    """
    try:
        return _fernet().rotate(sealed.encode()).decode("ascii")
    except InvalidToken:
        raise CannotUnseal(_what_changed()) from None


def count_wrong_keys() -> int:
    """Return how many entries of AWS_CLOUDFRONT_ENCRYPTION_KEYS are not valid Fernet keys."""
    return sum(_as_fernet(key) is None for key in conf.encryption_keys())


def _fernet() -> MultiFernet:
    given = [_as_fernet(key) for key in conf.encryption_keys()]
    if None in given:
        raise ImproperlyConfigured(
            "AWS_CLOUDFRONT_ENCRYPTION_KEYS has an entry that is not a valid Fernet key. It must "
            f"be a list of Fernet keys, newest first. Make one with: {MAKE_KEY}"
        )
    # The first one encrypts.
    derived = [Fernet(_derive(secret)) for secret in conf.secret_keys()]
    return MultiFernet([*filter(None, given), *derived])


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
            "--reseal"
        )
    return gettext_noop(
        "SECRET_KEY has changed since this private key was encrypted, or "
        "AWS_CLOUDFRONT_ENCRYPTION_KEYS was emptied. Add the previous SECRET_KEY to "
        "SECRET_KEY_FALLBACKS, or the previous key to AWS_CLOUDFRONT_ENCRYPTION_KEYS, then run: "
        "manage.py cfsigned_rotate --reseal"
    )
