"""Test how CloudFront comes to trust a key: by call or by hand, and seen by probes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KEYS_PER_GROUP
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.rotation.errors import Blocked, Claimed, RotationError
from cfsigned_django.rotation.lifecycle import Cause
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.signing import PrivateKey, Signer
from tests.aws.api import Account
from tests.rotation import Killed, Site, change, die, fresh, once, statuses
from tests.simulation.faults import Fault
from tests.simulation.strict_cloudfront import StrictCloudFront

KEY_ID, OTHER_ID = "K2JCJMDEHXQW5F", "K3ABCDEFGHIJKL"


def test_public_key_has_the_reference_of_its_row(key_group: Site) -> None:
    """The public key is created once, by the id of its row, and added; that of others stays."""
    key_pair = key_group.trusted()

    created = key_group.account.api.get_public_key(Id=str(key_pair))["PublicKey"]
    assert created["PublicKeyConfig"]["CallerReference"] == str(key_pair.pk)
    assert (key_pair.status, key_pair.trusted_at) == ("trusted", key_group.now)
    assert key_group.members == {key_group.foreign, key_pair.key_pair_id}


def test_public_key_of_a_forger_is_not_trusted(key_group: Site) -> None:
    """What CloudFront gets belongs to the encrypted key, whatever the table says."""
    key_pair = key_group.started()
    own = key_pair.public_key
    change(key_pair, public_key=PrivateKey.generate().public_key.to_pem())

    key_group.rotation().trust(fresh(key_pair), now=key_group.now)

    trusted = key_group.account.api.trusted_keys(key_group.key_group_id)
    assert trusted[str(fresh(key_pair))].to_pem() == own


def test_row_of_a_forger_is_not_trusted(key_group: Site) -> None:
    """A row that somebody wrote who knows no encryption key gets nothing into CloudFront."""
    key_pair = key_group.started()
    forged = Fernet(Fernet.generate_key()).encrypt(b"forged").decode()
    change(key_pair, encrypted_private_key=forged)

    with pytest.raises(CannotUnseal):
        key_group.rotation().trust(fresh(key_pair), now=key_group.now)

    assert key_group.public_keys == key_group.members == {key_group.foreign}


@pytest.mark.parametrize("step", ["retire", "revoke"])
def test_public_key_of_a_forger_is_not_taken_out(key_group: Site, step: str) -> None:
    """A foreign public key in the row is left in the group; that of the private key goes."""
    former, active = key_group.imported(), key_group.activated()
    key_group.wait(3780)
    answer = key_group.account.api.get_public_key(Id=key_group.foreign)
    change(former, public_key=answer["PublicKey"]["PublicKeyConfig"]["EncodedKey"])

    getattr(key_group, step)(former)

    assert key_group.members == {key_group.foreign, str(active)} == key_group.public_keys


@pytest.mark.parametrize("method", ["create_public_key", "update_key_group"])
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.FAILED_LATE, Fault.SENT_TWICE])
def test_lost_answer_is_found_again(key_group: Site, method: str, fault: Fault) -> None:
    """Where an answer is lost, the same again finds what was done and creates nothing twice."""
    key_pair = key_group.started()
    faults = iter([fault])
    rotation = key_group.rotation(
        fault=lambda called: next(faults, Fault.NONE) if called == method else Fault.NONE
    )
    if fault is not Fault.SENT_TWICE:  # Then botocore repeats the request by itself.
        with pytest.raises(AwsError) as caught:
            rotation.trust(key_pair, now=key_group.now)
        assert caught.value.is_temporary
        key_group.wait(6)

    rotation.trust(key_pair, now=key_group.now)

    assert fresh(key_pair).status == "trusted"
    assert key_group.members == {key_group.foreign, str(key_pair)} == key_group.public_keys


def test_active_key_is_not_trusted_again(key_group: Site) -> None:
    """A move that does not exist is refused."""
    with pytest.raises(Blocked) as caught:
        key_group.rotation().trust(key_group.imported(), now=key_group.now)

    assert [each.cause for each in caught.value.blockers] == [Cause.NO_SUCH_MOVE]


class TestById:
    """A person creates the public key and gives the id that CloudFront shows."""

    def test_id_is_needed(self, key_group: Site) -> None:
        """Without a call, only an id makes a key TRUSTED; it is written down as it is."""
        key_pair = key_group.started()
        trust = key_group.rotation(by_hand=True).trust

        with pytest.raises(RotationError):
            trust(key_pair, now=key_group.now)
        assert list(statuses().values()) == ["pending"]
        trust(key_pair, now=key_group.now, key_pair_id=KEY_ID)

        assert statuses() == {KEY_ID: "trusted"}

    @pytest.mark.parametrize("is_trusted", [False, True], ids=["given", "corrected"])
    def test_id_of_another_row_is_refused(self, key_group: Site, is_trusted: bool) -> None:
        """Two rows never have one id."""
        signing = key_group.imported()
        key_pair = key_group.typed(KEY_ID) if is_trusted else key_group.started()
        before = statuses()

        with pytest.raises(RotationError, match=str(signing)):
            key_group.rotation(by_hand=True).trust(
                key_pair, now=key_group.now, key_pair_id=str(signing)
            )

        assert statuses() == before

    def test_wrong_id_is_corrected(self, key_group: Site) -> None:
        """An id that was typed wrong is given again; the wait and the record begin anew.

        A probe that was under way meanwhile says nothing of the new id.
        """
        key_pair = key_group.typed(KEY_ID)
        seen = fresh(key_pair)
        key_group.wait(60)
        rotation = key_group.rotation(by_hand=True, changed_by="kim")

        rotation.trust(key_pair, now=key_group.now, key_pair_id=OTHER_ID)
        key_group.answer = ProbeResult.GOOD
        rotation.check(seen, now=key_group.now)

        row = fresh(key_pair)
        assert (str(key_pair), row.key_pair_id, row.status) == (OTHER_ID, OTHER_ID, "trusted")
        assert (row.trusted_at, row.changed_by) == (key_group.now, "kim")
        assert row.verified_since is None
        assert key_group.moves[-1] == (OTHER_ID, "trusted")

    def test_id_that_works_stays(self, key_group: Site) -> None:
        """The id of a key that has been seen to work stays; the same again may be said."""
        key_pair = key_group.typed(KEY_ID)
        key_group.answer = ProbeResult.GOOD
        rotation = key_group.rotation(by_hand=True)
        rotation.check(key_pair, now=key_group.now)

        with pytest.raises(RotationError, match=KEY_ID):
            rotation.trust(key_pair, now=key_group.now, key_pair_id=OTHER_ID)
        rotation.trust(key_pair, now=key_group.now, key_pair_id=KEY_ID)

        assert (str(fresh(key_pair)), fresh(key_pair).verified_since) == (KEY_ID, key_group.now)


class TestProbes:
    """What a probe says of a TRUSTED key."""

    @pytest.mark.parametrize("answer", ProbeResult)
    def test_answer_is_recorded(self, key_group: Site, answer: ProbeResult) -> None:
        """A good probe is dated once, no answer says nothing, any other takes the date back."""
        key_pair = key_group.trusted(good_for=60)
        key_group.answer = answer

        assert key_group.rotation().check(key_pair, now=key_group.now) is answer

        is_kept = answer in (ProbeResult.GOOD, ProbeResult.NO_ANSWER)
        since = key_group.now - timedelta(seconds=60) if is_kept else None
        assert fresh(key_pair).verified_since == key_pair.verified_since == since

    def test_key_that_was_taken_out_is_not_good(self, key_group: Site) -> None:
        """An edge may still know a key that somebody took out: the API is asked first."""
        key_pair = key_group.trusted(good_for=400)
        key_group.take_out(key_pair)
        key_group.answer = ProbeResult.GOOD

        assert key_group.rotation().check(key_pair, now=key_group.now) is ProbeResult.UNKNOWN_KEY

        row = fresh(key_pair)
        assert (row.verified_since, row.trusted_at) == (None, key_group.now)
        assert row.claimed_until is None
        assert key_group.members == {key_group.foreign, str(key_pair)}

    def test_put_back_that_dies_has_begun_the_wait_anew(self, key_group: Site) -> None:
        """Who dies with the key back in the group leaves none of its old wait."""
        key_pair = key_group.trusted(good_for=400)
        key_group.take_out(key_pair)
        rotation = key_group.rotation(boundary=once(("update_key_group", "after"), die))

        with pytest.raises(Killed):
            rotation.restore_missing([key_pair], now=key_group.now)

        assert str(key_pair) in key_group.members
        assert (fresh(key_pair).verified_since, fresh(key_pair).trusted_at) == (None, key_group.now)

    def test_probe_from_before_it_was_put_back_does_not_count(self, key_group: Site) -> None:
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


class TestNotListed:
    """A key group that is full once a key was created for it, which CloudFront lists later."""

    @pytest.fixture
    def seconds(self) -> list[float]:
        """Return the time of CloudFront, which a test sets."""
        return [0.0]

    @pytest.fixture
    def slow(self, db: None, seconds: list[float]) -> Site:
        """Return a site whose CloudFront lists a new public key after a second."""
        api = StrictCloudFront(clock=lambda: seconds[0], list_lag=1.0)
        return Site(account=Account(api=api))

    @pytest.fixture
    def others(self, slow: Site, seconds: list[float]) -> list[str]:
        """Return public keys of others, which fill the group."""
        found = [slow.account.upload(f"other-{n}") for n in range(KEYS_PER_GROUP - 1)]
        seconds[0] = 1.0
        return found

    @pytest.fixture
    def refused(self, slow: Site, others: list[str]) -> KeyPair:
        """Return a PENDING key pair whose public key is created, and which the group refused."""
        key_pair = slow.started()
        fill = once(("create_public_key", "after"), lambda: slow.set_members(slow.foreign, *others))
        with pytest.raises(AwsError):
            slow.rotation(boundary=fill).trust(key_pair, now=slow.now)
        assert fresh(key_pair).status == "pending"
        return key_pair

    @pytest.mark.parametrize("has_read_id", [True, False])
    def test_refused_key_is_deleted(
        self,
        slow: Site,
        others: list[str],
        refused: KeyPair,
        seconds: list[float],
        has_read_id: bool,
    ) -> None:
        """A key that is revoked while its public key is not listed leaves nothing, whoever does."""
        if has_read_id:
            slow.revoke(refused)
        else:
            change(refused, status="revoked", next_in=None)
            row = fresh(refused)
            row.key_pair_id = None
            slow.rotation().finish_revocation(row, now=slow.now)

        seconds[0] += 1.0
        assert slow.public_keys == {slow.foreign, *others}
        assert fresh(refused).removed_at is not None

    def test_refused_key_is_put_in_once_there_is_room(
        self, slow: Site, others: list[str], refused: KeyPair, seconds: list[float]
    ) -> None:
        """The next try finds the public key that the one before has created."""
        slow.set_members(slow.foreign)
        seconds[0] += 1.0

        slow.rotation().trust(refused, now=slow.now)

        name = str(fresh(refused))
        assert slow.public_keys == {slow.foreign, *others, name}
        assert slow.members == {slow.foreign, name}

    def test_id_that_a_person_gave_meanwhile_stays(self, key_group: Site) -> None:
        """A person who types an id while a machine creates the public key is not overruled."""
        key_pair = key_group.started()

        def type_another() -> None:
            key_group.rotation(by_hand=True).trust(
                fresh(key_pair), now=key_group.now, key_pair_id=KEY_ID
            )

        rotation = key_group.rotation(boundary=once(("create_public_key", "after"), type_another))
        with pytest.raises(Claimed):
            rotation.trust(key_pair, now=key_group.now)

        assert statuses() == {KEY_ID: "trusted"}
