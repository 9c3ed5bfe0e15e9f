"""Test each step of a rotation: start, import, trust, probe, activate, retire, and put back.

Modules: rotation/rotation.py, rotation/cloudfront.py, rotation/store.py
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.encryption import CannotDecrypt
from cfsigned_django.rotation.cloudfront import DELETED
from cfsigned_django.rotation.importing import import_key
from cfsigned_django.rotation.lifecycle import Cause
from cfsigned_django.rotation.models import REASON_LENGTH, KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.stages import Action
from cfsigned_django.rotation.steps import Step, advance, take
from cfsigned_django.rotation.store import (
    Blocked,
    RotationError,
)
from cfsigned_django.signing import PrivateKey, Signer
from tests.rotation import (
    ECDSA,
    RSA,
    WAITS,
    Site,
    change,
    denied,
    die,
    fresh,
    once,
    statuses,
)
from tests.simulation.faults import Killed

KEY_ID, OTHER_ID = "K2JCJMDEHXQW5F", "K3ABCDEFGHIJKL"


# Start and import


def test_start_generates_an_encrypted_key(key_group: Site) -> None:
    """A started key is PENDING, encrypted, and recorded with who wanted it and why; once."""
    start, reason = key_group.rotation(changed_by="kim").start, "x" * REASON_LENGTH

    key_pair = start(algorithm=RSA, now=key_group.now, reason=reason)
    again = key_group.rotation(changed_by="lee").start(
        algorithm=ECDSA, now=key_group.now, reason="mine"
    )

    for row in (key_pair, again, fresh(key_pair)):
        assert (row.pk, row.status, row.algorithm) == (key_pair.pk, "pending", RSA)
        assert (row.changed_by, row.reason) == ("kim", reason)
        assert "PRIVATE KEY" not in row.encrypted_private_key
    assert key_group.members == {key_group.foreign}


@pytest.mark.parametrize("answer", [None, ProbeResult.NO_ANSWER, ProbeResult.UNKNOWN_KEY])
def test_import_makes_the_key_active(
    key_group: Site, ec_key: PrivateKey, answer: ProbeResult | None
) -> None:
    """The settings' key goes on signing, with the site's waits, also if CloudFront says nothing."""
    key_group.answer = answer

    key_pair = key_group.imported()
    again = import_key(key_group.rotation(), ec_key, str(key_pair), now=key_group.now)

    assert again.pk == key_pair.pk
    assert (key_pair.status, key_pair.active_at) == ("active", key_group.now)
    assert key_pair.retirement_seconds == 3780
    assert key_pair.make_signer().key_pair_id == key_pair.key_pair_id


@pytest.mark.parametrize(
    "case", ["another is ACTIVE", "it was revoked", "its private key was revoked", "of another key"]
)
def test_import_is_refused(key_group: Site, ec_key: PrivateKey, case: str) -> None:
    """Refuse to import a key that does not sign now or cannot be verified; nothing changes."""
    key_pair_id = key_group.foreign if case == "of another key" else KEY_ID
    if case != "of another key":
        active = key_group.imported()
        former_key = active.decrypted().load()
    if "was revoked" in case:
        key_group.revoke(active, by_hand=True)
        key_group.answer = ProbeResult.GOOD
    if case == "it was revoked":
        key_pair_id = str(active)
    private_key = former_key if case == "its private key was revoked" else ec_key
    before = statuses()

    with pytest.raises(RotationError) as refused:
        import_key(key_group.rotation(), private_key, key_pair_id, now=key_group.now)

    assert type(refused.value) is RotationError  # not that another process was quicker
    assert statuses() == before


# Trust


@pytest.mark.parametrize("is_revoked", [False, True])
def test_key_without_room_in_its_group(key_group: Site, is_revoked: bool) -> None:
    """Name the keys of a full group; the new one waits there with its public key, and goes on.

    If it is revoked instead, nothing of it is left.
    """
    others, key_pair = key_group.fill(), key_group.started()
    members = key_group.members
    for _ in range(2):
        with pytest.raises(AwsError) as caught:
            key_group.rotation().trust(fresh(key_pair), now=key_group.now)
        assert all(each in str(caught.value) for each in members)
        assert not caught.value.is_temporary
    key_pair = fresh(key_pair)
    assert (key_pair.status, key_group.public_keys - members) == ("pending", {str(key_pair)})

    if is_revoked:
        key_group.revoke(key_pair)
    else:
        key_group.set_members(*members - {others[0]})
        key_group.rotation().trust(fresh(key_pair), now=key_group.now)

    new = set() if is_revoked else {str(key_pair)}
    assert fresh(key_pair).status == ("revoked" if is_revoked else "trusted")
    assert key_group.members - members == new
    assert key_group.public_keys - members == new


@pytest.mark.parametrize("step", ["retire", "revoke"])
def test_public_key_of_a_forger(key_group: Site, step: str) -> None:
    """Another public key in the row is neither added to the group nor taken out of it.

    That of the private key is, once, by the id of its row.
    """
    former, _active, pending = key_group.imported(), key_group.activated(), key_group.started()
    key_group.wait(3780)
    answer = key_group.account.api.get_public_key(Id=key_group.foreign)
    forged = answer["PublicKey"]["PublicKeyConfig"]["EncodedKey"]
    for row in (former, pending):
        change(row, public_key=forged)

    key_group.rotation().trust(fresh(pending), now=key_group.now)
    added = key_group.account.api.get_public_key(Id=str(fresh(pending)))["PublicKey"]
    config = added["PublicKeyConfig"]
    assert (config["CallerReference"], config["EncodedKey"]) == (
        str(pending.pk),
        pending.public_key,
    )

    getattr(key_group, step)(former)
    assert str(former) not in key_group.public_keys
    assert key_group.foreign in key_group.members


@pytest.mark.parametrize(
    ("bring", "action", "cause"),
    [
        (Site.imported, Action.TRUST, Cause.NO_SUCH_MOVE),
        (Site.started, Action.ACTIVATE, Cause.NO_SUCH_MOVE),
        (lambda site: site.trusted(good_for=299), Action.ACTIVATE, Cause.PROPAGATION),
        (lambda site: (site.imported(), site.activated())[0], Action.RETIRE, Cause.URLS_OUT),
    ],
)
def test_step_is_refused_before_its_time(
    key_group: Site, bring: Callable[[Site], KeyPair], action: Action, cause: Cause
) -> None:
    """A step that does not exist, or whose wait is not over, changes nothing."""
    key_pair = fresh(bring(key_group))
    before = statuses(), key_group.members

    with pytest.raises(Blocked) as caught:
        take(key_group.rotation(), Step(action=action, key_pair=key_pair), now=key_group.now)

    assert [each.cause for each in caught.value.blockers] == [cause]
    assert (statuses(), key_group.members) == before


def test_wrong_id_is_corrected_until_the_key_works(key_group: Site) -> None:
    """An id that was typed wrong is given again; the wait and the record begin anew.

    A probe that was under way meanwhile says nothing of the new id.
    """
    signing, key_pair = key_group.imported(), key_group.typed(KEY_ID)
    seen = fresh(key_pair)
    key_group.wait(60)
    key_group.answer = ProbeResult.GOOD
    rotation = key_group.rotation(by_hand=True, changed_by="kim")

    with pytest.raises(RotationError, match=str(signing)):
        rotation.trust(key_pair, now=key_group.now, key_pair_id=str(signing))
    rotation.trust(key_pair, now=key_group.now, key_pair_id=OTHER_ID)
    rotation.check(seen, now=key_group.now)

    row = fresh(key_pair)
    assert (str(key_pair), row.key_pair_id, row.status) == (OTHER_ID, OTHER_ID, "trusted")
    assert (row.trusted_at, row.changed_by) == (key_group.now, "kim")
    assert row.verified_since is None

    rotation.check(row, now=key_group.now)
    with pytest.raises(RotationError, match=OTHER_ID):
        rotation.trust(row, now=key_group.now, key_pair_id=KEY_ID)
    rotation.trust(row, now=key_group.now, key_pair_id=OTHER_ID)  # the same may be said again
    assert (str(fresh(row)), fresh(row).verified_since) == (OTHER_ID, key_group.now)


def test_key_that_was_taken_out_is_not_good(key_group: Site) -> None:
    """The API is asked before an edge; who dies with the key put back leaves no old wait."""
    key_pair = key_group.trusted(good_for=400)
    key_group.take_out(key_pair)
    key_group.answer = ProbeResult.GOOD

    rotation = key_group.rotation(boundary=once(("update_key_group", "after"), die))
    with pytest.raises(Killed):
        rotation.check(key_pair, now=key_group.now)

    row = fresh(key_pair)
    assert (row.verified_since, row.trusted_at) == (None, key_group.now)
    assert key_group.members == {key_group.foreign, str(key_pair)}


def test_probe_from_before_it_was_put_back_does_not_count(key_group: Site) -> None:
    """A probe that was sent before a key was taken out and put back dates nothing."""
    key_pair = key_group.trusted()
    rotation = key_group.rotation()

    def probe_slowly(signer: Signer) -> ProbeResult:
        key_group.take_out(key_pair)
        key_group.wait(5)
        rotation.restore_missing([fresh(key_pair)], now=key_group.now)
        return ProbeResult.GOOD

    replace(rotation, probe=probe_slowly).check(key_pair, now=key_group.now)

    assert fresh(key_pair).trusted_at == key_group.now
    assert fresh(key_pair).verified_since is None


# Activate and retire


@pytest.mark.parametrize(
    ("answer", "is_temporary"),
    [
        (ProbeResult.WRONG_KEY, False),
        (ProbeResult.REFUSED, False),
        (ProbeResult.UNRESTRICTED, False),
        (ProbeResult.UNKNOWN_KEY, True),
        (ProbeResult.NO_ANSWER, True),
    ],
)
def test_last_probe_must_be_answered(
    key_group: Site, answer: ProbeResult, is_temporary: bool
) -> None:
    """Before a key signs, CloudFront must answer one more probe well."""
    former, key_pair = key_group.imported(), key_group.trusted(good_for=301)
    key_group.answer = answer

    with pytest.raises(RotationError) as caught:
        key_group.rotation().activate(key_pair, now=key_group.now)

    assert caught.value.is_temporary is is_temporary
    assert statuses() == {str(former): "active", str(key_pair): "trusted"}
    waits_anew = answer is not ProbeResult.NO_ANSWER
    assert (fresh(key_pair).verified_since is None) is waits_anew


def test_retired_key_leaves_nothing_behind(key_group: Site) -> None:
    """A retired key is out of the group, deleted, and its private half erased.

    An ACTIVE key that was removed is put back first. Nothing revokes a RETIRED key.
    """
    former, key_pair = key_group.imported(), key_group.activated()
    key_group.wait(3780)
    key_group.set_members(str(former))
    key_group.retire(former)

    row = fresh(former)
    assert (row.status, row.encrypted_private_key) == ("retired", "")
    assert row.retired_at == row.removed_at == key_group.now
    assert key_group.members == {str(key_pair)}
    assert key_group.public_keys == {key_group.foreign, str(key_pair)}
    with pytest.raises(Blocked):
        key_group.revoke(former)


# Settings that change while links are out


def test_only_keys_that_signed_are_given_a_lifetime(key_group: Site) -> None:
    """Remember longer lifetimes; none for keys that never signed, are final, or of other groups.

    The waits are recorded before any step, whatever becomes of that.
    """
    leaked, former = key_group.trusted(), key_group.imported()
    key_group.revoke(leaked)
    active = key_group.activated()
    successor, others = key_group.trusted(), fresh(active)
    others.pk, others.key_pair_id = uuid4(), "KOTHER"
    others.key_group_id = others.active_in = "other"
    others.save(force_insert=True)
    change(successor, encrypted_private_key="damaged")

    for lifetime in (86_400, 3600):  # for a while, links live for a day
        waits = replace(WAITS, url_lifetime=lifetime)
        with pytest.raises(CannotDecrypt):
            advance(replace(key_group.rotation(), waits=waits), now=key_group.now)

    rows = [fresh(each) for each in (former, active, leaked, successor, others)]
    assert [each.retirement_seconds for each in rows] == [86_580, 86_580, 0, 0, 3780]


class TestRestore:
    """Keys that someone took out of their group, or deleted."""

    @pytest.mark.parametrize("is_active", [True, False], ids=["active", "retiring"])
    def test_key_whose_links_are_out_is_put_back(
        self, key_group: Site, is_active: bool, caplog: pytest.LogCaptureFixture
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

    def test_nothing_is_put_back_that_is_there_or_over(self, key_group: Site) -> None:
        """Leave a key that is in the group alone, and a retired or revoked one out of it."""
        former, active = key_group.imported(), key_group.activated()
        successor = key_group.trusted(good_for=60)
        rotation = key_group.rotation()
        assert not rotation.restore_missing([successor, active], now=key_group.now)
        assert fresh(successor).verified_since is not None

        key_group.revoke(active)
        key_group.wait(3780)
        key_group.take_out(former)
        key_group.advance()
        key_group.advance()

        assert fresh(former).status == "retired"
        assert key_group.members == {key_group.foreign, str(successor)}

    def test_refusal_of_aws_is_no_deletion(
        self, key_group: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """If AWS refuses to put a key back, that is an error; the key does not count as deleted."""
        key_group.take_out(key_group.imported())
        denied(key_group, "update_key_group", monkeypatch)

        with pytest.raises(AwsError) as caught:
            key_group.advance()

        assert caught.value.permission == "cloudfront:UpdateKeyGroup"
        assert caught.value.code != DELETED

    @pytest.mark.parametrize("signs", [False, True])
    def test_deleted_key_is_told_and_replaced(self, key_group: Site, signs: bool) -> None:
        """The error names the command with which to go on; what it says works.

        A new key signs, also if the next one was deleted as well.
        """
        active, successor = key_group.imported(), key_group.trusted(good_for=60)
        key_group.delete(active if signs else successor)

        with pytest.raises(AwsError, match=f"--revoke {active if signs else successor}") as caught:
            key_group.advance()
        assert (caught.value.code, caught.value.is_temporary) == (DELETED, False)

        if signs:
            key_group.delete(successor)
        key_group.wait(6)
        key_group.revoke(active, "deleted")
        assert fresh(active).removed_at == key_group.now
        assert fresh(successor).status == "revoked"
        assert key_group.members == {key_group.foreign, str(key_group.signing)}

    @pytest.mark.parametrize("step", ["revoke", "put back"])
    def test_deleted_key_holds_no_other_one_up(self, key_group: Site, step: str) -> None:
        """While the key that signs is gone for good, others are revoked and put back."""
        former = key_group.imported()
        key_group.wait(1)  # The newest comes first.
        active = key_group.activated()
        key_group.delete(active)

        if step == "revoke":
            key_group.revoke(former)
        else:
            key_group.take_out(former)
            with pytest.raises(AwsError, match=str(active)):
                key_group.advance()

        is_revoked = step == "revoke"
        assert key_group.members == {key_group.foreign, *([] if is_revoked else [str(former)])}
        assert fresh(former).claimed_until is None
        assert (fresh(former).removed_at is not None) is is_revoked
