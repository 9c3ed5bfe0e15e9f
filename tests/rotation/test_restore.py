"""Test that keys which someone took out of their group, or deleted, are restored or told."""

from __future__ import annotations

import logging

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.errors import Claimed
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.steps import advance
from tests.aws.api import Account
from tests.rotation import Site, denied, fresh, statuses


def test_active_key_is_put_back(key_group: Site, caplog: pytest.LogCaptureFixture) -> None:
    """The key that signs is put back into the group, with a word and an entry in the log."""
    active = key_group.imported()
    key_group.set_members(key_group.foreign)

    with caplog.at_level(logging.ERROR, "cfsigned_django.rotation"):
        done = advance(key_group.rotation(), now=key_group.now)

    assert done is not None
    assert done.startswith(f"{active} had been taken out of the key group")
    assert key_group.members == {key_group.foreign, str(active)}
    assert f"{active} was not in the key group" in caplog.text
    assert fresh(active).claimed_until is None
    assert advance(key_group.rotation(), now=key_group.now) is None


def test_retiring_key_is_put_back_while_its_links_live(key_group: Site) -> None:
    """A key that was replaced is put back, but not once its last link has expired."""
    former, active = key_group.imported(), key_group.activated()
    key_group.set_members(key_group.foreign, str(active))

    assert str(former) in (advance(key_group.rotation(), now=key_group.now) or "")
    assert str(former) in key_group.members

    key_group.set_members(key_group.foreign, str(active))
    key_group.wait(3780)
    assert "is retired" in (advance(key_group.rotation(), now=key_group.now) or "")
    assert key_group.members == {key_group.foreign, str(active)}


def test_revoked_key_stays_out(key_group: Site) -> None:
    """What was revoked is not put back."""
    former = key_group.imported()
    key_group.rotation().revoke(former, now=key_group.now, reason="leaked")

    advance(key_group.rotation(), now=key_group.now)

    assert str(former) not in key_group.members


def test_one_machine_puts_it_back(key_group: Site) -> None:
    """Two machines that see it at once do it once, and a revocation in between wins."""
    active = key_group.imported()
    key_group.set_members(key_group.foreign)

    def revoke_meanwhile(method: str, side: str) -> None:
        if (method, side) == ("get_key_group", "after") and fresh(active).status == "active":
            if fresh(active).claimed_until is None:
                return  # The look before the claim.
            with pytest.raises(Claimed):
                advance(key_group.rotation(), now=key_group.now)
            with pytest.raises(Claimed):
                key_group.rotation().revoke(fresh(active), now=key_group.now, reason="leaked")

    with pytest.raises(Claimed):
        advance(key_group.rotation(boundary=revoke_meanwhile), now=key_group.now)

    assert fresh(active).status == "revoked"
    assert str(active) not in key_group.members


def test_what_cannot_be_put_back_is_told(key_group: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where AWS does not let the site put it back, that is an error, and no calm."""
    key_group.imported()
    key_group.set_members(key_group.foreign)
    denied(key_group, "update_key_group", monkeypatch)

    with pytest.raises(AwsError, match="do not allow cloudfront:UpdateKeyGroup"):
        advance(key_group.rotation(), now=key_group.now)


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
