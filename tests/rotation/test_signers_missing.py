"""Test that a key whose links are out comes back into its group, whoever took it out."""

from __future__ import annotations

import logging

import pytest

from cfsigned_django.aws.client import AwsError
from cfsigned_django.rotation.rotation import Claimed
from cfsigned_django.rotation.steps import advance
from tests.rotation import Site, denied, fresh


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
