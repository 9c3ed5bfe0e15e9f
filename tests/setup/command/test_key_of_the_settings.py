"""Set up a site again whose settings' key signs, while the database has others for later."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from tests.setup.command import run


@pytest.fixture
def _signing(settings: Any, ec_key: PrivateKey) -> None:
    """Set the site up with the key of the settings, which signs from then on."""
    settings.AWS_CLOUDFRONT_KEY = ec_key.to_pem().decode()
    found = json.loads(run("--create", "--apply", "--yes", "--json"))["settings"]
    settings.AWS_CLOUDFRONT_KEY_ID = found["AWS_CLOUDFRONT_KEY_ID"]
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = found["AWS_CLOUDFRONT_KEY_GROUP_ID"]


def add_successor(key_group_id: str, *, is_spare: bool) -> KeyPair:
    """Return a TRUSTED key pair whose wait is over."""
    row = KeyPair.from_private_key(
        PrivateKey.generate(),
        key_group_id=key_group_id,
        next_in=key_group_id,
        key_pair_id="K2JCJMDEHXQW5F",
        status=KeyStatus.TRUSTED,
        is_spare=is_spare,
        created_at=timezone.now().replace(year=2025),
        verified_since=timezone.now().replace(year=2025),
    )
    row.save()
    return row


@pytest.mark.usefixtures("_signing")
@pytest.mark.django_db(transaction=True)
class TestWithSuccessor:
    """A successor in the database, which a rotation lets sign and a set-up does not."""

    @pytest.mark.parametrize("is_spare", [True, False])
    def test_signing_key_is_set_up(self, settings: Any, is_spare: bool) -> None:
        """Prove the key that signs, and let no other one sign."""
        row = add_successor(settings.AWS_CLOUDFRONT_KEY_GROUP_ID, is_spare=is_spare)

        planned = json.loads(run("--json"))
        found = json.loads(run("--apply", "--yes", "--json"))

        row.refresh_from_db()
        assert planned["key"] == "the setting AWS_CLOUDFRONT_KEY"
        assert found["settings"]["AWS_CLOUDFRONT_KEY_ID"] == settings.AWS_CLOUDFRONT_KEY_ID
        assert (row.status, row.is_spare) == (KeyStatus.TRUSTED, is_spare)

    def test_key_of_a_trusted_signer_gives_way(self, settings: Any) -> None:
        """Bring no key into the group that a rotation is about to replace, and that may be leaked.

        It signs for now, but no key group holds it.
        """
        add_successor(settings.AWS_CLOUDFRONT_KEY_GROUP_ID, is_spare=False)
        settings.AWS_CLOUDFRONT_KEY_ID = "APKAIOSFODNN7EXAMPLE"

        assert json.loads(run("--json"))["key"] == "the database, sealed"

    @pytest.mark.parametrize("status", [KeyStatus.ACTIVE, KeyStatus.REVOKED])
    def test_imported_key_is_the_databases(
        self, settings: Any, ec_key: PrivateKey, status: KeyStatus
    ) -> None:
        """Leave a key that was imported to the database, which may have revoked it."""
        group = settings.AWS_CLOUDFRONT_KEY_GROUP_ID
        KeyPair.from_private_key(
            ec_key,
            key_group_id=group,
            active_in=group if status is KeyStatus.ACTIVE else None,
            key_pair_id=settings.AWS_CLOUDFRONT_KEY_ID,
            status=status,
            created_at=timezone.now(),
        ).save()

        assert json.loads(run("--json"))["key"] == "the database, sealed"
