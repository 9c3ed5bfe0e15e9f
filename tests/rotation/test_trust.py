"""Test how CloudFront comes to trust a key: by call or by hand, and seen by probes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.rotation.errors import Blocked, RotationError
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.signing import PrivateKey, Signer
from tests.rotation import Killed, Site, fresh, statuses
from tests.simulation.faults import Fault


def test_trust_puts_the_key_into_the_group(key_group: Site) -> None:
    """The public key is created and added; the key of somebody else stays."""
    key_pair = key_group.trusted()

    assert (key_pair.status, key_pair.trusted_at) == ("trusted", key_group.now)
    assert key_group.members == {key_group.foreign, key_pair.key_pair_id}


def test_public_key_has_the_reference_of_its_row(key_group: Site) -> None:
    """CloudFront refuses to create the same row's key twice: the reference is the row's id."""
    key_pair = key_group.trusted()

    created = key_group.account.api.get_public_key(Id=str(key_pair))["PublicKey"]

    assert created["PublicKeyConfig"]["CallerReference"] == str(key_pair.pk)


def test_public_key_of_a_forger_is_not_trusted(key_group: Site) -> None:
    """What CloudFront gets belongs to the sealed key, whatever the table says."""
    key_pair = key_group.started()
    own = key_pair.public_key
    key_pair.public_key = PrivateKey.generate().public_key.to_pem()
    key_pair.save()

    key_group.rotation().trust(key_pair, now=key_group.now)

    trusted = key_group.account.api.trusted_keys(key_group.key_group_id)
    assert trusted[str(key_pair)].to_pem() == own


def test_row_of_a_forger_is_not_trusted(key_group: Site) -> None:
    """A row that somebody wrote who knows no encryption key gets nothing into CloudFront."""
    key_pair = key_group.started()
    KeyPair.objects.filter(pk=key_pair.pk).update(
        encrypted_private_key=Fernet(Fernet.generate_key()).encrypt(b"forged").decode()
    )

    with pytest.raises(CannotUnseal):
        key_group.rotation().trust(fresh(key_pair), now=key_group.now)

    assert key_group.public_keys == key_group.members == {key_group.foreign}


@pytest.mark.parametrize("method", ["create_public_key", "update_key_group"])
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.FAILED_LATE])
def test_lost_answer_is_found_again(key_group: Site, method: str, fault: Fault) -> None:
    """Where an answer is lost, the same again finds what was done and creates nothing twice."""
    key_pair = key_group.started()
    rotation = key_group.rotation(fault=lambda called: fault if called == method else Fault.NONE)
    with pytest.raises(AwsError) as caught:
        rotation.trust(key_pair, now=key_group.now)
    key_group.wait(6)

    key_group.rotation().trust(key_pair, now=key_group.now)

    assert caught.value.is_temporary
    assert fresh(key_pair).status == "trusted"
    assert key_group.members == {key_group.foreign, str(key_pair)} == key_group.public_keys


@pytest.mark.parametrize("method", ["create_public_key", "update_key_group"])
def test_request_that_was_sent_twice_counts_once(key_group: Site, method: str) -> None:
    """Where botocore repeats a request by itself, the refusal of the second is understood."""
    key_pair = key_group.started()
    faults = iter([Fault.SENT_TWICE])
    rotation = key_group.rotation(
        fault=lambda called: next(faults, Fault.NONE) if called == method else Fault.NONE
    )

    rotation.trust(key_pair, now=key_group.now)

    assert key_group.members == {key_group.foreign, str(key_pair)} == key_group.public_keys


def test_trust_needs_a_way(key_group: Site) -> None:
    """Where a person changes CloudFront, the person gives the id."""
    rotation = key_group.rotation(by_hand=True)

    with pytest.raises(RotationError, match="This site may not change CloudFront"):
        rotation.trust(key_group.started(), now=key_group.now)


def test_trust_by_hand_takes_the_id(key_group: Site) -> None:
    """An id that a person gives is written down without a call."""
    key_pair = key_group.started()

    key_group.rotation(by_hand=True).trust(
        key_pair, now=key_group.now, key_pair_id="K2JCJMDEHXQW5F"
    )

    assert statuses() == {"K2JCJMDEHXQW5F": "trusted"}


def test_id_of_another_row_is_refused(key_group: Site) -> None:
    """Two rows never have one id."""
    signing = key_group.imported()
    rotation = key_group.rotation(by_hand=True)

    with pytest.raises(RotationError, match=f"{signing} is the id of another key pair"):
        rotation.trust(key_group.started(), now=key_group.now, key_pair_id=str(signing))

    assert sorted(statuses().values()) == ["active", "pending"]


def by_hand(key_group: Site, key_pair_id: str) -> KeyPair:
    """Return a TRUSTED key whose id a person gave."""
    key_pair = key_group.started()
    rotation = key_group.rotation(by_hand=True)
    rotation.trust(key_pair, now=key_group.now, key_pair_id=key_pair_id)
    return key_pair


def test_wrong_id_is_corrected(key_group: Site) -> None:
    """An id that was typed wrong is given again; the wait and the record begin anew."""
    key_pair = by_hand(key_group, "K2JCJMDEHXQW5F")
    key_group.wait(60)
    rotation = key_group.rotation(by_hand=True, changed_by="kim")

    rotation.trust(key_pair, now=key_group.now, key_pair_id="K3ABCDEFGHIJKL")

    row = fresh(key_pair)
    assert (row.key_pair_id, row.status) == ("K3ABCDEFGHIJKL", "trusted")
    assert (row.trusted_at, row.changed_by) == (key_group.now, "kim")
    assert key_group.moves[-1] == ("K3ABCDEFGHIJKL", "trusted")
    assert str(key_pair) == "K3ABCDEFGHIJKL"


def test_probe_of_the_wrong_id_does_not_count(key_group: Site) -> None:
    """A probe that was under way while the id was corrected says nothing of the new id."""
    key_pair = by_hand(key_group, "K2JCJMDEHXQW5F")
    seen = fresh(key_pair)
    key_group.wait(1)
    key_group.rotation(by_hand=True).trust(
        key_pair, now=key_group.now, key_pair_id="K3ABCDEFGHIJKL"
    )
    key_group.answer = ProbeResult.GOOD

    key_group.rotation(by_hand=True).check(seen, now=key_group.now)

    assert fresh(key_pair).verified_since is None


def test_id_that_works_stays(key_group: Site) -> None:
    """The id of a key that has been seen to work cannot be changed; the same again may be said."""
    key_pair = by_hand(key_group, "K2JCJMDEHXQW5F")
    key_group.answer = ProbeResult.GOOD
    rotation = key_group.rotation(by_hand=True)
    rotation.check(key_pair, now=key_group.now)

    with pytest.raises(RotationError, match="cannot be changed any more"):
        rotation.trust(key_pair, now=key_group.now, key_pair_id="K3ABCDEFGHIJKL")
    rotation.trust(key_pair, now=key_group.now, key_pair_id="K2JCJMDEHXQW5F")

    assert fresh(key_pair).verified_since is not None


def test_corrected_id_of_another_row_is_refused(key_group: Site) -> None:
    """A correction takes no id that another row has."""
    signing = key_group.imported()
    key_pair = by_hand(key_group, "K2JCJMDEHXQW5F")

    with pytest.raises(RotationError, match="the id of another key pair"):
        key_group.rotation(by_hand=True).trust(
            key_pair, now=key_group.now, key_pair_id=str(signing)
        )


def test_good_probe_is_dated_once(key_group: Site) -> None:
    """A key works since the first good probe, however many follow."""
    key_pair = key_group.trusted(good_for=60)
    since = key_pair.verified_since

    assert key_group.rotation().check(key_pair, now=key_group.now) is ProbeResult.GOOD

    assert since == key_group.now - timedelta(seconds=60) == fresh(key_pair).verified_since


@pytest.mark.parametrize(
    "answer", [ProbeResult.UNKNOWN_KEY, ProbeResult.WRONG_KEY, ProbeResult.UNRESTRICTED]
)
def test_refused_probe_begins_the_wait_anew(key_group: Site, answer: ProbeResult) -> None:
    """A probe that is not good takes back that the key works."""
    key_pair = key_group.trusted(good_for=60)
    key_group.answer = answer

    assert key_group.rotation().check(key_pair, now=key_group.now) is answer

    assert fresh(key_pair).verified_since is None


def test_probe_without_an_answer_says_nothing(key_group: Site) -> None:
    """A network that fails takes nothing back."""
    key_pair = key_group.trusted(good_for=60)
    key_group.answer = ProbeResult.NO_ANSWER

    key_group.rotation().check(key_pair, now=key_group.now)

    assert fresh(key_pair).verified_since is not None


def test_key_that_was_taken_out_is_not_good(key_group: Site) -> None:
    """An edge may still know a key that somebody took out: the API is asked first."""
    key_pair = key_group.trusted(good_for=60)
    key_group.set_members(key_group.foreign)
    key_group.answer = ProbeResult.GOOD

    assert key_group.rotation().check(key_pair, now=key_group.now) is ProbeResult.UNKNOWN_KEY


def test_put_back_begins_the_wait_anew(key_group: Site) -> None:
    """A key that was taken out is in the group again, and waits from then on."""
    key_pair = key_group.trusted(good_for=400)
    key_group.set_members(key_group.foreign)

    assert key_group.rotation().restore_missing([key_pair], now=key_group.now)

    row = fresh(key_pair)
    assert (row.verified_since, row.trusted_at, row.claimed_until) == (None, key_group.now, None)
    assert key_group.members == {key_group.foreign, str(key_pair)}


def test_put_back_that_dies_has_begun_the_wait_anew(key_group: Site) -> None:
    """Who dies with the key back in the group leaves none of its old wait."""
    key_pair = key_group.trusted(good_for=400)
    key_group.set_members(key_group.foreign)

    def die(method: str, side: str) -> None:
        if (method, side) == ("update_key_group", "after"):
            raise Killed

    with pytest.raises(Killed):
        key_group.rotation(boundary=die).restore_missing([key_pair], now=key_group.now)

    assert str(key_pair) in key_group.members
    assert (fresh(key_pair).verified_since, fresh(key_pair).trusted_at) == (None, key_group.now)


def test_probe_from_before_it_was_put_back_does_not_count(key_group: Site) -> None:
    """A probe that was sent before a key was taken out and put back dates nothing."""
    key_pair = key_group.trusted()
    rotation = key_group.rotation()

    def probe_slowly(signer: Signer) -> ProbeResult:
        key_group.set_members(key_group.foreign)
        key_group.wait(5)
        rotation.restore_missing([fresh(key_pair)], now=key_group.now)
        return ProbeResult.GOOD

    replace(rotation, probe=probe_slowly).check(key_pair, now=key_group.now)

    assert fresh(key_pair).trusted_at == key_group.now
    assert fresh(key_pair).verified_since is None


def test_nothing_is_put_back_that_is_there(key_group: Site) -> None:
    """A key that is in the group stays as it is, with its wait."""
    key_pair = key_group.trusted(good_for=60)

    assert not key_group.rotation().restore_missing([key_pair], now=key_group.now)
    assert fresh(key_pair).verified_since is not None


def test_active_key_is_not_trusted_again(key_group: Site) -> None:
    """A move that does not exist is refused."""
    with pytest.raises(Blocked, match="is ACTIVE and cannot become TRUSTED"):
        key_group.rotation().trust(key_group.imported(), now=key_group.now)
