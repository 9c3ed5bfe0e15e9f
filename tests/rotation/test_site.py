"""Test the rotation of a site: its settings' key, and the storages that sign apart from it."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.errors import RotationError
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.steps import advance
from cfsigned_django.signing import PrivateKey, Signer
from tests.rotation import Site, fresh
from tests.rotation.commands import Shell, aged


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


SIGNER_ID = "APKAIOSFODNN7EXAMPLE"
DROP = "manage.py cfsigned_setup --drop-trusted-signers"


@pytest.fixture
def old_site(shell: Shell, site: Any) -> Shell:
    """Return a shell on a site whose settings hold the key pair of a trusted signer."""
    site.AWS_CLOUDFRONT_KEY_ID = shell.settings_key_id = SIGNER_ID
    return shell


def imported_before(key_group: Site) -> KeyPair:
    """Return a row of such a key, as an import made it that did not refuse."""
    return key_group.rotation().store.create(
        PrivateKey.generate(),
        now=key_group.now,
        status=KeyStatus.ACTIVE,
        key_pair_id=SIGNER_ID,
        active_in=key_group.key_group_id,
        active_at=key_group.now,
    )


def test_import_is_refused(key_group: Site, ec_key: PrivateKey) -> None:
    """What no key group holds cannot be rotated in one."""
    with pytest.raises(RotationError, match=DROP):
        key_group.rotation().import_key(ec_key, SIGNER_ID, now=key_group.now)

    assert not KeyPair.objects.exists()


def test_command_names_the_next_step(old_site: Shell) -> None:
    """--import fails, and says to start a rotation without it."""
    ran = old_site.run("--import")

    assert ran.code == 1
    assert f"{SIGNER_ID} is a CloudFront key pair of an AWS account" in ran.err
    assert "Start a rotation (manage.py cfsigned_rotate --start) without importing it" in ran.err


def test_rotation_without_import_replaces_it(old_site: Shell) -> None:
    """The next step that is named leads to a key pair that signs in the place of the old one."""
    old_site.run("--start")
    old_site.run()
    old_site.run()
    aged(301)

    assert "signs from now on;" in old_site.run().out
    assert KeyPair.objects.get().status == "active"


def test_age_is_not_counted_by_an_import(old_site: Shell) -> None:
    """--max-age does not propose what would be refused."""
    ran = old_site.run("--max-age", "90d")

    assert "Import it first" not in ran.out
    assert f"{SIGNER_ID} is a CloudFront key pair of an AWS account" in ran.out


def test_revocation_is_not_promised(old_site: Shell) -> None:
    """--revoke names what ends the trust in a leaked one, and proposes no import."""
    ran = old_site.run("--revoke", SIGNER_ID, "--no-input")

    assert ran.code == 1
    assert "after --import" not in ran.err
    assert DROP in ran.err


def test_row_is_not_said_to_be_taken_out_of_its_group(key_group: Site) -> None:
    """Nobody took out of the group what it never held."""
    imported_before(key_group)

    assert advance(key_group.rotation(), now=key_group.now) is None


def test_row_is_not_said_to_be_out_of_cloudfront(key_group: Site) -> None:
    """Its links open until the signer is taken out of the behavior: the revocation says so."""
    key_pair = imported_before(key_group)

    with pytest.raises(AwsError, match=DROP):
        key_group.rotation().revoke(key_pair, now=key_group.now, reason="leaked")

    assert (fresh(key_pair).status, fresh(key_pair).removed_at) == ("revoked", None)
    assert KeyPair.objects.filter(status="active").count() == 1


def test_row_may_leave_by_hand(key_group: Site) -> None:
    """A person who took the signer out says so, and the revocation is finished."""
    key_pair = imported_before(key_group)
    with pytest.raises(AwsError):
        key_group.rotation().revoke(key_pair, now=key_group.now, reason="leaked")

    key_group.rotation(by_hand=True).finish_revocation(key_pair, now=key_group.now)

    assert fresh(key_pair).removed_at is not None
