"""Test that keys which someone took out of their group, or deleted, are restored or told."""

from __future__ import annotations

import logging

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.cloudfront import DELETED
from cfsigned_django.rotation.errors import Claimed
from tests.rotation import Site, denied, fresh, statuses


@pytest.mark.parametrize("is_active", [True, False], ids=["active", "retiring"])
def test_key_whose_links_are_out_is_put_back(
    key_group: Site, is_active: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A key whose links are out is put back into the group, with an entry in the log."""
    key_pair = key_group.imported()
    if not is_active:
        key_group.activated()
    members = key_group.members
    key_group.take_out(key_pair)

    with caplog.at_level(logging.ERROR, "cfsigned_django.rotation"):
        assert str(key_pair) in (key_group.advance() or "")

    assert key_group.members == members
    assert str(key_pair) in caplog.text
    assert fresh(key_pair).claimed_until is None
    assert key_group.advance() is None


def test_nothing_is_put_back_that_is_there_or_over(key_group: Site) -> None:
    """A key in the group stays as it is; one whose last link expired, or was revoked, stays out."""
    former, active = key_group.imported(), key_group.activated()
    successor = key_group.trusted(good_for=60)
    assert not key_group.rotation().restore_missing([successor, active], now=key_group.now)
    assert fresh(successor).verified_since is not None

    key_group.revoke(active)
    key_group.wait(3780)
    key_group.take_out(former)
    key_group.advance()
    key_group.advance()

    assert statuses() == {str(former): "retired", str(active): "revoked", str(successor): "active"}
    assert key_group.members == {key_group.foreign, str(successor)}


def test_one_machine_puts_it_back(key_group: Site) -> None:
    """Two machines that see it at once do it once, and a revocation in between wins."""
    active = key_group.imported()
    key_group.take_out(active)

    def revoke_meanwhile(method: str, side: str) -> None:
        if (method, side) == ("get_key_group", "after") and fresh(active).status == "active":
            if fresh(active).claimed_until is None:
                return  # The look before the claim.
            with pytest.raises(Claimed):
                key_group.advance()
            with pytest.raises(Claimed):
                key_group.revoke(active)

    with pytest.raises(Claimed):
        key_group.advance(boundary=revoke_meanwhile)

    assert fresh(active).status == "revoked"
    assert str(active) not in key_group.members


def test_what_cannot_be_put_back_is_told(key_group: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where AWS does not let the site put it back, that is an error; the key was not deleted."""
    key_group.take_out(key_group.imported())
    denied(key_group, "update_key_group", monkeypatch)

    with pytest.raises(AwsError) as caught:
        key_group.advance()

    assert caught.value.permission == "cloudfront:UpdateKeyGroup"
    assert caught.value.code != DELETED


@pytest.mark.parametrize("signs", [False, True])
def test_deleted_key_is_told(key_group: Site, signs: bool) -> None:
    """The error says that the key is gone, and names the command with which to go on."""
    key_pair = key_group.imported() if signs else key_group.trusted()
    key_group.delete(key_pair)

    with pytest.raises(AwsError, match=f"--revoke {key_pair}") as caught:
        key_group.advance()

    assert (caught.value.code, caught.value.is_temporary) == (DELETED, False)


def test_deleted_keys_are_revoked_and_replaced(key_group: Site) -> None:
    """What the error says works: a new key signs, also if the next one was deleted as well."""
    active, successor = key_group.imported(), key_group.trusted(good_for=60)
    key_group.delete(active)
    key_group.delete(successor)

    key_group.revoke(active, "deleted")

    assert fresh(active).removed_at == key_group.now
    assert fresh(successor).status == "revoked"
    assert key_group.members == {key_group.foreign, str(key_group.signing)}


def test_leaked_key_goes_though_the_signing_one_was_deleted(key_group: Site) -> None:
    """A key that signs and was deleted keeps no revoked key in CloudFront."""
    former, active = key_group.imported(), key_group.activated()
    key_group.delete(active)

    key_group.revoke(former)

    assert fresh(former).removed_at == key_group.now
    assert key_group.members == {key_group.foreign}


def test_deleted_key_keeps_no_other_one_out(key_group: Site) -> None:
    """A key that was only taken out is put back, though another one is gone for good."""
    former = key_group.imported()
    key_group.wait(1)  # The newest comes first.
    active = key_group.activated()
    key_group.delete(active)
    key_group.take_out(former)

    with pytest.raises(AwsError, match=str(active)):
        key_group.advance()

    assert key_group.members == {key_group.foreign, str(former)}
    assert fresh(former).claimed_until is None
