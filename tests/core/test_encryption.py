"""Encrypt private keys so that only the settings of the site decrypt them."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from cfsigned_django.core.encryption import (
    CannotDecrypt,
    NotItsKey,
    decrypt,
    encrypt,
    has_weak_secret_key,
)
from cfsigned_django.signing import PrivateKey
from tests.keyring import derived
from tests.leaks import everything_of, fragments

ROW = UUID("6f1f2c54-1d4e-4b6b-9f57-0c3d8f0f6a11")
# The same in every process of a test run, which names its tests after them.
FIRST, SECOND = (base64.urlsafe_b64encode(each * 32).decode() for each in (b"1", b"2"))


@pytest.mark.parametrize("keys", [None, [], FIRST.encode(), (SECOND, FIRST)], ids=repr)
@pytest.mark.parametrize("kind", ["rsa_key", "ec_key"])
def test_decrypting_gives_the_key_back(
    keys: Any, kind: str, settings: Settings, request: pytest.FixtureRequest
) -> None:
    """Decrypt what was encrypted, with the setting in any of its forms; each time differently."""
    key: PrivateKey = request.getfixturevalue(kind)
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = keys

    encrypted = encrypt(key, ROW)

    assert decrypt(encrypted, ROW, key.public_key.fingerprint).load().to_pem() == key.to_pem()
    assert encrypted != encrypt(key, ROW)


def test_the_newest_key_encrypts(ec_key: PrivateKey, settings: Settings) -> None:
    """Encrypt with the first key of the list, which decrypts it alone: Fernet reads it as PEM."""
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [SECOND, FIRST]

    text = Fernet(SECOND).decrypt(encrypt(ec_key, ROW))

    assert PrivateKey.load(text).to_pem() == ec_key.to_pem()
    assert isinstance(load_pem_private_key(text, None), EllipticCurvePrivateKey)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"SECRET_KEY": "former"}, {"SECRET_KEY_FALLBACKS": ["other", "former"]}),
        ({"SECRET_KEY": "비밀"}, {"SECRET_KEY": "비밀".encode()}),
        ({}, {"AWS_CLOUDFRONT_ENCRYPTION_KEYS": [FIRST]}),
    ],
    ids=["second fallback", "bytes", "encryption key set later"],
)
def test_settings_that_change(
    before: dict[str, Any], after: dict[str, Any], ec_key: PrivateKey, settings: Settings
) -> None:
    """Decrypt what former settings encrypted, as long as these settings still know them."""
    for name, value in before.items():
        setattr(settings, name, value)
    encrypted = encrypt(ec_key, ROW)
    for name, value in after.items():
        setattr(settings, name, value)

    assert decrypt(encrypted, ROW, ec_key.public_key.fingerprint).load().to_pem() == ec_key.to_pem()


@pytest.mark.parametrize(
    ("keys", "named"), [(None, "SECRET_KEY"), ([FIRST], "AWS_CLOUDFRONT_ENCRYPTION_KEYS")]
)
def test_what_no_key_decrypts(
    keys: Any, named: str, ec_key: PrivateKey, settings: Settings
) -> None:
    """Name the setting that changed and what to run; show no secret, in a traceback neither."""
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = keys and [SECOND]
    settings.SECRET_KEY = "former and secret"
    encrypted = encrypt(ec_key, ROW)
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS, settings.SECRET_KEY = keys, "new and secret"

    with pytest.raises(CannotDecrypt, match=rf"{named}.*--start") as raised:
        decrypt(encrypted, ROW, ec_key.public_key.fingerprint)

    shown = str(raised.value) + repr(raised.value)
    assert not any(each in shown for each in (encrypted, "secret", FIRST, SECOND))
    assert not any(each in everything_of(raised.value) for each in fragments(ec_key))


@pytest.mark.parametrize("differs", ["row", "fingerprint", "no row"])
def test_the_key_of_another_row(differs: str, ec_key: PrivateKey) -> None:
    """Refuse a key that was encrypted for another row, or for none; show no key."""
    encrypted = encrypt(ec_key, ROW)
    if differs == "no row":
        encrypted = derived().encrypt(ec_key.to_pem()).decode()
    row = uuid4() if differs == "row" else ROW
    fingerprint = "지문" * 32 if differs == "fingerprint" else ec_key.public_key.fingerprint

    with pytest.raises(NotItsKey) as raised:
        decrypt(encrypted, row, fingerprint)

    assert not any(each in everything_of(raised.value) for each in fragments(ec_key))


@pytest.mark.parametrize("place", [0, 40, -6])
def test_a_changed_token(place: int, ec_key: PrivateKey) -> None:
    """Refuse an encrypted key with one changed character, and text that is not one."""
    token = encrypt(ec_key, ROW)
    changed = list(token)
    changed[place] = "A" if token[place] != "A" else "B"

    for text in ("".join(changed), "", "no token", "비밀"):
        with pytest.raises(CannotDecrypt):
            decrypt(text, ROW, ec_key.public_key.fingerprint)


@pytest.mark.parametrize("wrong", ["", None, FIRST[:-4], "비밀"])
def test_an_entry_that_is_not_a_key(wrong: Any, ec_key: PrivateKey, settings: Settings) -> None:
    """Refuse to encrypt while an entry of the list is not a Fernet key; do not show it."""
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [FIRST, wrong]

    with pytest.raises(ImproperlyConfigured, match="AWS_CLOUDFRONT_ENCRYPTION_KEYS") as raised:
        encrypt(ec_key, ROW)

    assert FIRST not in everything_of(raised.value)
    assert not any(each in everything_of(raised.value) for each in fragments(ec_key))


#: Django's own checks take it for a strong one.
STRONG = "".join(map(chr, range(33, 93)))


@pytest.mark.parametrize(
    ("secret", "keys", "is_weak"),
    [
        ("guessed", None, True),
        ("guessed", [FIRST], False),
        ("guessed", ["x"], False),
        ("abc" * 20, None, True),
        (f"django-insecure-{STRONG}", None, True),
        (STRONG.encode(), None, False),
    ],
)
def test_a_weak_secret_key(secret: Any, keys: Any, is_weak: bool, settings: Settings) -> None:
    """Warn of SECRET_KEY only if it encrypts; a wrong encryption key is told elsewhere."""
    settings.SECRET_KEY = secret
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = keys

    assert has_weak_secret_key() is is_weak
