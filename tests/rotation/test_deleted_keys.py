"""Test what is said of a key whose public key somebody deleted in CloudFront."""

from __future__ import annotations

import pytest

from cfsigned_django.aws.client import AwsError
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.steps import advance
from tests.aws.api import Account
from tests.rotation import Site, denied, fresh, statuses


def delete(account: Account, key_group: Site, key_pair: KeyPair) -> None:
    """Take a key out of the group and delete it, as a person does in the console."""
    key_group.set_members(*(key_group.members - {str(key_pair)}))
    etag = account.api.get_public_key(Id=str(key_pair))["ETag"]
    account.api.delete_public_key(Id=str(key_pair), IfMatch=etag)


@pytest.mark.parametrize("signs", [False, True])
def test_deleted_key_is_told(key_group: Site, signs: bool) -> None:
    """The error says what happened to the key, and with which command to go on."""
    key_pair = key_group.imported() if signs else key_group.trusted()
    delete(key_group.account, key_group, key_pair)

    with pytest.raises(AwsError) as caught:
        advance(key_group.rotation(), now=key_group.now)

    assert str(caught.value) == (
        f"Could not put {key_pair} into the key group {key_group.key_group_id}: somebody took it "
        "out and deleted its public key in CloudFront, where its id never comes back. Revoke it "
        f"(manage.py cfsigned_rotate --revoke {key_pair}, or in the admin), then start again; if "
        "it is the key that signs, a new one signs in its place at once."
    )
    assert not caught.value.is_temporary


def test_deleted_key_is_revoked_and_replaced(key_group: Site) -> None:
    """What the error says works: the key is revoked, and a new one signs."""
    active = key_group.imported()
    delete(key_group.account, key_group, active)

    key_group.rotation().revoke(active, now=key_group.now, reason="deleted")

    new = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    assert fresh(active).removed_at == key_group.now
    assert key_group.members == {key_group.foreign, str(new)}


def test_deleted_successor_signs_in_no_haste(key_group: Site) -> None:
    """A successor that worked and was deleted since takes nothing over in a revocation."""
    active, successor = key_group.imported(), key_group.trusted(good_for=60)
    delete(key_group.account, key_group, successor)

    key_group.rotation().revoke(active, now=key_group.now, reason="leaked")

    assert statuses()[str(successor)] == "revoked"
    new = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    assert key_group.members == {key_group.foreign, str(new)}


def test_leaked_key_goes_though_the_signing_one_was_deleted(key_group: Site) -> None:
    """A key that signs and was deleted keeps no revoked key in CloudFront."""
    former, active = key_group.imported(), key_group.activated()
    delete(key_group.account, key_group, active)

    key_group.rotation().revoke(fresh(former), now=key_group.now, reason="leaked")

    assert fresh(former).removed_at == key_group.now
    assert key_group.members == {key_group.foreign}


def test_deleted_key_keeps_no_other_one_out(key_group: Site) -> None:
    """A key that was only taken out is put back, though another one is gone for good."""
    former = key_group.imported()
    key_group.wait(1)  # The newest comes first.
    active = key_group.activated()
    delete(key_group.account, key_group, active)
    key_group.set_members(key_group.foreign)

    with pytest.raises(AwsError, match=f"put {active} into the key group"):
        advance(key_group.rotation(), now=key_group.now)

    assert key_group.members == {key_group.foreign, str(former)}
    assert fresh(former).claimed_until is None


def test_other_refusal_stays_what_it_is(key_group: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is still there was not deleted, whatever AWS refuses."""
    key_group.imported()
    key_group.set_members(key_group.foreign)
    denied(key_group, "update_key_group", monkeypatch)

    with pytest.raises(AwsError, match="do not allow cloudfront:UpdateKeyGroup"):
        advance(key_group.rotation(), now=key_group.now)
