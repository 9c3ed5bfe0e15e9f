"""Test the import of a key that stands in the OPTIONS of a storage, and in no other setting."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey, Signer
from tests.rotation.commands import Shell
from tests.rotation.test_storages_apart import BACKEND, OTHER_GROUP


@pytest.fixture
def own(shell: Shell, site: Any) -> dict[str, Any]:
    """Move the settings' key into the OPTIONS of the default storage, and return those."""
    options = {
        "cloudfront_key": site.AWS_CLOUDFRONT_KEY,
        "cloudfront_key_id": site.AWS_CLOUDFRONT_KEY_ID,
    }
    site.AWS_CLOUDFRONT_KEY = site.AWS_CLOUDFRONT_KEY_ID = None
    site.STORAGES = {**site.STORAGES, "default": {"BACKEND": BACKEND, "OPTIONS": options}}
    return options


def add_media(site: Any, **options: Any) -> None:
    """Add another storage."""
    site.STORAGES = {**site.STORAGES, "media": {"BACKEND": BACKEND, "OPTIONS": options}}


def with_another_key() -> dict[str, Any]:
    """Return options that hold another key."""
    pem = PrivateKey.generate().to_pem().decode()
    return {"cloudfront_key": pem, "cloudfront_key_id": "K2JCJMDEHXQW5F"}


def test_key_of_a_storage_is_imported(shell: Shell, own: dict[str, Any]) -> None:
    """A key that only OPTIONS hold is found, and imported."""
    ran = shell.run("--import")

    assert (ran.code, KeyPair.objects.get().status) == (0, "active")
    assert ran.out.startswith(f"{shell.settings_key_id} is in the database")
    assert shell.run("--import").code == 0


def test_key_that_two_storages_have_is_imported(
    shell: Shell, own: dict[str, Any], site: Any
) -> None:
    """The same key in two storages is one key."""
    add_media(site, **own)

    assert shell.run("--import").code == 0


def test_age_of_a_key_of_a_storage_is_unknown(shell: Shell, own: dict[str, Any]) -> None:
    """No rotation begins by age as long as such a key signs; the note names it."""
    ran = shell.run("--max-age", "90d")

    assert f"{shell.settings_key_id}, the key of the settings, signs" in ran.out
    assert not KeyPair.objects.exists()


def test_two_keys_are_not_imported(shell: Shell, own: dict[str, Any], site: Any) -> None:
    """Different keys of two storages are refused by the names of both, and neither is shown."""
    other = with_another_key()
    add_media(site, **other)

    ran = shell.run("--import")

    assert ran.code == 1
    assert f'STORAGES["default"]: {shell.settings_key_id}' in ran.err
    assert 'STORAGES["media"]: K2JCJMDEHXQW5F' in ran.err
    assert not KeyPair.objects.exists()


def test_key_of_another_group_is_not_meant(shell: Shell, own: dict[str, Any], site: Any) -> None:
    """A storage of another key group, or one that does not sign, has a key of its own."""
    add_media(site, key_group_id=OTHER_GROUP, **with_another_key())

    assert shell.run("--import").code == 0


def test_key_that_no_storage_has_is_imported(shell: Shell, site: Any) -> None:
    """The key of the settings counts where no storage of STORAGES signs with it."""
    signer = Signer(key_pair_id="K2JCJMDEHXQW5F", private_key=PrivateKey.generate())
    options = {"cloudfront_signer": signer}
    site.STORAGES = {**site.STORAGES, "default": {"BACKEND": BACKEND, "OPTIONS": options}}

    ran = shell.run("--import")

    assert (ran.code, str(KeyPair.objects.get())) == (0, shell.settings_key_id)
