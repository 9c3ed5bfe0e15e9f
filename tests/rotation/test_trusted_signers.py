"""Test that the key pair of a trusted signer, APKA..., is replaced and never taken for another."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.aws.client import AwsError
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import RotationError
from cfsigned_django.rotation.steps import advance
from cfsigned_django.signing import PrivateKey
from tests.rotation import Site, fresh
from tests.rotation.commands import Shell, aged

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
