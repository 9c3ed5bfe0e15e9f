"""Test revocations: what signs next, and what becomes of the key in CloudFront.

Modules: rotation/removal.py, rotation/cloudfront.py, rotation/steps.py
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.stages import Action
from cfsigned_django.rotation.steps import Step, consequences_of_revocation, take
from cfsigned_django.rotation.store import Claimed
from tests.core.aws import Account
from tests.rotation import RSA, Site, change, denied, fresh, once, statuses
from tests.simulation.strict_cloudfront import StrictCloudFront

#: What signs after a revocation.
NEW, NEXT, NOTHING = "a new key", "the next key", "nothing"


def damaged(key_pair: KeyPair) -> None:
    """Make the private key impossible to decrypt."""
    change(key_pair, encrypted_private_key="damaged")


def without_room(site: Site) -> None:
    """Make a successor that CloudFront has, and that found no room in the group."""
    site.fill()
    with pytest.raises(AwsError):
        site.rotation().trust(site.started(), now=site.now)


@pytest.mark.parametrize(
    ("by_hand", "bring", "signs"),
    [
        pytest.param(False, lambda site: None, NEW, id="none"),
        pytest.param(False, Site.fill, NEW, id="none, no room"),
        pytest.param(
            False, lambda site: site.set_members(str(site.signing)), NEW, id="none, alone"
        ),
        pytest.param(False, Site.started, NEXT, id="pending"),
        pytest.param(False, without_room, NEXT, id="pending, no room"),
        pytest.param(False, Site.trusted, NEXT, id="trusted"),
        pytest.param(False, lambda site: site.take_out(site.trusted()), NEXT, id="taken out"),
        pytest.param(False, lambda site: damaged(site.started()), NEW, id="pending, damaged"),
        pytest.param(False, lambda site: damaged(site.trusted()), NEW, id="trusted, damaged"),
        pytest.param(True, lambda site: None, NOTHING, id="by hand, none"),
        pytest.param(True, Site.started, NOTHING, id="by hand, pending"),
        # A mistyped ID would be served by no edge: a probe must have been good.
        pytest.param(True, Site.trusted, NOTHING, id="by hand, not probed"),
        pytest.param(True, lambda site: site.trusted(good_for=1), NEXT, id="by hand, probed"),
        pytest.param(True, lambda site: site.trusted(good_for=301), NEXT, id="by hand, ready"),
        pytest.param(
            True, lambda site: damaged(site.trusted(good_for=1)), NOTHING, id="by hand, damaged"
        ),
    ],
)
def test_what_signs(
    key_group: Site, by_hand: bool, bring: Callable[[Site], object], signs: str, caplog: Any
) -> None:
    """The key that was announced before a revocation signs right after it, and is in the group."""
    active = key_group.imported()
    bring(key_group)
    rotation = key_group.rotation(by_hand=by_hand, changed_by="kim")
    successor, count = rotation.store.successor(), KeyPair.objects.count()
    others = key_group.members - {str(active), str(successor)}

    announced = consequences_of_revocation(rotation, active, now=key_group.now)
    assert announced.is_outage is (signs is NOTHING)
    assert announced.is_outage or (str(successor) in announced.signs) is (signs is NEXT)
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
    # The reason is that of the key that leaked: nobody may take the new one for it.
    replaces = f"replaces {active}, which was revoked"
    assert now_signs is None or now_signs.reason == KnownReason.replaces(active) == replaces
    reasons = set(KeyPair.objects.exclude(pk=active.pk).values_list("reason", flat=True))
    assert reasons <= {"", replaces, KnownReason.UNUSABLE}
    assert now_signs is None or str(now_signs) in outcome.text
    assert now_signs is not None or (str(successor) in outcome.text) is (successor is not None)
    assert KeyPair.objects.count() == count + (signs is NEW)
    assert "refused its links" not in caplog.text  # it is put back before it signs
    if not by_hand:
        key_group.advance()
        assert key_group.members == {*others, str(now_signs)}
        assert key_group.public_keys == {key_group.foreign, *others, str(now_signs)}


@pytest.mark.parametrize(
    ("retirement", "retiring_for", "minutes"),
    [
        # An hour for links; 3 minutes until each process has stopped and clocks agree.
        (3780, None, 60),
        (3780, 1801, 33),
        # Links that were issued under a longer lifetime are out, and break as well.
        (86400 + 180, None, 1440),
        (86400 + 180, 7200, 1323),
    ],
)
def test_how_many_minutes_break(
    key_group: Site, retirement: int, retiring_for: int | None, minutes: int
) -> None:
    """Links break for as long as the longest one lives; of a retiring key, what is left."""
    key_pair = key_group.imported()
    change(key_pair, retirement_seconds=retirement)
    if retiring_for is not None:
        key_group.activated()
        key_group.wait(retiring_for)

    rotation, row = key_group.rotation(), fresh(key_pair)
    assert consequences_of_revocation(rotation, row, now=key_group.now).minutes == minutes


@pytest.mark.parametrize("algorithm", [None, RSA])
def test_new_key_is_of_the_algorithm_that_was_asked_for(key_group: Site, algorithm: Any) -> None:
    """A key that is made to sign has the algorithm asked for, else that of the revoked one."""
    active = key_group.imported()

    removal = key_group.removal(active, changed_by="kim")
    replace(removal, algorithm=algorithm).revoke("leaked")

    signs = key_group.signing
    assert (signs.algorithm, signs.changed_by) == (algorithm or active.algorithm, "kim")


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
    """A key in the group that ListPublicKeys does not show yet does not count as a wrong id."""
    active, successor = key_group.imported(), key_group.trusted()
    nothing = {"PublicKeyList": {"Quantity": 0, "MaxItems": 100}}
    monkeypatch.setattr(key_group.account.api, "list_public_keys", lambda **page: nothing)

    key_group.revoke(active)

    assert statuses() == {str(active): "revoked", str(successor): "active"}
    assert key_group.members == {key_group.foreign, str(successor)}


# What AWS refuses


@pytest.mark.parametrize("is_alone", [False, True])
def test_missing_permission_does_not_keep_a_leaked_key_signing(
    key_group: Site, is_alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If no successor can be made, the key stops signing; repeating the command makes one.

    It leaves the group, unless it is the only key there.
    """
    active = key_group.imported()
    if is_alone:
        key_group.set_members(str(active))
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


# A key group keeps at least one key


def revoked_by_hand(site: Site) -> KeyPair:
    """Return a key that was revoked by hand, and is still in the group."""
    active = site.imported()
    site.revoke(active, by_hand=True)
    return active


def revoked_beside_a_damaged_one(site: Site) -> KeyPair:
    """Return the same beside a successor that cannot sign."""
    active = site.imported()
    damaged(site.started())
    site.revoke(active, by_hand=True)
    return active


def retiring(site: Site) -> KeyPair:
    """Return a key whose last link has expired; what signed after it was revoked by hand."""
    former, active = site.imported(), site.activated()
    site.revoke(active, by_hand=True)
    site.finish(active)
    site.wait(3780)
    return former


@pytest.mark.parametrize(
    ("bring", "step"),
    [
        (Site.trusted, "revoke"),
        (revoked_by_hand, "finish"),
        (revoked_beside_a_damaged_one, "finish"),
        (retiring, "retire"),
    ],
)
def test_last_key_is_replaced(key_group: Site, bring: Callable[[Site], KeyPair], step: str) -> None:
    """The last key goes once another one is in the group, which signs."""
    key_pair = bring(key_group)
    key_group.set_members(str(key_pair))

    getattr(key_group, step)(key_pair)

    assert fresh(key_pair).status == ("retired" if step == "retire" else "revoked")
    assert key_group.members == {str(key_group.signing)}
    assert (key_group.signing.reason == KnownReason.LAST_OF_GROUP) is (step == "retire")
    assert str(key_pair) not in key_group.public_keys
    assert set(statuses().values()) <= {"active", "revoked", "retired"}


# What other machines and people do at the same moment


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
    assert statuses() == {str(former): "revoked", str(active): "active"}


def test_key_that_is_not_listed_yet_is_removed(db: None) -> None:
    """A key leaves by its ID, which the process that created it may have recorded a moment ago."""
    seconds = [0.0]
    api = StrictCloudFront(clock=lambda: seconds[0], list_lag=1.0)
    key_group = Site(account=Account(api=api))
    key_pair = key_group.trusted()
    key_group.revoke(key_pair, by_hand=True)
    read_before = fresh(key_pair)
    read_before.key_pair_id = None

    replace(key_group.removal(key_pair), key_pair=read_before).finish()

    seconds[0] = 1.0
    assert key_group.public_keys == {key_group.foreign}
