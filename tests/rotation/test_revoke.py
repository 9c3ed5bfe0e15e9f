"""Test revocations: what signs next, and what becomes of the key in CloudFront."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import LAST_PUBLIC_KEY
from cfsigned_django.rotation.errors import Blocked, Claimed, RotationError
from cfsigned_django.rotation.lifecycle import Cause
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.steps import Action, Step, take
from cfsigned_django.rotation.store import KeyPairStore
from tests.rotation import RSA, Killed, Site, change, denied, die, fresh, once, statuses
from tests.simulation.faults import Fault


class TestSuccessor:
    """What signs in the place of a revoked key."""

    @pytest.mark.parametrize(
        "prepare",
        [
            pytest.param(lambda site: site.trusted(spare=True), id="trusted spare"),
            pytest.param(Site.started, id="pending"),
            pytest.param(lambda site: site.take_out(site.trusted()), id="taken out"),
        ],
    )
    def test_successor_signs_at_once(
        self, key_group: Site, prepare: Callable[[Site], object]
    ) -> None:
        """The successor takes over before its wait is over, and is in the group by then."""
        active = key_group.imported()
        prepare(key_group)
        successor = KeyPair.objects.get(next_in=key_group.key_group_id)

        key_group.revoke(active, changed_by="kim")

        row = fresh(active)
        assert key_group.signing.pk == successor.pk
        assert not key_group.signing.is_spare
        assert (row.status, row.encrypted_private_key) == ("revoked", "")
        assert (row.reason, row.changed_by) == ("leaked", "kim")
        assert row.removed_at == row.revoked_at == key_group.now
        assert key_group.members == {key_group.foreign, str(key_group.signing)}

    @pytest.mark.parametrize("algorithm", [None, RSA])
    def test_successor_is_made_where_there_is_none(self, key_group: Site, algorithm: Any) -> None:
        """One is made, trusted, and signs, with the algorithm asked for or that of the revoked."""
        active = key_group.imported()

        key_group.rotation(changed_by="kim").revoke(
            active, now=key_group.now, reason="leaked", algorithm=algorithm
        )

        signs = key_group.signing
        assert (signs.algorithm, signs.reason) == (algorithm or active.algorithm, "leaked")
        assert (signs.changed_by, signs.is_spare) == ("kim", False)
        assert key_group.members == {key_group.foreign, str(signs)} == key_group.public_keys

    def test_nothing_is_made_while_another_signs(self, key_group: Site) -> None:
        """A RETIRING key goes alone: what signs goes on."""
        former, active = key_group.imported(), key_group.activated()

        key_group.revoke(former)

        assert statuses() == {str(former): "revoked", str(active): "active"}

    def test_full_group_has_room_afterwards(self, key_group: Site) -> None:
        """Where the quota leaves no room for a successor, it comes once the revoked key is out."""
        active = key_group.imported()
        others = key_group.fill()

        key_group.revoke(active)

        assert key_group.members == {key_group.foreign, *others, str(key_group.signing)}

    @pytest.mark.parametrize("is_trusted", [False, True])
    def test_successor_that_cannot_be_decrypted_is_replaced(
        self, key_group: Site, is_trusted: bool
    ) -> None:
        """A successor that does not decrypt takes nothing over: a new key does, at once."""
        active = key_group.imported()
        successor = key_group.trusted() if is_trusted else key_group.started()
        change(successor, encrypted_private_key="damaged")

        key_group.revoke(active)

        signs = str(key_group.signing)
        assert fresh(active).status == fresh(successor).status == "revoked"
        assert signs not in (str(active), str(successor))
        key_group.advance()
        assert key_group.members == {key_group.foreign, signs} == key_group.public_keys

    @pytest.mark.parametrize("is_there", [True, False], ids=["of another key", "of no key"])
    @pytest.mark.parametrize("has_right_id", [True, False])
    def test_successor_under_a_wrong_id_is_replaced(
        self, key_group: Site, is_there: bool, has_right_id: bool
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
        self, key_group: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A key in the group that ListPublicKeys does not show yet is no wrong id."""
        active, successor = key_group.imported(), key_group.trusted()
        nothing = {"PublicKeyList": {"Quantity": 0, "MaxItems": 100}}
        monkeypatch.setattr(key_group.account.api, "list_public_keys", lambda **page: nothing)

        key_group.revoke(active)

        assert statuses() == {str(active): "revoked", str(successor): "active"}
        assert key_group.members == {key_group.foreign, str(successor)}

    def test_successor_that_works_is_not_looked_for(self, key_group: Site) -> None:
        """A key that a probe has shown to work costs no look at the list before it signs."""
        active, successor = key_group.imported(), key_group.trusted(good_for=60)
        calls: list[tuple[str, str]] = []

        key_group.revoke(active, boundary=lambda *moment: calls.append(moment))

        assert statuses()[str(successor)] == "active"
        before = calls[: calls.index(("update_key_group", "before"))]
        assert before.count(("list_public_keys", "before")) == 1  # to take the revoked key out


class TestFailures:
    """What AWS refuses, for a moment or for good."""

    def test_short_failure_of_aws_leaves_all_as_it_was(self, key_group: Site) -> None:
        """While AWS cannot take a successor for a moment, links go on working."""
        active = key_group.imported()

        with pytest.raises(AwsError) as caught:
            key_group.revoke(active, fault=lambda method: Fault.FAILED)
        assert caught.value.is_temporary
        assert fresh(active).status == "active"

        key_group.wait(6)
        key_group.revoke(active)
        assert sorted(statuses().values()) == ["active", "revoked"]

    def test_missing_permission_does_not_keep_a_leaked_key_signing(
        self, key_group: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where no successor can be made, the key goes all the same; the same again makes one."""
        active = key_group.imported()
        with monkeypatch.context() as patch:
            denied(key_group, "create_public_key", patch)
            with pytest.raises(AwsError) as caught:
                key_group.revoke(active)
        assert caught.value.permission == "cloudfront:CreatePublicKey"
        assert (fresh(active).status, key_group.members) == ("revoked", {key_group.foreign})
        assert fresh(active).removed_at == key_group.now
        assert not KeyPair.objects.filter(status="active").exists()

        for _ in range(2):  # once is enough
            key_group.revoke(active)
        assert key_group.members == {key_group.foreign, str(key_group.signing)}

    def test_revoking_again_finishes(self, key_group: Site) -> None:
        """After a death, the same command again does what is left, and nothing twice."""
        active, successor = key_group.imported(), key_group.trusted()

        with pytest.raises(Killed):
            key_group.revoke(active, boundary=once(("update_key_group", "before"), die))
        key_group.wait(61)
        key_group.revoke(active, "again")

        assert fresh(active).reason == "leaked"
        assert key_group.members == {key_group.foreign, str(successor)}
        assert [each for each in key_group.moves if each[1] == "revoked"] == [
            (str(active), "revoked")
        ]

    def test_key_that_is_over_stays_over(self, key_group: Site) -> None:
        """A retired key cannot be revoked."""
        former = key_group.imported()
        key_group.activated()
        key_group.wait(3780)
        key_group.retire(former)

        with pytest.raises(Blocked) as caught:
            key_group.revoke(former)

        assert [each.cause for each in caught.value.blockers] == [Cause.NO_SUCH_MOVE]

    @pytest.mark.parametrize("by_hand", [True, False])
    def test_only_a_revoked_key_is_taken_out(self, key_group: Site, by_hand: bool) -> None:
        """The end of a revocation is refused for a key that signs, or whose links are out."""
        former, active = key_group.imported(), key_group.activated()
        members = key_group.members

        for key_pair in (former, active):
            with pytest.raises(RotationError, match=str(key_pair)):
                key_group.finish(key_pair, by_hand=by_hand)

        assert key_group.members == members
        assert [fresh(each).removed_at for each in (former, active)] == [None, None]


class TestLastKey:
    """A key group keeps at least one key."""

    @pytest.mark.parametrize("bring", [Site.alone, Site.trusted, lambda s: s.trusted(spare=True)])
    def test_only_key_of_the_group_is_replaced(
        self, key_group: Site, bring: Callable[[Site], KeyPair]
    ) -> None:
        """The last key goes once another one is in the group, also if it never signed."""
        key_pair = bring(key_group)
        key_group.set_members(str(key_pair))

        key_group.revoke(key_pair)

        assert sorted(statuses().values()) == ["active", "revoked"]
        assert key_group.members == {str(key_group.signing)}
        assert str(key_pair) not in key_group.public_keys

    def test_revocation_by_hand_is_finished_by_call(self, key_group: Site) -> None:
        """What was revoked by hand, and is alone in the group, is replaced when it is taken out."""
        active = key_group.alone()
        key_group.revoke(active, by_hand=True)
        assert statuses() == {str(active): "revoked"}
        assert key_group.members == {str(active)}

        key_group.finish(active)

        assert key_group.signing.reason == "leaked"
        assert str(active) not in key_group.members

    def test_missing_permission(self, key_group: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """The only key that cannot be replaced signs no longer; the error says what holds it."""
        active = key_group.alone()
        with monkeypatch.context() as patch:
            denied(key_group, "create_public_key", patch)
            with pytest.raises(AwsError, match=str(active)) as caught:
                key_group.revoke(active)

        assert caught.value.permission == "cloudfront:CreatePublicKey"
        assert (fresh(active).status, fresh(active).removed_at) == ("revoked", None)
        key_group.wait(6)
        key_group.finish(active)
        assert str(active) not in key_group.members

    def test_successor_that_cannot_be_decrypted(self, key_group: Site) -> None:
        """A successor of no use is revoked, and a new key makes room for the last one to go."""
        active, successor = key_group.alone(), key_group.started()
        change(successor, encrypted_private_key="damaged")
        key_group.revoke(active, by_hand=True)

        key_group.finish(active)

        assert fresh(successor).status == "revoked"
        assert str(active) not in key_group.public_keys
        assert len(key_group.members) == 1

    def test_successor_that_does_not_stay(self, key_group: Site) -> None:
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

    def test_last_key_that_retires_is_replaced(self, key_group: Site) -> None:
        """A RETIRING key goes also where what signed after it was revoked by hand, alone."""
        former, active = key_group.imported(), key_group.activated()
        key_group.set_members(str(former), str(active))
        key_group.revoke(active, by_hand=True)
        key_group.finish(active)
        key_group.wait(3780)

        key_group.retire(former)

        assert fresh(former).status == "retired"
        assert key_group.members == {str(key_group.signing)}


class TestByHand:
    """A person changes CloudFront."""

    @pytest.mark.parametrize("good_for", [None, 1])
    def test_only_a_successor_that_was_seen_to_work_signs(
        self, key_group: Site, good_for: int | None
    ) -> None:
        """A successor under a mistyped id does not take over: no link would be served."""
        active, successor = key_group.imported(), key_group.trusted(good_for=good_for)
        step = Step(action=Action.REVOKE, key_pair=active)

        outcome = take(key_group.rotation(by_hand=True), step, now=key_group.now)

        status = "trusted" if good_for is None else "active"
        assert statuses() == {str(active): "revoked", str(successor): status}
        assert str(successor) in outcome.text

    def test_no_key_is_made(self, key_group: Site) -> None:
        """However often it is said, no key is made."""
        active = key_group.imported()

        for _ in range(2):
            key_group.revoke(active, by_hand=True)

        assert statuses() == {str(active): "revoked"}

    def test_key_is_not_out_since_no_call_is_made(self, key_group: Site) -> None:
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


class TestMeanwhile:
    """What other machines and people do at the same moment."""

    @pytest.mark.parametrize("moment", ["while it is prepared", "before it is recorded"])
    def test_successor_that_is_revoked_is_replaced(
        self, key_group: Site, moment: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where another person revokes the successor in between, a new key signs all the same."""
        active, successor = key_group.imported(), key_group.trusted()

        def revoke_successor() -> None:
            key_group.revoke(successor, by_hand=moment == "while it is prepared")

        if moment == "while it is prepared":
            key_group.revoke(
                active, boundary=once(("list_public_keys", "before"), revoke_successor)
            )
        else:
            before_transaction(monkeypatch, revoke_successor)
            key_group.revoke(active)

        signs = str(key_group.signing)
        assert sorted(statuses().values()) == ["active", "revoked", "revoked"]
        assert signs in key_group.members
        assert str(active) not in key_group.members

    def test_key_that_begins_to_sign_is_replaced(
        self, key_group: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A TRUSTED key that another machine activates at this moment leaves one that signs."""
        key_group.imported()
        key_pair = key_group.trusted(good_for=301)
        before_transaction(
            monkeypatch,
            lambda: key_group.rotation().activate(fresh(key_pair), now=key_group.now),
        )

        key_group.revoke(key_pair)

        assert fresh(key_pair).status == "revoked"
        assert sorted(statuses().values()) == ["active", "retiring", "revoked"]

    def test_active_key_is_back_before_another_goes(self, key_group: Site) -> None:
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

    def test_key_that_is_added_at_this_moment_is_not_left_behind(self, key_group: Site) -> None:
        """A key that another machine is just adding is removed once that machine is done."""
        key_pair = key_group.started()

        def revoke_meanwhile() -> None:
            with pytest.raises(Claimed):
                key_group.revoke(key_pair)

        boundary = once(("create_public_key", "after"), revoke_meanwhile)
        with pytest.raises(Claimed):
            key_group.rotation(boundary=boundary).trust(key_pair, now=key_group.now)
        key_group.wait(66)
        key_group.finish(key_pair)

        assert key_group.public_keys == {key_group.foreign}

    def test_key_that_is_created_while_it_is_removed_is_not_left_behind(
        self, key_group: Site
    ) -> None:
        """Who was held up since before a revocation undoes its end: it is repeated in a moment."""
        key_pair = key_group.started()
        stale = fresh(key_pair)
        key_group.revoke(key_pair, by_hand=True)

        def create() -> None:
            key_group.account.upload("late", key_pair.public_key)
            with pytest.raises(Claimed):
                key_group.rotation().trust(stale, now=key_group.now)

        with pytest.raises(Claimed):
            key_group.finish(key_pair, boundary=once(("list_public_keys", "after"), create))
        with pytest.raises(Claimed):
            key_group.finish(key_pair)
        key_group.wait(66)
        key_group.finish(key_pair)

        assert key_group.public_keys == {key_group.foreign}


def before_transaction(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let another machine do something just before the first transaction."""
    begin, left = KeyPairStore.transaction, [act]

    def begin_late(store: KeyPairStore) -> AbstractContextManager[None]:
        if left:
            left.pop()()
        return begin(store)

    monkeypatch.setattr(KeyPairStore, "transaction", begin_late)
