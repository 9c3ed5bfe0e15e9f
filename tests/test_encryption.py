"""Encrypt private keys so that only the settings of the site decrypt them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from pytest_django import Settings

from cfsigned_django.encryption import CannotUnseal, reseal, seal, unseal
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from tests.keyring import KEY_GROUP_ID, make_key_pair
from tests.leaks import everything_of, fragments

# The same in every process of a test run, which names its tests after them.
FIRST, SECOND = (base64.urlsafe_b64encode(each * 32).decode() for each in (b"1", b"2"))


@pytest.mark.parametrize(
    "keys", [None, [], FIRST, FIRST.encode(), [FIRST], (SECOND, FIRST)], ids=repr
)
@pytest.mark.parametrize("kind", ["rsa_key", "ec_key"])
def test_decrypting_gives_the_key_back(
    keys: Any, kind: str, settings: Settings, request: pytest.FixtureRequest
) -> None:
    """Decrypt what was encrypted, with the setting in any of its forms; each time differently."""
    key: PrivateKey = request.getfixturevalue(kind)
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = keys

    assert unseal(seal(key)) == key.to_pem()
    assert seal(key) != seal(key)
    if isinstance(keys, tuple):  # the first key encrypts, and decrypts alone
        assert Fernet(SECOND).decrypt(seal(key)) == key.to_pem()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"SECRET_KEY": "former"}, {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["former"]}),
        ({"SECRET_KEY": "former"}, {"SECRET_KEY_FALLBACKS": ["other", "former"]}),
        ({"SECRET_KEY": "비밀"}, {"SECRET_KEY": "비밀".encode()}),
        ({}, {"AWS_CLOUDFRONT_ENCRYPTION_KEYS": [FIRST]}),
    ],
    ids=["fallback", "second fallback", "bytes", "encryption key set later"],
)
def test_settings_that_change(
    before: dict[str, Any], after: dict[str, Any], ec_key: PrivateKey, settings: Settings
) -> None:
    """Decrypt what former settings encrypted, as long as these settings still know them."""
    for name, value in before.items():
        setattr(settings, name, value)
    sealed = seal(ec_key)
    for name, value in after.items():
        setattr(settings, name, value)

    assert unseal(sealed) == unseal(reseal(sealed)) == ec_key.to_pem()


@pytest.mark.django_db
def test_reseal_moves_every_row(
    rsa_key: PrivateKey, ec_key: PrivateKey, settings: Settings
) -> None:
    """Encrypt every row with the newest key, so that the others can go; skip an erased one."""
    make_key_pair(ec_key, "K1")
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [FIRST]
    make_key_pair(rsa_key, "K2")
    erased = make_key_pair(ec_key, "K3", encrypted_private_key="")
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [SECOND, FIRST]

    call_command("cfsigned_rotate", reseal=True)

    settings.SECRET_KEY, settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = "new", [SECOND]
    rows = KeyPair.objects.exclude(pk=erased.pk)
    found = {row.key_pair_id: unseal(row.encrypted_private_key) for row in rows}
    assert found == {"K1": ec_key.to_pem(), "K2": rsa_key.to_pem()}
    erased.refresh_from_db()
    assert (erased.key_group_id, erased.encrypted_private_key) == (KEY_GROUP_ID, "")


@pytest.mark.parametrize("act", [unseal, reseal])
@pytest.mark.parametrize(
    ("keys", "named"), [(None, "SECRET_KEY"), ([FIRST], "AWS_CLOUDFRONT_ENCRYPTION_KEYS")]
)
def test_what_no_key_decrypts(
    act: Any, keys: Any, named: str, ec_key: PrivateKey, settings: Settings
) -> None:
    """Name the setting that changed and what to run; show no secret, in a traceback neither."""
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = keys and [SECOND]
    settings.SECRET_KEY = "former and secret"
    sealed = seal(ec_key)
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS, settings.SECRET_KEY = keys, "new and secret"

    with pytest.raises(CannotUnseal, match=rf"{named}.*--reseal") as raised:
        act(sealed)

    shown = str(raised.value) + repr(raised.value)
    assert not any(each in shown for each in (sealed, "secret", FIRST, SECOND))
    assert not any(each in everything_of(raised.value) for each in fragments(ec_key))


@pytest.mark.parametrize("act", [unseal, reseal])
@pytest.mark.parametrize("text", ["", "no token", "gAAAAA", "비밀", 0, 5, 40, -2])
def test_what_is_not_a_token(act: Any, text: str | int, ec_key: PrivateKey) -> None:
    """Refuse what is not encrypted, and a token of which the character at a place was changed."""
    if isinstance(text, int):
        sealed = [*seal(ec_key)]
        sealed[text] = "A" if sealed[text] != "A" else "B"
        text = "".join(sealed)

    with pytest.raises(CannotUnseal):
        act(text)


@pytest.mark.parametrize("wrong", ["x", "", None, 5, FIRST[:-4], "비밀"])
def test_an_entry_that_is_not_a_key(wrong: Any, ec_key: PrivateKey, settings: Settings) -> None:
    """Refuse to encrypt while an entry of the list is not a Fernet key; do not show it."""
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [FIRST, wrong]

    with pytest.raises(ImproperlyConfigured, match="AWS_CLOUDFRONT_ENCRYPTION_KEYS") as raised:
        seal(ec_key)

    assert FIRST not in everything_of(raised.value)
    assert not any(each in everything_of(raised.value) for each in fragments(ec_key))
