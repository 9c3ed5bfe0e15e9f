"""Test the emergency exit: what signs then, and what is left where something fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cfsigned_django import revocation
from cfsigned_django.aws.client import AwsError
from cfsigned_django.lifecycle import KeyStatus
from cfsigned_django.models import KeyPair
from cfsigned_django.rotation import Blocked, Claimed
from tests.rotation import RSA, Killed, Site, denied, fresh, statuses
from tests.simulation.faults import Fault


def test_ready_successor_signs_at_once(key_group: Site) -> None:
    """A TRUSTED successor takes over, also before its wait is over."""
    active, successor = key_group.imported(), key_group.trusted(spare=True)

    key_group.rotation(changed_by="kim").revoke(active, now=key_group.now, reason="leaked")

    row = fresh(active)
    assert statuses() == {str(active): "revoked", str(successor): "active"}
    assert (row.sealed_private_key, row.reason, row.changed_by) == ("", "leaked", "kim")
    assert row.removed_at == row.revoked_at == key_group.now
    assert key_group.members == {key_group.foreign, str(successor)}


def test_successor_is_made_where_there_is_none(key_group: Site) -> None:
    """Without a successor one is made, trusted, and signs, before the revoked key goes."""
    active = key_group.imported()

    key_group.rotation(changed_by="kim").revoke(active, now=key_group.now, reason="leaked")

    successor = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    assert (successor.algorithm, successor.reason) == (active.algorithm, "leaked")
    assert (successor.changed_by, successor.is_spare) == ("kim", False)
    assert key_group.members == {key_group.foreign, str(successor)} == key_group.public_keys


def test_successor_has_the_algorithm_asked_for(key_group: Site) -> None:
    """Who revokes may change the algorithm."""
    key_group.rotation().revoke(key_group.imported(), now=key_group.now, reason="", algorithm=RSA)

    assert KeyPair.objects.get(status=KeyStatus.ACTIVE).algorithm == RSA


def test_pending_successor_is_brought_forward(key_group: Site) -> None:
    """A successor that CloudFront does not have yet is put there first."""
    active, successor = key_group.imported(), key_group.started()

    key_group.rotation().revoke(active, now=key_group.now, reason="")

    assert fresh(successor).status == "active"
    assert key_group.members == {key_group.foreign, str(fresh(successor))}


def test_successor_that_was_taken_out_is_put_back(key_group: Site) -> None:
    """A successor that is not in the group is put there before it signs."""
    active, successor = key_group.imported(), key_group.trusted()
    key_group.set_members(key_group.foreign, str(active))

    key_group.rotation().revoke(active, now=key_group.now, reason="")

    assert key_group.members == {key_group.foreign, str(successor)}


def test_nothing_is_made_while_another_signs(key_group: Site) -> None:
    """A RETIRING key goes alone: what signs goes on."""
    former, active = key_group.imported(), key_group.activated()

    key_group.rotation().revoke(fresh(former), now=key_group.now, reason="")

    assert statuses() == {str(former): "revoked", str(active): "active"}


def test_full_group_has_room_afterwards(key_group: Site) -> None:
    """Where the quota leaves no room for a successor, it comes once the revoked key is out."""
    active = key_group.imported()
    others = [key_group.account.upload(f"other-{n}") for n in range(3)]
    key_group.set_members(key_group.foreign, *others, str(active))

    key_group.rotation().revoke(active, now=key_group.now, reason="")

    successor = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    assert key_group.members == {key_group.foreign, *others, str(successor)}


def test_short_failure_of_aws_leaves_all_as_it_was(key_group: Site) -> None:
    """While AWS cannot take a successor for a moment, links go on working, and nothing is lost."""
    active = key_group.imported()
    rotation = key_group.rotation(
        fault=lambda method: Fault.FAILED if method == "create_public_key" else Fault.NONE
    )

    with pytest.raises(AwsError) as caught:
        rotation.revoke(active, now=key_group.now, reason="")
    assert caught.value.is_temporary
    assert fresh(active).status == "active"

    key_group.wait(6)
    key_group.rotation().revoke(active, now=key_group.now, reason="")
    assert sorted(statuses().values()) == ["active", "revoked"]


def test_missing_permission_does_not_keep_a_leaked_key_signing(
    key_group: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no successor can be made, the key is revoked and goes all the same."""
    active = key_group.imported()
    denied(key_group, "create_public_key", monkeypatch)

    with pytest.raises(AwsError, match="do not allow cloudfront:CreatePublicKey"):
        key_group.rotation().revoke(active, now=key_group.now, reason="")

    assert (fresh(active).status, key_group.members) == ("revoked", {key_group.foreign})
    assert fresh(active).removed_at == key_group.now


def test_successor_that_cannot_be_opened_does_not_sign(key_group: Site) -> None:
    """A successor whose seal does not open takes nothing over."""
    active, successor = key_group.imported(), key_group.trusted()
    KeyPair.objects.filter(pk=successor.pk).update(sealed_private_key="damaged")

    key_group.rotation().revoke(active, now=key_group.now, reason="")

    assert statuses() == {str(active): "revoked", str(successor): "trusted"}


def test_revoking_again_finishes(key_group: Site) -> None:
    """The same command again does what is left, and nothing twice."""
    active, successor = key_group.imported(), key_group.trusted()

    def die(method: str, side: str) -> None:
        if method == "update_key_group":
            raise Killed

    with pytest.raises(Killed):
        key_group.rotation(boundary=die).revoke(active, now=key_group.now, reason="leaked")
    key_group.wait(61)
    key_group.rotation().revoke(active, now=key_group.now, reason="again")

    assert fresh(active).reason == "leaked"
    assert key_group.members == {key_group.foreign, str(successor)}
    assert [each for each in key_group.moves if each[1] == "revoked"] == [(str(active), "revoked")]


def test_key_that_is_added_at_this_moment_is_not_left_behind(key_group: Site) -> None:
    """A key that another machine is just adding is removed once that machine is done."""
    key_pair = key_group.started()

    def revoke_meanwhile(method: str, side: str) -> None:
        if (method, side) == ("create_public_key", "after"):
            with pytest.raises(Claimed):
                key_group.rotation().revoke(fresh(key_pair), now=key_group.now, reason="")

    with pytest.raises(Claimed):
        key_group.rotation(boundary=revoke_meanwhile).trust(key_pair, now=key_group.now)
    key_group.wait(66)
    key_group.rotation().finish_revocation(fresh(key_pair), now=key_group.now)

    assert key_group.public_keys == {key_group.foreign}


def test_key_that_is_created_while_it_is_removed_is_not_left_behind(key_group: Site) -> None:
    """Who was held up since before a revocation undoes its end: it is repeated in a moment."""
    key_pair = key_group.started()
    stale = fresh(key_pair)
    key_group.rotation(by_hand=True).revoke(key_pair, now=key_group.now, reason="")

    def create(method: str, side: str) -> None:
        if (method, side) == ("list_public_keys", "after"):
            key_group.account.upload("late", key_pair.public_key)
            with pytest.raises(Claimed):
                key_group.rotation().trust(stale, now=key_group.now)

    for boundary in (create, lambda method, side: None):
        rotation = key_group.rotation(boundary=boundary)
        with pytest.raises(Claimed):
            rotation.finish_revocation(fresh(key_pair), now=key_group.now)
    key_group.wait(66)
    key_group.rotation().finish_revocation(fresh(key_pair), now=key_group.now)

    assert key_group.public_keys == {key_group.foreign}


def test_retired_key_cannot_be_revoked(key_group: Site) -> None:
    """What is over stays over."""
    former = key_group.imported()
    key_group.activated()
    key_group.wait(3780)
    key_group.rotation().retire(fresh(former), now=key_group.now)

    with pytest.raises(Blocked, match="is RETIRED and cannot become REVOKED"):
        key_group.rotation().revoke(former, now=key_group.now, reason="")


def meanwhile(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Let another machine do something once a successor was prepared, before it is recorded."""
    prepare = revocation.Revocation._prepare_successor
    others = [do]

    def prepare_and_wait(*arguments: Any) -> AwsError | None:
        failure = prepare(*arguments)
        if others:
            others.pop()()
        return failure

    monkeypatch.setattr(revocation.Revocation, "_prepare_successor", prepare_and_wait)


def test_key_that_begins_to_sign_meanwhile_is_replaced(
    key_group: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A TRUSTED key that another machine activates at this moment leaves one that signs."""
    key_group.imported()
    key_pair = key_group.trusted(good_for=301)
    meanwhile(
        monkeypatch, lambda: key_group.rotation().activate(fresh(key_pair), now=key_group.now)
    )

    key_group.rotation().revoke(key_pair, now=key_group.now, reason="")

    assert fresh(key_pair).status == "revoked"
    assert sorted(statuses().values()) == ["active", "retiring", "revoked"]


def test_successor_that_is_revoked_meanwhile_is_replaced(
    key_group: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another machine revokes the successor at this moment, a new one is made."""
    active, successor = key_group.imported(), key_group.trusted()
    meanwhile(
        monkeypatch,
        lambda: key_group.rotation().revoke(fresh(successor), now=key_group.now, reason=""),
    )

    key_group.rotation().revoke(active, now=key_group.now, reason="")

    assert sorted(statuses().values()) == ["active", "revoked", "revoked"]
    signs = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    assert key_group.members == {key_group.foreign, str(signs)}
