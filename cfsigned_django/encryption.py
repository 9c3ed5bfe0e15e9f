"""Seal private keys before they go into the database.

With the Fernet keys of AWS_CLOUDFRONT_ENCRYPTION_KEYS, newest first; where
none are set, with keys derived from SECRET_KEY and SECRET_KEY_FALLBACKS.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.exceptions import ImproperlyConfigured

from cfsigned_django import conf
from cfsigned_django.signing import PrivateKey


class CannotUnseal(Exception):
    """Report a sealed key that no encryption key of the settings opens."""


def seal(private_key: PrivateKey) -> str:
    """Return the PEM of the private key, sealed with the newest encryption key, as ASCII text."""
    # Written out last, and kept in no variable, which a debug page would show.
    return _fernet().encrypt(private_key.to_pem()).decode("ascii")


def unseal(sealed: str) -> bytes:
    """Return the PEM of a sealed key. Raise :exc:`CannotUnseal` if no key opens it."""
    try:
        return _fernet().decrypt(sealed)
    except InvalidToken:
        raise CannotUnseal(_what_changed()) from None


def reseal(sealed: str) -> str:
    """Return the sealed key sealed anew, with the newest encryption key.

    Raise :exc:`CannotUnseal` if no key opens it.
    """
    try:
        return _fernet().rotate(sealed.encode("ascii")).decode("ascii")
    except InvalidToken:
        raise CannotUnseal(_what_changed()) from None


def _fernet() -> MultiFernet:
    keys = conf.encryption_keys()
    try:
        given = [Fernet(key) for key in keys]
    except (ValueError, TypeError, binascii.Error):
        raise ImproperlyConfigured(
            "AWS_CLOUDFRONT_ENCRYPTION_KEYS is a list of Fernet keys, newest first, and one of "
            "its entries is none. Make one with: python -c 'from cryptography.fernet import "
            "Fernet; print(Fernet.generate_key().decode())'"
        ) from None
    return MultiFernet(given or [Fernet(_derive(secret)) for secret in conf.secret_keys()])


def _derive(secret: str | bytes) -> bytes:
    """Return a Fernet key that follows from a secret key of Django's."""
    material = secret if isinstance(secret, bytes) else secret.encode("utf-8")
    # The label keeps the key apart from all else that is derived from SECRET_KEY.
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"cfsigned_django.encryption")
    return base64.urlsafe_b64encode(hkdf.derive(material))


def _what_changed() -> str:
    if conf.encryption_keys():
        return (
            "No key of AWS_CLOUDFRONT_ENCRYPTION_KEYS opens this private key. Add the key it was "
            "sealed with at the end of the list, then run: manage.py cfsigned_rotate --reseal"
        )
    return (
        "SECRET_KEY has changed since this private key was sealed. Add the former one to "
        "SECRET_KEY_FALLBACKS, then run: manage.py cfsigned_rotate --reseal"
    )
