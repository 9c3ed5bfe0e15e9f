"""Test revocations: what signs next, and what becomes of the key in CloudFront."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import LAST_PUBLIC_KEY
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.rotation.errors import Blocked, Claimed, RotationError
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.steps import Action, Step, advance, take
from tests.rotation import RSA, Killed, Site, denied, fresh, statuses
from tests.simulation.faults import Fault


def test_ready_successor_signs_at_once(key_group: Site) -> None:
    """A TRUSTED successor takes over, also before its wait is over."""
    active, successor = key_group.imported(), key_group.trusted(spare=True)

    key_group.rotation(changed_by="kim").revoke(active, now=key_group.now, reason="leaked")

    row = fresh(active)
    assert not fresh(successor).is_spare
    assert statuses() == {str(active): "revoked", str(successor): "active"}
    assert (row.encrypted_private_key, row.reason, row.changed_by) == ("", "leaked", "kim")
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


@pytest.mark.parametrize("is_trusted", [False, True])
def test_successor_that_cannot_be_opened_is_replaced(key_group: Site, is_trusted: bool) -> None:
    """A successor whose seal does not open takes nothing over: a new key does, at once."""
    active = key_group.imported()
    successor = key_group.trusted() if is_trusted else key_group.started()
    KeyPair.objects.filter(pk=successor.pk).update(encrypted_private_key="damaged")

    key_group.rotation().revoke(active, now=key_group.now, reason="leaked")

    new = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    assert fresh(active).status == fresh(successor).status == "revoked"
    assert str(new) not in (str(active), str(successor))
    advance(key_group.rotation(), now=key_group.now)
    assert key_group.members == {key_group.foreign, str(new)} == key_group.public_keys


def test_revoking_again_replaces_the_key(key_group: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no key could be made at first, the same again makes one; once is enough."""
    active = key_group.imported()
    with monkeypatch.context() as patch:
        denied(key_group, "create_public_key", patch)
        with pytest.raises(AwsError):
            key_group.rotation().revoke(active, now=key_group.now, reason="leaked")
    assert (fresh(active).status, KeyPair.objects.filter(status="active").count()) == ("revoked", 0)

    for _ in range(2):
        key_group.rotation().revoke(fresh(active), now=key_group.now, reason="leaked")

    new = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    assert key_group.members == {key_group.foreign, str(new)}


def test_successor_that_is_revoked_meanwhile_is_replaced(key_group: Site) -> None:
    """Where another person revokes the successor in between, a new key signs all the same."""
    active, successor = key_group.imported(), key_group.trusted()
    seen: list[str] = []

    def revoke_successor(method: str, side: str) -> None:
        if not seen:
            seen.append(method)
            by_hand = key_group.rotation(by_hand=True)
            by_hand.revoke(fresh(successor), now=key_group.now, reason="")

    key_group.rotation(boundary=revoke_successor).revoke(active, now=key_group.now, reason="")

    new = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    assert str(new) in key_group.members
    assert str(active) not in key_group.members


def test_active_key_is_back_before_another_goes(key_group: Site) -> None:
    """Before a revoked key is taken out, the one that signs is put back if it is missing."""
    former, active = key_group.imported(), key_group.activated()
    key_group.set_members(key_group.foreign, str(former))

    key_group.rotation().revoke(fresh(former), now=key_group.now, reason="")

    assert key_group.members == {key_group.foreign, str(active)}


def test_active_key_comes_back_under_a_claim(key_group: Site) -> None:
    """Two machines that finish a revocation do not both put the key that signs back."""
    former, active = key_group.imported(), key_group.activated()
    key_group.rotation(by_hand=True).revoke(fresh(former), now=key_group.now, reason="")
    key_group.set_members(key_group.foreign, str(former))
    seen: list[str] = []

    def also_finish(method: str, side: str) -> None:
        if (method, side) == ("update_key_group", "before") and not seen:
            seen.append(method)
            with pytest.raises(Claimed):
                key_group.rotation().finish_revocation(fresh(former), now=key_group.now)

    rotation = key_group.rotation(boundary=also_finish)
    rotation.finish_revocation(fresh(former), now=key_group.now)

    assert seen
    assert key_group.members == {key_group.foreign, str(active)}


@pytest.mark.parametrize("by_hand", [True, False])
def test_only_a_revoked_key_is_taken_out(key_group: Site, by_hand: bool) -> None:
    """The end of a revocation is refused for a key that signs, or whose links are out."""
    former, active = key_group.imported(), key_group.activated()
    members = key_group.members

    for key_pair in (former, active):
        with pytest.raises(RotationError, match="not revoked: it stays in CloudFront"):
            key_group.rotation(by_hand=by_hand).finish_revocation(
                fresh(key_pair), now=key_group.now
            )

    assert key_group.members == members
    assert [fresh(each).removed_at for each in (former, active)] == [None, None]


def test_key_is_not_out_since_no_call_is_made(key_group: Site) -> None:
    """Only where a person changes CloudFront is a key out without a call."""
    former, active = key_group.imported(), key_group.activated()
    key_group.rotation(by_hand=True).revoke(fresh(active), now=key_group.now, reason="")
    key_group.wait(3780)
    without_calls = replace(key_group.rotation(), key_groups=None)

    with pytest.raises(RotationError):
        without_calls.finish_revocation(fresh(active), now=key_group.now)
    with pytest.raises(RotationError):
        without_calls.retire(fresh(former), now=key_group.now)

    assert statuses() == {str(former): "retiring", str(active): "revoked"}
    assert fresh(active).removed_at is None


def test_successor_that_nobody_saw_work_does_not_sign_by_hand(key_group: Site) -> None:
    """By hand, a successor under a mistyped id does not take over: no link would be served."""
    active = key_group.imported()
    successor = by_hand(key_group, "K0000000WRONG")
    rotation = key_group.rotation(by_hand=True)

    outcome = take(rotation, Step(action=Action.REVOKE, key_pair=active), now=key_group.now)

    assert statuses() == {str(active): "revoked", str(successor): "trusted"}
    assert "No key signs: pages with links to files fail. No probe has shown" in outcome.text


def test_successor_that_works_signs_by_hand(key_group: Site) -> None:
    """By hand, a successor that one probe has shown to work takes over, before its wait is over."""
    active, successor = key_group.imported(), key_group.trusted(good_for=1)
    rotation = key_group.rotation(by_hand=True)

    rotation.revoke(active, now=key_group.now, reason="")

    assert statuses() == {str(active): "revoked", str(successor): "active"}


def test_revoking_again_by_hand_makes_no_key(key_group: Site) -> None:
    """Where a person changes CloudFront, no key is made, however often it is said."""
    active = key_group.imported()

    for _ in range(2):
        key_group.rotation(by_hand=True).revoke(active, now=key_group.now, reason="leaked")

    assert statuses() == {str(active): "revoked"}


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


def meanwhile(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Let another machine do something once a successor was prepared, before it is recorded."""
    prepare = Rotation._prepare_successor
    others = [do]

    def prepare_and_wait(*arguments: Any) -> AwsError | CannotUnseal | None:
        failure = prepare(*arguments)
        if others:
            others.pop()()
        return failure

    monkeypatch.setattr(Rotation, "_prepare_successor", prepare_and_wait)


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


def test_successor_that_is_revoked_before_the_record_is_replaced(
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
