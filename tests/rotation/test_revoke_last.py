"""Test the revocation of the only key of a key group, which must always hold one."""

from __future__ import annotations

import pytest

from cfsigned_django.aws.client import AwsError
from cfsigned_django.aws.key_groups import LAST_PUBLIC_KEY
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation
from tests.rotation import Site, denied, fresh, statuses


def alone(key_group: Site) -> KeyPair:
    """Return the ACTIVE key, which is the only one in the group."""
    active = key_group.imported()
    key_group.set_members(str(active))
    return active


def test_only_key_of_the_group_is_replaced(key_group: Site) -> None:
    """The last key goes once another one is in the group."""
    active = alone(key_group)

    key_group.rotation().revoke(active, now=key_group.now, reason="")

    successor = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    assert key_group.members == {str(successor)}
    assert str(active) not in key_group.public_keys


@pytest.mark.parametrize("spare", [True, False])
def test_only_key_that_never_signed_is_replaced(key_group: Site, spare: bool) -> None:
    """Also a TRUSTED key that is alone in the group can be revoked."""
    key_pair = key_group.trusted(spare=spare)
    key_group.set_members(str(key_pair))

    key_group.rotation().revoke(key_pair, now=key_group.now, reason="")

    assert sorted(statuses().values()) == ["active", "revoked"]
    assert len(key_group.members) == 1
    assert str(key_pair) not in key_group.public_keys


def test_revocation_by_hand_is_finished_by_call(key_group: Site) -> None:
    """What was revoked by hand, and is alone in the group, is replaced when it is taken out."""
    active = alone(key_group)
    key_group.rotation(by_hand=True).revoke(active, now=key_group.now, reason="leaked")
    assert statuses() == {str(active): "revoked"}
    assert key_group.members == {str(active)}

    key_group.rotation().finish_revocation(active, now=key_group.now)

    assert KeyPair.objects.get(status=KeyStatus.ACTIVE).reason == "leaked"
    assert str(active) not in key_group.members


def test_missing_permission_and_the_only_key(
    key_group: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only key that cannot be replaced signs no longer, and the error says what holds it."""
    active = alone(key_group)
    denied(key_group, "create_public_key", monkeypatch)

    with pytest.raises(AwsError) as caught:
        key_group.rotation().revoke(active, now=key_group.now, reason="")

    assert str(caught.value).startswith(
        f"Could not take {active} out of CloudFront: it is the only key of its key group, which "
        "must keep one, and no other could be put in. Could not create the public key cfsigned-"
    )
    assert caught.value.permission == "cloudfront:CreatePublicKey"
    assert fresh(active).status == "revoked"
    monkeypatch.undo()
    key_group.wait(6)
    key_group.rotation().finish_revocation(active, now=key_group.now)
    assert str(active) not in key_group.members


def test_successor_that_cannot_be_opened_and_the_only_key(key_group: Site) -> None:
    """A successor of no use is revoked, and a new key makes room for the last one to go."""
    active = key_group.imported()
    successor = key_group.started()
    KeyPair.objects.filter(pk=successor.pk).update(
        encrypted_private_key="damaged", key_pair_id="K2JCJMDEHXQW5F", status="trusted"
    )
    key_group.set_members(str(active))
    rotation = key_group.rotation(by_hand=True)
    rotation.revoke(active, now=key_group.now, reason="")
    KeyPair.objects.filter(pk=successor.pk).update(status="pending", key_pair_id=None)

    key_group.rotation().finish_revocation(active, now=key_group.now)

    assert fresh(successor).status == "revoked"
    assert str(active) not in key_group.public_keys
    assert len(key_group.members) == 1


def test_last_key_that_stays_the_last_is_told(
    key_group: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the successor does not stay in the group, CloudFront's rule is named."""
    active = alone(key_group)
    monkeypatch.setattr(Rotation, "_replace", lambda self, key_pair, now, algorithm: None)
    rotation = key_group.rotation()
    key_group.rotation(by_hand=True).revoke(active, now=key_group.now, reason="")

    with pytest.raises(AwsError) as caught:
        rotation.finish_revocation(active, now=key_group.now)

    assert caught.value.code == LAST_PUBLIC_KEY


def test_last_key_that_retires_is_replaced(key_group: Site) -> None:
    """A RETIRING key goes also where what signed after it was revoked by hand, with no other."""
    former, active = key_group.imported(), key_group.activated()
    key_group.set_members(str(former), str(active))
    key_group.rotation(by_hand=True).revoke(fresh(active), now=key_group.now, reason="")
    key_group.rotation().finish_revocation(fresh(active), now=key_group.now)
    key_group.wait(3780)

    key_group.rotation().retire(fresh(former), now=key_group.now)

    signs = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    assert fresh(former).status == "retired"
    assert key_group.members == {str(signs)}
