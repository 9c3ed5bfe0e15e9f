"""Test how a key pair comes into the database: generated, or imported from the settings."""

from __future__ import annotations

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.errors import RotationError
from cfsigned_django.rotation.models import REASON_LENGTH, KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.signing import PrivateKey
from tests.rotation import ECDSA, RSA, Site, fresh, statuses


def test_start_generates_an_encrypted_key(key_group: Site) -> None:
    """A started key is PENDING, encrypted, and recorded with who wanted it and why; once."""
    start = key_group.rotation(changed_by="kim").start

    key_pair = start(algorithm=RSA, now=key_group.now, reason="yearly")
    again = key_group.rotation(changed_by="lee").start(
        algorithm=ECDSA, now=key_group.now, reason="mine"
    )

    assert again.pk == key_pair.pk
    for row in (key_pair, again, fresh(key_pair)):
        assert (row.status, row.algorithm, row.is_spare) == ("pending", RSA, False)
        assert (row.changed_by, row.reason) == ("kim", "yearly")
        assert "PRIVATE KEY" not in row.encrypted_private_key
    assert key_group.members == {key_group.foreign}


def test_spare_that_starts_a_rotation_says_who_and_why(key_group: Site) -> None:
    """A spare stays one until a rotation starts; then it is the successor, by whom and for what."""
    spare = key_group.trusted(spare=True)
    assert key_group.started(spare=True).pk == spare.pk
    assert fresh(spare).is_spare

    key_pair = key_group.rotation(changed_by="cron").start(
        algorithm=ECDSA, now=key_group.now, reason="90 days"
    )

    assert key_pair.pk == spare.pk
    for row in (key_pair, fresh(spare)):
        assert (row.is_spare, row.reason, row.changed_by) == (False, "90 days", "cron")


def test_quota_is_checked_before_a_key_is_made(key_group: Site) -> None:
    """A full key group stops a rotation before anything is created."""
    key_group.fill()

    with pytest.raises(AwsError) as caught:
        key_group.started()

    assert not caught.value.is_temporary
    assert not KeyPair.objects.exists()


@pytest.mark.parametrize("step", ["start", "revoke"])
def test_long_reason_is_refused(key_group: Site, step: str) -> None:
    """A reason that no row can hold is refused before anything is done; one that fits is not."""
    key_pair = key_group.imported()
    rotation = key_group.rotation()

    def act(reason: str) -> None:
        if step == "start":
            rotation.start(algorithm=ECDSA, now=key_group.now, reason=reason)
        else:
            rotation.revoke(key_pair, now=key_group.now, reason=reason)

    with pytest.raises(RotationError, match=str(REASON_LENGTH)):
        act("x" * (REASON_LENGTH + 1))
    assert statuses() == {str(key_pair): "active"}

    act("x" * REASON_LENGTH)
    assert KeyPair.objects.filter(reason="x" * REASON_LENGTH).exists()


@pytest.mark.parametrize("answer", [None, ProbeResult.NO_ANSWER, ProbeResult.UNKNOWN_KEY])
def test_import_makes_the_key_active(
    key_group: Site, ec_key: PrivateKey, answer: ProbeResult | None
) -> None:
    """The settings' key goes on signing, with the site's waits, also if CloudFront says nothing."""
    key_group.answer = answer

    key_pair = key_group.imported()
    again = key_group.rotation().import_key(ec_key, str(key_pair), now=key_group.now)

    assert again.pk == key_pair.pk
    assert (key_pair.status, key_pair.active_at) == ("active", key_group.now)
    assert key_pair.retirement_seconds == 3780
    assert key_pair.make_signer().key_pair_id == key_pair.key_pair_id


@pytest.mark.parametrize("case", ["another is ACTIVE", "it was revoked", "of another key"])
def test_import_is_refused(key_group: Site, ec_key: PrivateKey, case: str) -> None:
    """What does not sign now, or cannot be verified, is not imported; nothing changes."""
    key_pair_id = key_group.foreign if case == "of another key" else "K2JCJMDEHXQW5F"
    if case != "of another key":
        active = key_group.imported()
    if case == "it was revoked":
        key_group.revoke(active, by_hand=True)
        key_pair_id = str(active)
    before = statuses()

    with pytest.raises(RotationError):
        key_group.rotation().import_key(ec_key, key_pair_id, now=key_group.now)

    assert statuses() == before
