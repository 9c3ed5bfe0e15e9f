"""Seal private keys so that only the settings of the site open them."""

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
def test_unsealing_gives_the_key_back(
    keys: Any, kind: str, settings: Settings, request: pytest.FixtureRequest
) -> None:
    """Open what was sealed, with the setting in any of its forms and without it."""
    key: PrivateKey = request.getfixturevalue(kind)
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = keys

    assert unseal(seal(key)) == key.to_pem()


def test_the_newest_key_seals(ec_key: PrivateKey, settings: Settings) -> None:
    """Seal with the first key of the list, which opens it alone."""
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [SECOND, FIRST]

    sealed = seal(ec_key)

    assert Fernet(SECOND).decrypt(sealed) == ec_key.to_pem()


def test_each_seal_differs(ec_key: PrivateKey) -> None:
    """Seal the same key differently each time, so that equal keys do not look equal."""
    assert seal(ec_key) != seal(ec_key)


@pytest.mark.parametrize("fallbacks", [["former"], ["other", "former"]])
def test_a_former_secret_key_opens(
    fallbacks: list[str], ec_key: PrivateKey, settings: Settings
) -> None:
    """Open what a key derived from a former SECRET_KEY sealed."""
    settings.SECRET_KEY = "former"
    sealed = seal(ec_key)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", fallbacks

    assert unseal(sealed) == ec_key.to_pem()


def test_encryption_keys_may_be_set_later(ec_key: PrivateKey, settings: Settings) -> None:
    """Open what a derived key sealed, also after AWS_CLOUDFRONT_ENCRYPTION_KEYS was set."""
    sealed = seal(ec_key)
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [FIRST]

    assert unseal(sealed) == ec_key.to_pem()
    assert Fernet(FIRST).decrypt(reseal(sealed)) == ec_key.to_pem()


def test_a_secret_key_as_bytes_is_the_same(ec_key: PrivateKey, settings: Settings) -> None:
    """Derive the same key from a SECRET_KEY as text and as bytes."""
    settings.SECRET_KEY = "비밀"
    sealed = seal(ec_key)
    settings.SECRET_KEY = "비밀".encode()

    assert unseal(sealed) == ec_key.to_pem()


@pytest.mark.django_db
def test_reseal_moves_every_row(
    rsa_key: PrivateKey, ec_key: PrivateKey, settings: Settings
) -> None:
    """Seal every row anew with the newest key, so that all former ones can go."""
    make_key_pair(ec_key, "K1")
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [FIRST]
    make_key_pair(rsa_key, "K2")
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [SECOND, FIRST]

    call_command("cfsigned_rotate", reseal=True)

    settings.SECRET_KEY, settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = "new", [SECOND]
    found = {row.key_pair_id: unseal(row.encrypted_private_key) for row in KeyPair.objects.all()}
    assert found == {"K1": ec_key.to_pem(), "K2": rsa_key.to_pem()}


@pytest.mark.parametrize("act", [unseal, reseal])
@pytest.mark.parametrize(
    ("keys", "named"),
    [(None, "SECRET_KEY has changed"), ([FIRST], "AWS_CLOUDFRONT_ENCRYPTION_KEYS")],
)
def test_what_no_key_opens(
    act: Any, keys: Any, named: str, ec_key: PrivateKey, settings: Settings
) -> None:
    """Name the setting that changed, and show neither key nor seal."""
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = keys and [SECOND]
    settings.SECRET_KEY = "former and secret"
    sealed = seal(ec_key)
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS, settings.SECRET_KEY = keys, "new and secret"

    with pytest.raises(CannotUnseal, match=named) as raised:
        act(sealed)

    assert "--reseal" in str(raised.value)
    shown = str(raised.value) + repr(raised.value)
    for secret in (sealed, "secret", FIRST, SECOND, *fragments(ec_key)):
        assert secret not in shown


@pytest.mark.parametrize("place", [0, 5, 40, -2])
def test_a_changed_token_does_not_open(place: int, ec_key: PrivateKey) -> None:
    """Refuse a seal of which one character was changed, wherever that is."""
    sealed = seal(ec_key)
    other = "A" if sealed[place] != "A" else "B"
    changed = sealed[:place] + other + sealed[place:][1:]

    with pytest.raises(CannotUnseal):
        unseal(changed)


@pytest.mark.parametrize("sealed", ["", "no seal", "gAAAAA", "비밀"])
def test_what_is_no_token_does_not_open(sealed: str) -> None:
    """Refuse a text that is no seal, such as one that another tool wrote there."""
    with pytest.raises(CannotUnseal):
        unseal(sealed)
    with pytest.raises(CannotUnseal):
        reseal(sealed)


@pytest.mark.parametrize("wrong", ["x", "", None, 5, FIRST[:-4], "비밀"])
def test_an_entry_that_is_no_key(wrong: Any, ec_key: PrivateKey, settings: Settings) -> None:
    """Refuse to seal and to open while an entry of the list is no Fernet key; do not show it."""
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [FIRST, wrong]

    with pytest.raises(ImproperlyConfigured, match="AWS_CLOUDFRONT_ENCRYPTION_KEYS") as raised:
        seal(ec_key)

    assert FIRST not in everything_of(raised.value)
    assert not any(each in everything_of(raised.value) for each in fragments(ec_key))


def test_errors_hold_no_private_key(ec_key: PrivateKey, settings: Settings) -> None:
    """Keep the private key out of what a debug page shows of a failure to open it."""
    sealed = seal(ec_key)
    settings.SECRET_KEY = "new"

    with pytest.raises(CannotUnseal) as raised:
        unseal(sealed)

    assert not any(each in everything_of(raised.value) for each in fragments(ec_key))


@pytest.mark.django_db
def test_a_retired_row_is_skipped_by_reseal(ec_key: PrivateKey) -> None:
    """Leave a row alone whose private key was erased."""
    row = make_key_pair(ec_key, "K1", encrypted_private_key="")

    call_command("cfsigned_rotate", reseal=True)

    row.refresh_from_db()
    assert (row.key_group_id, row.encrypted_private_key) == (KEY_GROUP_ID, "")
