"""Test what the first page warns of, and what it only mentions."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from pytest_django import Settings

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from tests.admin import (
    FakeCloudFront,
    Visitor,
    activated,
    address,
    imported,
    main_buttons,
    moved,
    started,
)


@pytest.mark.parametrize(("wanted", "level"), [(None, "Note"), ("ECDSA_P256", "Warning")])
def test_missing_spare(admin: Visitor, settings: Settings, wanted: str | None, level: str) -> None:
    """No spare is worth a note, and a warning where the settings ask for one."""
    settings.AWS_CLOUDFRONT_SPARE_KEY = wanted
    imported()

    assert f"{level}: No spare key is ready." in admin.get()


def test_key_that_cannot_be_opened_breaks_nothing(admin: Visitor) -> None:
    """One row that no encryption key opens is named with the remedy; its steps are blocked."""
    imported()
    key_pair = started()
    KeyPair.objects.filter(pk=key_pair.pk).update(encrypted_private_key="damaged")

    page = admin.get()

    assert f"Warning: The private key of {key_pair} cannot be opened. The other keys" in page
    assert "Add the former one to SECRET_KEY_FALLBACKS" in page
    assert main_buttons(admin) == ["*Let CloudFront trust it (disabled)"]


def test_signing_key_that_cannot_be_opened_is_a_problem(admin: Visitor, settings: Settings) -> None:
    """Where the ACTIVE key cannot be opened nothing is calm."""
    key_pair = imported()
    settings.SECRET_KEY = "another one"

    page = admin_again(admin).get()

    assert f"Problem: The private key of {key_pair}, which is to sign, cannot be opened" in page
    assert "Nothing to do before" not in page
    assert f"Signs now {key_pair} Cannot be opened: nothing is signed RSA 2048" in page
    assert f"{key_pair} cannot be opened: mend the settings, or replace it." in page


def admin_again(visitor: Visitor) -> Visitor:
    """Log the person in again, after a change of SECRET_KEY has ended the session."""
    visitor.client.force_login(get_user_model().objects.get())
    return visitor


def test_key_at_which_another_process_is(admin: Visitor) -> None:
    """A step that another process has claimed is blocked until its claim ends."""
    imported()
    moved(started(), claimed_until=30)

    page = admin.get()

    assert "A call to CloudFront is under way, or has just failed: wait until " in page
    assert main_buttons(admin) == ["*Let CloudFront trust it (disabled)"]


def test_claim_that_ran_out_blocks_nothing(admin: Visitor) -> None:
    """A process that died keeps nobody from its step for longer than its claim."""
    imported()
    moved(started(), claimed_until=-1)

    assert main_buttons(admin) == ["*Let CloudFront trust it"]


def test_settings_key_that_was_imported_may_leave(admin: Visitor) -> None:
    """Once the database has the key, the settings need it no longer."""
    key_pair = imported()

    assert f"Note: The settings still hold {key_pair}, which the database has" in admin.get()


def test_import_warns_of_others_that_sign_with_the_key(admin: Visitor) -> None:
    """Whoever is about to import a key reads that it is deleted in the end, for others too."""
    assert "If another site signs with it as well, give that one a public key" in admin.get()
    assert "Give it a public key of its own first: the key is deleted" in admin.get(
        address("import")
    )


def test_settings_key_that_was_never_imported(admin: Visitor, cloudfront: FakeCloudFront) -> None:
    """A key that was replaced without an import stays in CloudFront until a person removes it."""
    activated()

    page = admin.get()

    assert f"Warning: {cloudfront.settings_key_id}, the key of the settings, no longer" in page


def test_key_that_is_stuck(admin: Visitor, settings: Settings) -> None:
    """The page warns of a step that could have been done for days, and says what to look at."""
    imported()
    key_pair = moved(started(), created_at=-4 * 86400)

    assert f"Warning: {key_pair} could have been put into the key group since" in admin.get()
    settings.AWS_CLOUDFRONT_BY_HAND = True
    assert f"Warning: {key_pair} has waited for its id since" in admin.get()


def keep_in_options(settings: Settings, *aliases: str) -> None:
    """Move the settings' key into the OPTIONS of the first storage; the others have their own."""
    pems = [settings.AWS_CLOUDFRONT_KEY, *(PrivateKey.generate().to_pem() for _ in aliases[1:])]
    ids = [settings.AWS_CLOUDFRONT_KEY_ID, *("K2JCJMDEHXQW5F" for _ in aliases[1:])]
    settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None
    settings.STORAGES = settings.STORAGES | {
        alias: {
            "BACKEND": "cfsigned_django.storage.CloudFrontS3Storage",
            "OPTIONS": {"cloudfront_key": pem, "cloudfront_key_id": key_pair_id},
        }
        for alias, pem, key_pair_id in zip(aliases, pems, ids, strict=True)
    }


def test_key_of_a_storage_is_a_key_of_the_settings(
    admin: Visitor, cloudfront: FakeCloudFront, settings: Settings
) -> None:
    """A key that only OPTIONS hold signs, can be imported, and is named where it may leave."""
    keep_in_options(settings, "default")

    first = admin.get()
    imported_page = admin.post(address("import"))

    assert f"{cloudfront.settings_key_id}, the key of the settings, signs. Import it" in first
    where = 'cloudfront_key and cloudfront_key_id in the OPTIONS of STORAGES["default"]'
    assert f"Remove {where} before that." in imported_page
    assert f"they no longer count. Remove {where}." in imported_page


def test_key_of_a_storage_that_was_never_imported(
    admin: Visitor, cloudfront: FakeCloudFront, settings: Settings
) -> None:
    """A key of OPTIONS that was replaced without an import is left in CloudFront as well."""
    keep_in_options(settings, "default")
    activated()

    assert f"{cloudfront.settings_key_id}, the key of the settings, no longer" in admin.get()


def test_two_keys_of_storages_are_told(
    admin: Visitor, cloudfront: FakeCloudFront, settings: Settings
) -> None:
    """Where storages of the group sign with different keys, the page names both storages."""
    keep_in_options(settings, "default", "media")

    for page in (admin.get(), admin.post(address("import"))):
        assert f'(STORAGES["default"]: {cloudfront.settings_key_id}; STORAGES["media"]: K' in page
    assert not KeyPair.objects.exists()


def test_revocation_that_was_not_finished(admin: Visitor) -> None:
    """A revoked key that CloudFront may still trust is the first thing to see to."""
    imported()
    key_pair = activated()
    KeyPair.objects.filter(pk=key_pair.pk).update(
        status="revoked", active_in=None, revoked_at=key_pair.active_at
    )

    page = admin.get()

    assert f"Problem: {key_pair} is revoked and no longer signs, but CloudFront may" in page
    assert main_buttons(admin)[0] == "*Finish the revocation"


def test_keys_of_other_groups_are_listed(admin: Visitor) -> None:
    """A key of a group that the settings no longer name is there to look at, without steps."""
    key_pair = started()
    KeyPair.objects.filter(pk=key_pair.pk).update(key_group_id="former", next_in="former")

    page = admin.get()

    assert f"Keys of other key groups {key_pair} : Pending, former" in page
    assert "Revoke…" not in page


def test_settings_that_make_no_sense_are_a_message(admin: Visitor, settings: Settings) -> None:
    """Without a key group the page says which setting is missing, and still lists the keys."""
    key_pair = imported()
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = None

    page = admin.get()

    assert "Problem: AWS_CLOUDFRONT_KEY_GROUP_ID is not set" in page
    assert str(key_pair) in page


def test_local_times_without_a_zone_are_refused(admin: Visitor, settings: Settings) -> None:
    """Without time zones nobody can tell when a wait is over: the page names the setting."""
    settings.USE_TZ = False

    assert "Problem: USE_TZ is False" in admin.get()
