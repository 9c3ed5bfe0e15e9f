"""Answer which key signs in this process, with and without the app."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from cfsigned_django import keyring
from cfsigned_django.keyring import Found, Lease
from cfsigned_django.rotation.active import find_active_signer
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.testing import forget_keys
from tests.keyring import KEY_GROUP_ID


@pytest.fixture
def signer(ec_key: PrivateKey) -> Signer:
    """Return the signer of the settings."""
    return Signer(key_pair_id="KSETTINGS", private_key=ec_key)


@pytest.fixture
def _without_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody have said where to look."""
    monkeypatch.setattr(keyring, "_keyring", None)


@pytest.mark.usefixtures("_without_app")
@pytest.mark.parametrize("key_group_id", [None, KEY_GROUP_ID])
def test_without_the_app(key_group_id: str | None, signer: Signer) -> None:
    """Sign with the key of the settings, without a limit, where nobody knows the database."""
    keyring.forget()

    assert not keyring.looks_in_database(key_group_id)
    assert keyring.lease_signer(key_group_id, None, signer) == Lease(signer=signer)
    with pytest.raises(ImproperlyConfigured, match="AWS_CLOUDFRONT_KEY"):
        keyring.lease_signer(key_group_id, None, None)


def test_without_a_key_group(signer: Signer) -> None:
    """Sign with the key of the settings where no key group is named, without a look."""
    assert not keyring.looks_in_database(None)
    assert keyring.lease_signer(None, None, signer) == Lease(signer=signer)


@pytest.mark.parametrize("way", ["a setting", "a secret key", "a router", "by hand"])
def test_looks_again(way: str, signer: Signer, ec_key: PrivateKey, settings: Settings) -> None:
    """Look again after a change of settings, and where a test says that rows are others."""
    other = Signer(key_pair_id="KOTHER", private_key=ec_key)
    found = [Found(signer=other), Found(signer=signer)]
    keyring.register(lambda *arguments: found.pop())
    try:
        for _ in range(2):
            assert keyring.lease_signer(KEY_GROUP_ID, None, None).signer is signer
        if way == "a setting":
            settings.AWS_CLOUDFRONT_KEYRING_SECONDS = 5
        elif way == "a secret key":
            settings.SECRET_KEY = "another one"
        elif way == "a router":
            settings.DATABASE_ROUTERS = []
        else:
            forget_keys()
        assert keyring.lease_signer(KEY_GROUP_ID, None, None).signer is other
    finally:
        keyring.register(find_active_signer)
