"""Test a revocation whose successor has an id that a person typed wrong."""

from __future__ import annotations

import pytest

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from tests.rotation import Site, fresh, statuses


def by_hand(key_group: Site, key_pair_id: str) -> KeyPair:
    """Return a TRUSTED successor whose id a person gave."""
    key_pair = key_group.started()
    rotation = key_group.rotation(by_hand=True)
    rotation.trust(key_pair, now=key_group.now, key_pair_id=key_pair_id)
    return key_pair


@pytest.mark.parametrize("is_there", [True, False], ids=["of another key", "of no key"])
def test_successor_under_a_wrong_id_is_replaced(key_group: Site, is_there: bool) -> None:
    """A successor that CloudFront has under no id takes nothing over: a new key does, at once."""
    active = key_group.imported()
    mistyped = key_group.account.upload("other") if is_there else "K0000000WRONG"
    successor = by_hand(key_group, mistyped)

    key_group.rotation().revoke(active, now=key_group.now, reason="leaked")

    new = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    assert (fresh(successor).status, fresh(active).status) == ("revoked", "revoked")
    assert str(new) != mistyped
    assert key_group.members == {key_group.foreign, str(new)}
    assert (mistyped in key_group.public_keys) is is_there


def test_wrong_id_of_a_successor_is_corrected(key_group: Site) -> None:
    """A successor that CloudFront has under another id signs under that one, and no other joins."""
    active = key_group.imported()
    other = key_group.account.upload("other")
    successor = by_hand(key_group, other)
    right = key_group.account.upload("by hand", successor.public_key)

    key_group.rotation().revoke(active, now=key_group.now, reason="leaked")

    assert statuses() == {str(active): "revoked", right: "active"}
    assert key_group.members == {key_group.foreign, right}


def test_id_that_another_row_has_is_not_taken(key_group: Site) -> None:
    """Where another row has the right id by a slip, the revocation goes on with a new key."""
    active = key_group.imported()
    successor = by_hand(key_group, "K0000000WRONG")
    right = key_group.account.upload("by hand", successor.public_key)
    former = key_group.rotation(by_hand=True)
    KeyPair.objects.filter(pk=successor.pk).update(next_in=None, status="revoked")
    slip = by_hand(key_group, right)
    former.revoke(slip, now=key_group.now, reason="slip")
    KeyPair.objects.filter(pk=successor.pk).update(next_in=key_group.key_group_id, status="trusted")

    key_group.rotation().revoke(active, now=key_group.now, reason="leaked")

    new = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    assert str(new) not in (right, "K0000000WRONG")
    assert fresh(successor).status == "revoked"


def test_successor_that_is_not_listed_yet_signs(
    key_group: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in the group that ListPublicKeys does not show yet is no wrong id."""
    active, successor = key_group.imported(), key_group.trusted()
    nothing = {"PublicKeyList": {"Quantity": 0, "MaxItems": 100}}
    monkeypatch.setattr(key_group.account.api, "list_public_keys", lambda **page: nothing)

    key_group.rotation().revoke(active, now=key_group.now, reason="leaked")

    assert statuses() == {str(active): "revoked", str(successor): "active"}
    assert key_group.members == {key_group.foreign, str(successor)}


def test_successor_that_works_is_not_looked_for(key_group: Site) -> None:
    """A key that a probe has shown to work costs no look at the list before it signs."""
    active, successor = key_group.imported(), key_group.trusted(good_for=60)
    calls: list[str] = []

    key_group.rotation(boundary=lambda method, side: calls.append(method)).revoke(
        active, now=key_group.now, reason="leaked"
    )

    assert statuses()[str(successor)] == "active"
    before = calls[: calls.index("update_key_group")]
    assert before.count("list_public_keys") == 2  # one call, seen from both sides, to take it out
