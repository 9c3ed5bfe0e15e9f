"""Test how a key pair comes into the database: generated, or imported from the settings."""

from __future__ import annotations

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.errors import Claimed, RotationError
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.store import KeyPairStore
from cfsigned_django.signing import PrivateKey
from tests.rotation import ECDSA, RSA, Site, fresh


def test_start_generates_a_sealed_key(key_group: Site) -> None:
    """A started key is PENDING, sealed, and recorded with who wanted it and why."""
    rotation = key_group.rotation(changed_by="kim")

    key_pair = rotation.start(algorithm=RSA, now=key_group.now, reason="yearly")

    assert (key_pair.status, key_pair.algorithm) == ("pending", RSA)
    assert (key_pair.changed_by, key_pair.reason, key_pair.is_spare) == ("kim", "yearly", False)
    assert "PRIVATE KEY" not in key_pair.encrypted_private_key
    assert key_group.members == {key_group.foreign}


def test_start_twice_is_one_key(key_group: Site) -> None:
    """Who starts while a rotation is under way gets the key that is there, unchanged."""
    first = key_group.rotation(changed_by="kim").start(
        algorithm=ECDSA, now=key_group.now, reason="yearly"
    )

    again = key_group.rotation(changed_by="lee").start(
        algorithm=RSA, now=key_group.now, reason="mine"
    )

    assert again.pk == first.pk
    assert (again.changed_by, again.reason) == ("kim", "yearly")


def test_spare_that_starts_a_rotation_says_who_and_why(key_group: Site) -> None:
    """A spare becomes the successor, with the reason and the name of who started it."""
    spare = key_group.trusted(spare=True)

    key_pair = key_group.rotation(changed_by="cron").start(
        algorithm=ECDSA, now=key_group.now, reason="90 days"
    )

    assert key_pair.pk == spare.pk
    spare = fresh(spare)
    assert (spare.is_spare, spare.reason, spare.changed_by) == (False, "90 days", "cron")
    assert (key_pair.is_spare, key_pair.reason, key_pair.changed_by) == (False, "90 days", "cron")


def test_spare_stays_a_spare_where_a_spare_is_wanted(key_group: Site) -> None:
    """Asking for a spare again changes nothing."""
    spare = key_group.trusted(spare=True)

    assert key_group.started(spare=True).pk == spare.pk
    assert fresh(spare).is_spare


def test_quota_is_checked_before_a_key_is_made(key_group: Site) -> None:
    """A full key group stops a rotation before anything is created."""
    others = [key_group.account.upload(f"other-{n}") for n in range(4)]
    key_group.set_members(key_group.foreign, *others)

    with pytest.raises(AwsError, match="it holds 5 public keys, as many as its quota allows"):
        key_group.started()

    assert KeyPair.objects.count() == 0


def test_two_machines_start_one_rotation(key_group: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who starts in the same moment as another machine is told, and adds no second key."""
    key_group.started()
    monkeypatch.setattr(KeyPairStore, "successor", lambda self: None)

    with pytest.raises(Claimed):
        key_group.started()

    assert KeyPair.objects.count() == 1


def test_import_makes_the_key_active(key_group: Site) -> None:
    """The key of the settings goes on signing, from the database, with the site's waits."""
    key_pair = key_group.imported()

    assert (key_pair.status, key_pair.active_at) == ("active", key_group.now)
    assert key_pair.retirement_seconds == 3780
    assert key_pair.make_signer().key_pair_id == key_pair.key_pair_id


def test_import_twice_is_one_row(key_group: Site, ec_key: PrivateKey) -> None:
    """The same key can be imported again."""
    key_pair = key_group.imported()

    again = key_group.rotation().import_key(ec_key, str(key_pair), now=key_group.now)

    assert again.pk == key_pair.pk


def test_import_beside_another_active_key_is_refused(key_group: Site, ec_key: PrivateKey) -> None:
    """Where a key of the database signs, that of the settings signs nothing to take over."""
    key_group.imported()

    with pytest.raises(RotationError, match="there is nothing to import"):
        key_group.rotation().import_key(ec_key, "K2JCJMDEHXQW5F", now=key_group.now)


def test_import_of_a_revoked_key_is_refused(key_group: Site, ec_key: PrivateKey) -> None:
    """A key that the database gave up does not come back."""
    key_pair = key_group.imported()
    key_group.rotation(by_hand=True).revoke(key_pair, now=key_group.now, reason="leaked")

    with pytest.raises(RotationError, match=f"{key_pair} is in the database already, as REVOKED"):
        key_group.rotation().import_key(ec_key, str(key_pair), now=key_group.now)


def test_import_of_half_a_pair_is_refused(key_group: Site, ec_key: PrivateKey) -> None:
    """A private key whose id belongs to another public key is not imported."""
    with pytest.raises(RotationError, match=f"another public key under {key_group.foreign}"):
        key_group.rotation().import_key(ec_key, key_group.foreign, now=key_group.now)


@pytest.mark.parametrize("answer", [ProbeResult.NO_ANSWER, ProbeResult.UNKNOWN_KEY])
def test_import_needs_no_answer(key_group: Site, ec_key: PrivateKey, answer: ProbeResult) -> None:
    """A key that signs already is imported also where CloudFront is out of reach."""
    key_group.answer = answer

    key_pair = key_group.rotation().import_key(ec_key, "K2JCJMDEHXQW5F", now=key_group.now)

    assert key_pair.status == "active"
