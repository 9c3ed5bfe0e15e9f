"""Test that a key does not leave while a storage would go on signing with it."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.signing import PrivateKey, Signer
from tests.rotation.commands import Shell, aged

BACKEND = "cfsigned_django.storage.CloudFrontS3Storage"
OTHER_GROUP = "00000000-1111-4222-8333-444444444444"


def add_storage(site: Any, alias: str, **options: Any) -> None:
    """Add a storage to the site."""
    site.STORAGES = {**site.STORAGES, alias: {"BACKEND": BACKEND, "OPTIONS": options}}


def options_apart(shell: Shell, ec_key: PrivateKey) -> list[dict[str, Any]]:
    """Return options under which a storage signs with the settings' key by itself."""
    signer = Signer(key_pair_id=shell.settings_key_id, private_key=ec_key)
    return [{"key_group_id": None}, {"key_group_id": OTHER_GROUP}, {"cloudfront_signer": signer}]


@pytest.mark.parametrize("which", range(3), ids=["no group", "other group", "signer"])
def test_key_of_another_storage_is_not_imported(
    shell: Shell, site: Any, ec_key: PrivateKey, which: int
) -> None:
    """A storage that would lose its key, or keep it too long, is named before the import."""
    add_storage(site, "invoices", **options_apart(shell, ec_key)[which])

    ran = shell.run("--import")

    assert (ran.code, ran.err.startswith('STORAGES["invoices"] signs with ')) == (1, True)
    assert "give it a key of its own" in ran.err
    assert "default" not in ran.err


@pytest.mark.parametrize("which", [0, 2], ids=["no group", "signer"])
def test_key_of_another_storage_is_not_retired(
    shell: Shell, site: Any, ec_key: PrivateKey, which: int
) -> None:
    """The public key stays while a storage that came later signs with it."""
    shell.run("--import")
    shell.run("--start")
    shell.run()
    shell.run()
    aged(301)
    shell.run()
    aged(8 * 86400)
    add_storage(site, "invoices", **options_apart(shell, ec_key)[which])

    ran = shell.run()

    assert (ran.code, ran.err.startswith('STORAGES["invoices"] signs with ')) == (1, True)
    assert shell.settings_key_id in shell.members

    site.AWS_CLOUDFRONT_BY_HAND = True
    by_hand = shell.run()
    assert 'STORAGES["invoices"] signs with ' in by_hand.out
    assert "remove the key from the key group" not in by_hand.out


def test_storage_with_a_key_of_its_own_is_left_alone(
    shell: Shell, site: Any, rsa_key: PrivateKey
) -> None:
    """Another key in another group, or none that works, keeps nothing from being imported."""
    add_storage(
        site,
        "invoices",
        key_group_id=OTHER_GROUP,
        cloudfront_key=rsa_key.to_pem().decode(),
        cloudfront_key_id="KOTHER00000000",
    )
    add_storage(site, "broken", key_group_id=None, expire_step=-1)

    assert shell.run("--import").code == 0
