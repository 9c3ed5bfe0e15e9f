"""Refuse private keys that someone put into a row: none of them reaches CloudFront or signs.

Modules: rotation/models.py
"""

from __future__ import annotations

import logging

import pytest

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.encryption import CannotDecrypt, NotItsKey
from tests.rotation import Site, change, fresh


def test_key_of_another_row_is_refused(key_group: Site, caplog: pytest.LogCaptureFixture) -> None:
    """A key that was copied from another row gets no public key into CloudFront, and is logged."""
    active, successor = key_group.imported(), key_group.started()
    names = ("encrypted_private_key", "public_key", "fingerprint", "algorithm")
    change(successor, **{name: getattr(active, name) for name in names})
    before = key_group.public_keys, key_group.members

    with pytest.raises(NotItsKey):
        key_group.rotation().trust(fresh(successor), now=key_group.now)

    assert (key_group.public_keys, key_group.members) == before
    assert [each.name for each in caplog.records if each.levelno == logging.ERROR]
    assert str(successor.pk) in caplog.text
    assert successor.encrypted_private_key not in caplog.text


@pytest.mark.parametrize("end", ["retired", "revoked"])
def test_key_that_ended_is_refused(key_group: Site, end: str) -> None:
    """A key of a backup, back in its own row, gets nothing into CloudFront and never signs."""
    former = key_group.imported()
    if end == "retired":
        key_group.activated()
        key_group.wait(3781)
        key_group.retire(former)
    else:
        key_group.revoke(former)
    before = key_group.public_keys, key_group.members
    change(
        former,
        status="pending",
        next_in=former.key_group_id,
        encrypted_private_key=former.encrypted_private_key,
    )

    with pytest.raises(NotItsKey):
        key_group.rotation().trust(fresh(former), now=key_group.now)
    change(former, status="trusted")
    with pytest.raises(NotItsKey):
        key_group.rotation().activate(fresh(former), now=key_group.now)
    with pytest.raises(NotItsKey):
        fresh(former).make_signer()

    assert (key_group.public_keys, key_group.members) == before


class TestRestore:
    """A key is put back into the group only if it is the key of its row."""

    def test_other_key_of_the_account(self, key_group: Site) -> None:
        """A public key ID that someone wrote into the row opens nothing for that key.

        Nor does it keep a leaked key from leaving.
        """
        leaked, active = key_group.imported(), key_group.activated()
        other = key_group.account.upload("staging")
        change(active, key_pair_id=other)

        with pytest.raises(AwsError) as refused:
            key_group.advance()

        assert refused.value.code == "OtherKey"
        key_group.revoke(leaked)
        assert not {other, str(leaked)} & key_group.members

    @pytest.mark.parametrize("encrypted", ["damaged", "of another row"])
    def test_key_that_is_not_its_own(self, key_group: Site, encrypted: str) -> None:
        """A public key that someone wrote into the row, too, is not added again."""
        former, active = key_group.imported(), key_group.activated()
        other = key_group.account.upload("staging")
        answer = key_group.account.api.get_public_key(Id=other)["PublicKey"]
        change(
            active,
            key_pair_id=other,
            public_key=answer["PublicKeyConfig"]["EncodedKey"],
            encrypted_private_key=(
                "damaged" if encrypted == "damaged" else former.encrypted_private_key
            ),
        )

        with pytest.raises(CannotDecrypt):
            key_group.advance()

        assert other not in key_group.members

    def test_revoked_key_that_came_back(self, key_group: Site) -> None:
        """A revoked key, back in the table, is not added again, and keeps no other from leaving."""
        leaked = key_group.imported()
        former = key_group.activated()
        key_group.revoke(leaked, by_hand=True)
        key_group.set_members(key_group.foreign, str(former))
        key_group.revoke(former, by_hand=True)
        change(
            leaked,
            status="active",
            active_in=key_group.key_group_id,
            encrypted_private_key=leaked.encrypted_private_key,
        )

        with pytest.raises(NotItsKey):
            key_group.rotation().restore_missing([fresh(leaked)], now=key_group.now)
        key_group.finish(former)

        assert key_group.members == {key_group.foreign}
