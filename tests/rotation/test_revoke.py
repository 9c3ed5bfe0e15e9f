"""Test revocations: what signs next, and what becomes of the key in CloudFront."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import LAST_PUBLIC_KEY
from cfsigned_django.rotation.errors import Claimed, RotationError
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.steps import Action, SignsAfter, Step, take, what_signs_after
from tests.rotation import RSA, Site, change, denied, fresh, once, statuses
from tests.simulation.faults import Fault

NEW, EARLY, NOTHING = SignsAfter.NEW_KEY, SignsAfter.SUCCESSOR_EARLY, SignsAfter.NOTHING


def damaged(key_pair: KeyPair) -> None:
    """Let nothing decrypt the private key."""
    change(key_pair, encrypted_private_key="damaged")


@pytest.mark.parametrize(
    ("by_hand", "bring", "signs"),
    [
        pytest.param(False, lambda site: None, NEW, id="none"),
        pytest.param(False, Site.started, EARLY, id="pending"),
        pytest.param(False, Site.trusted, EARLY, id="trusted"),
        pytest.param(False, lambda site: site.trusted(spare=True), EARLY, id="trusted spare"),
        pytest.param(False, lambda site: site.take_out(site.trusted()), EARLY, id="taken out"),
        pytest.param(False, lambda site: damaged(site.started()), NEW, id="pending, damaged"),
        pytest.param(False, lambda site: damaged(site.trusted()), NEW, id="trusted, damaged"),
        pytest.param(True, lambda site: None, NOTHING, id="by hand, none"),
        pytest.param(True, Site.started, NOTHING, id="by hand, pending"),
        # A mistyped ID would be served by no edge: a probe must have been good.
        pytest.param(True, Site.trusted, NOTHING, id="by hand, not probed"),
        pytest.param(True, lambda site: site.trusted(good_for=1), EARLY, id="by hand, probed"),
        pytest.param(
            True, lambda site: site.trusted(good_for=301), SignsAfter.SUCCESSOR, id="by hand, ready"
        ),
    ],
)
def test_what_signs(
    key_group: Site, by_hand: bool, bring: Callable[[Site], object], signs: SignsAfter
) -> None:
    """What is promised before a revocation signs at once after it, and is in the group by then."""
    active = key_group.imported()
    bring(key_group)
    rotation = key_group.rotation(by_hand=by_hand, changed_by="kim")
    successor, count = rotation.store.successor(), KeyPair.objects.count()

    assert what_signs_after(rotation, active, now=key_group.now) is signs
    step = Step(action=Action.REVOKE, key_pair=active)
    outcome = take(rotation, step, now=key_group.now, reason="leaked")
    take(rotation, step, now=key_group.now, reason="again")  # once is enough

    row, now_signs = fresh(active), rotation.store.active()
    assert (row.status, row.encrypted_private_key) == ("revoked", "")
    assert (row.reason, row.changed_by, row.revoked_at) == ("leaked", "kim", key_group.now)
    assert row.removed_at == (None if by_hand else key_group.now)
    assert (now_signs is None) is (signs is NOTHING)
    is_successor = now_signs is not None and now_signs == successor
    assert is_successor is (signs not in (NEW, NOTHING))
    assert now_signs is None or not now_signs.is_spare
    is_trusted = successor is not None and successor.status == "trusted"
    assert now_signs is None or str(now_signs) in outcome.text
    assert now_signs is not None or (str(successor) in outcome.text) is is_trusted
    assert KeyPair.objects.count() == count + (signs is NEW)
    if not by_hand:
        key_group.advance()
        assert key_group.members == {key_group.foreign, str(now_signs)} == key_group.public_keys
    assert what_signs_after(rotation, active, now=key_group.now) is SignsAfter.UNCHANGED


@pytest.mark.parametrize("algorithm", [None, RSA])
def test_new_key_is_of_the_algorithm_that_was_asked_for(key_group: Site, algorithm: Any) -> None:
    """A key that is made to sign has the algorithm asked for, else that of the revoked one."""
    active = key_group.imported()

    key_group.rotation(changed_by="kim").revoke(
        active, now=key_group.now, reason="leaked", algorithm=algorithm
    )

    signs = key_group.signing
    assert (signs.algorithm, signs.reason) == (algorithm or active.algorithm, "leaked")
    assert signs.changed_by == "kim"


def test_nothing_is_made_while_another_signs(key_group: Site) -> None:
    """A RETIRING key goes alone: what signs goes on."""
    former, active = key_group.imported(), key_group.activated()

    key_group.revoke(former)

    assert statuses() == {str(former): "revoked", str(active): "active"}


def test_full_group_has_room_afterwards(key_group: Site) -> None:
    """Where the quota leaves no room for a successor, it comes once the revoked key is out."""
    active = key_group.imported()
    others = key_group.fill()

    key_group.revoke(active)

    assert key_group.members == {key_group.foreign, *others, str(key_group.signing)}


@pytest.mark.parametrize("is_there", [True, False], ids=["of another key", "of no key"])
@pytest.mark.parametrize("has_right_id", [True, False])
def test_successor_under_a_wrong_id_is_replaced(
    key_group: Site, is_there: bool, has_right_id: bool
) -> None:
    """A successor that CloudFront has not under its id takes nothing over: a new key does."""
    active = key_group.imported()
    mistyped = key_group.account.upload("other") if is_there else "K0000000WRONG"
    successor = key_group.typed(mistyped)
    if has_right_id:
        key_group.account.upload("by hand", successor.public_key)

    key_group.revoke(active)

    signs = str(key_group.signing)
    assert (fresh(successor).status, fresh(active).status) == ("revoked", "revoked")
    assert signs != mistyped
    assert key_group.members == {key_group.foreign, signs}
    assert (mistyped in key_group.public_keys) is is_there


def test_successor_that_is_not_listed_yet_signs(
    key_group: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in the group that ListPublicKeys does not show yet is no wrong id."""
    active, successor = key_group.imported(), key_group.trusted()
    nothing = {"PublicKeyList": {"Quantity": 0, "MaxItems": 100}}
    monkeypatch.setattr(key_group.account.api, "list_public_keys", lambda **page: nothing)

    key_group.revoke(active)

    assert statuses() == {str(active): "revoked", str(successor): "active"}
    assert key_group.members == {key_group.foreign, str(successor)}


# What AWS refuses


def test_short_failure_of_aws_leaves_all_as_it_was(key_group: Site) -> None:
    """While AWS cannot take a successor for a moment, links go on working."""
    active = key_group.imported()

    with pytest.raises(AwsError) as caught:
        key_group.revoke(active, fault=lambda method: Fault.FAILED)
    assert caught.value.is_temporary
    assert fresh(active).status == "active"

    key_group.wait(6)
    key_group.revoke(active)
    assert sorted(statuses().values()) == ["active", "revoked"]


@pytest.mark.parametrize("is_alone", [False, True])
def test_missing_permission_does_not_keep_a_leaked_key_signing(
    key_group: Site, is_alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no successor can be made, the key signs no longer, and the same again makes one.

    It leaves the group, unless it is the only key there.
    """
    active = key_group.alone() if is_alone else key_group.imported()
    with monkeypatch.context() as patch:
        denied(key_group, "create_public_key", patch)
        with pytest.raises(AwsError, match=str(active) if is_alone else None) as caught:
            key_group.revoke(active)
    assert caught.value.permission == "cloudfront:CreatePublicKey"
    assert statuses()[str(active)] == "revoked"
    assert "active" not in statuses().values()
    assert fresh(active).removed_at == (None if is_alone else key_group.now)
    assert key_group.members == {str(active) if is_alone else key_group.foreign}

    key_group.wait(6)
    for _ in range(2):  # once is enough
        key_group.revoke(active)
    assert key_group.members - {key_group.foreign} == {str(key_group.signing)}


@pytest.mark.parametrize("by_hand", [True, False])
def test_only_a_revoked_key_is_taken_out(key_group: Site, by_hand: bool) -> None:
    """The end of a revocation is refused for a key that signs, or whose links are out."""
    former, active = key_group.imported(), key_group.activated()
    members = key_group.members

    for key_pair in (former, active):
        with pytest.raises(RotationError, match=str(key_pair)):
            key_group.finish(key_pair, by_hand=by_hand)

    assert key_group.members == members
    assert [fresh(each).removed_at for each in (former, active)] == [None, None]


def test_key_is_not_out_since_no_call_is_made(key_group: Site) -> None:
    """Only where a person changes CloudFront is a key out without a call."""
    former, active = key_group.imported(), key_group.activated()
    key_group.revoke(active, by_hand=True)
    key_group.wait(3780)
    without_calls = replace(key_group.rotation(), key_groups=None)

    with pytest.raises(RotationError):
        without_calls.finish_revocation(fresh(active), now=key_group.now)
    with pytest.raises(RotationError):
        without_calls.retire(fresh(former), now=key_group.now)

    assert statuses() == {str(former): "retiring", str(active): "revoked"}
    assert fresh(active).removed_at is None


# A key group keeps at least one key


@pytest.mark.parametrize("bring", [Site.alone, Site.trusted, lambda s: s.trusted(spare=True)])
def test_only_key_of_the_group_is_replaced(
    key_group: Site, bring: Callable[[Site], KeyPair]
) -> None:
    """The last key goes once another one is in the group, also if it never signed."""
    key_pair = bring(key_group)
    key_group.set_members(str(key_pair))

    key_group.revoke(key_pair)

    assert sorted(statuses().values()) == ["active", "revoked"]
    assert key_group.members == {str(key_group.signing)}
    assert str(key_pair) not in key_group.public_keys


@pytest.mark.parametrize("has_successor", [False, True], ids=["no successor", "a damaged one"])
def test_revocation_by_hand_is_finished_by_call(key_group: Site, has_successor: bool) -> None:
    """What was revoked by hand, and is alone in the group, is replaced when it is taken out."""
    active = key_group.alone()
    if has_successor:
        damaged(key_group.started())
    key_group.revoke(active, by_hand=True)
    assert "active" not in statuses().values()
    assert key_group.members == {str(active)}

    key_group.finish(active)

    assert key_group.signing.reason == "leaked"
    assert key_group.members == {str(key_group.signing)}
    assert str(active) not in key_group.public_keys
    assert sorted(statuses().values()) == ["active", *["revoked"] * (1 + has_successor)]


def test_successor_that_does_not_stay(key_group: Site) -> None:
    """Where somebody takes the new key out at once, CloudFront's rule is named."""
    active = key_group.alone()
    key_group.revoke(active, by_hand=True)
    has_joined: list[bool] = []

    def take_out(method: str, side: str) -> None:
        if (method, side) == ("update_key_group", "after") and len(key_group.members) > 1:
            has_joined.append(True)
            key_group.set_members(str(active))

    with pytest.raises(AwsError) as caught:
        key_group.finish(active, boundary=take_out)

    assert has_joined
    assert caught.value.code == LAST_PUBLIC_KEY


def test_last_key_that_retires_is_replaced(key_group: Site) -> None:
    """A RETIRING key goes also where what signed after it was revoked by hand, alone."""
    former, active = key_group.imported(), key_group.activated()
    key_group.set_members(str(former), str(active))
    key_group.revoke(active, by_hand=True)
    key_group.finish(active)
    key_group.wait(3780)

    key_group.retire(former)

    assert fresh(former).status == "retired"
    assert key_group.members == {str(key_group.signing)}


# What other machines and people do at the same moment


@contextmanager
def before_first_write(act: Callable[[], object]) -> Iterator[None]:
    """Let another machine do something just before the first query that is no SELECT."""
    left = [act]

    def execute_late(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        if left and not sql.startswith("SELECT"):
            left.pop()()
        return execute(sql, *arguments)

    with connection.execute_wrapper(execute_late):
        yield
    assert not left


@pytest.mark.parametrize("moment", ["while it is prepared", "before it is recorded"])
def test_successor_that_is_revoked_meanwhile_is_replaced(key_group: Site, moment: str) -> None:
    """Where another person revokes the successor in between, a new key signs all the same."""
    active, successor = key_group.imported(), key_group.trusted()

    if moment == "while it is prepared":
        boundary = once(
            ("list_public_keys", "before"), lambda: key_group.revoke(successor, by_hand=True)
        )
        key_group.revoke(active, boundary=boundary)
    else:
        with before_first_write(lambda: key_group.revoke(successor)):
            key_group.revoke(active)

    signs = str(key_group.signing)
    assert sorted(statuses().values()) == ["active", "revoked", "revoked"]
    assert signs in key_group.members
    assert str(active) not in key_group.members


def test_key_that_begins_to_sign_meanwhile_is_replaced(key_group: Site) -> None:
    """A TRUSTED key that another machine activates at this moment leaves one that signs."""
    key_group.imported()
    key_pair = key_group.trusted(good_for=301)

    with before_first_write(
        lambda: key_group.rotation().activate(fresh(key_pair), now=key_group.now)
    ):
        key_group.revoke(key_pair)

    assert fresh(key_pair).status == "revoked"
    assert sorted(statuses().values()) == ["active", "retiring", "revoked"]


def test_active_key_is_back_before_another_goes(key_group: Site) -> None:
    """Before a revoked key is taken out, the one that signs is put back, under a claim."""
    former, active = key_group.imported(), key_group.activated()
    key_group.revoke(former, by_hand=True)
    key_group.take_out(active)
    seen: list[bool] = []

    def also_finish() -> None:
        seen.append(True)
        with pytest.raises(Claimed):
            key_group.finish(former)

    key_group.finish(former, boundary=once(("update_key_group", "before"), also_finish))

    assert seen
    assert key_group.members == {key_group.foreign, str(active)}


@pytest.mark.parametrize("is_stale", [False, True], ids=["is added", "is removed meanwhile"])
def test_key_that_is_just_created_is_not_left_behind(key_group: Site, is_stale: bool) -> None:
    """A public key that another machine creates while its row is revoked is removed in the end.

    Who was held up since before the revocation undoes its end: it is repeated in a moment.
    """
    key_pair = key_group.started()
    stale = fresh(key_pair)

    def revoke() -> None:
        with pytest.raises(Claimed):
            key_group.revoke(key_pair)

    def create() -> None:
        key_group.account.upload("late", key_pair.public_key)
        with pytest.raises(Claimed):
            key_group.rotation().trust(stale, now=key_group.now)

    if is_stale:
        key_group.revoke(key_pair, by_hand=True)
        with pytest.raises(Claimed):
            key_group.finish(key_pair, boundary=once(("list_public_keys", "after"), create))
        with pytest.raises(Claimed):
            key_group.finish(key_pair)
    else:
        rotation = key_group.rotation(boundary=once(("create_public_key", "after"), revoke))
        with pytest.raises(Claimed):
            rotation.trust(key_pair, now=key_group.now)
    key_group.wait(66)
    key_group.finish(key_pair)

    assert key_group.public_keys == {key_group.foreign}
