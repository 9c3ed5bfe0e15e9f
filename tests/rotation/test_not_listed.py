"""Test that a public key is deleted although CloudFront does not list it yet."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KEYS_PER_GROUP
from cfsigned_django.rotation.errors import Claimed
from cfsigned_django.rotation.models import KeyPair
from tests.aws.api import Account
from tests.rotation import Site, fresh
from tests.simulation.strict_cloudfront import StrictCloudFront


@dataclass(slots=True)
class SlowSite:
    """A key group that is full as soon as a key was created for it, which is listed later."""

    seconds: float = 0.0
    key_group: Site = field(init=False)
    others: list[str] = field(init=False)

    def __post_init__(self) -> None:
        api = StrictCloudFront(clock=lambda: self.seconds, list_lag=1.0)
        self.key_group = Site(account=Account(api=api))
        upload = self.key_group.account.upload
        self.others = [upload(f"other-{number}") for number in range(KEYS_PER_GROUP - 1)]
        self.seconds += 1.0

    def refused(self) -> KeyPair:
        """Return a key pair whose public key is created, and which the group has refused."""
        key_group = self.key_group

        def fill(method: str, side: str) -> None:
            if (method, side) == ("create_public_key", "after"):
                key_group.set_members(key_group.foreign, *self.others)

        key_pair = key_group.started()
        with pytest.raises(AwsError, match="as many as its quota allows"):
            key_group.rotation(boundary=fill).trust(key_pair, now=key_group.now)
        return key_pair

    def left(self) -> set[str]:
        """Return the public keys of the account, in a moment, that nobody else has made."""
        self.seconds += 1.0
        return self.key_group.public_keys - {self.key_group.foreign, *self.others}


@pytest.fixture
def slow(db: None) -> SlowSite:
    """Return a site whose CloudFront lists a new public key after a second."""
    return SlowSite()


def test_key_that_its_group_refused_is_deleted(slow: SlowSite) -> None:
    """A key is revoked in the second in which its public key is not listed: nothing stays."""
    key_pair = slow.refused()
    assert fresh(key_pair).status == "pending"

    slow.key_group.rotation().revoke(fresh(key_pair), now=slow.key_group.now, reason="")

    assert slow.left() == set()
    assert fresh(key_pair).removed_at is not None


def test_id_that_was_written_down_meanwhile_is_read(slow: SlowSite) -> None:
    """Who read the row before its public key was created deletes it all the same."""
    key_pair = slow.refused()
    KeyPair.objects.filter(pk=key_pair.pk).update(status="revoked", next_in=None)
    before = fresh(key_pair)
    before.key_pair_id = None

    slow.key_group.rotation().finish_revocation(before, now=slow.key_group.now)

    assert slow.left() == set()


def test_refused_key_is_put_in_once_there_is_room(slow: SlowSite) -> None:
    """The next try finds the public key that the one before has created."""
    key_pair = slow.refused()
    slow.key_group.set_members(slow.key_group.foreign)
    slow.seconds += 1.0

    slow.key_group.rotation().trust(key_pair, now=slow.key_group.now)

    assert slow.left() == {str(fresh(key_pair))}
    assert slow.key_group.members == {slow.key_group.foreign, str(fresh(key_pair))}


def test_id_that_a_person_gave_meanwhile_stays(slow: SlowSite) -> None:
    """A person who types an id while another machine creates the public key is not overruled."""
    key_group = slow.key_group
    key_pair = key_group.started()

    def type_another(method: str, side: str) -> None:
        if (method, side) == ("create_public_key", "after"):
            key_group.rotation(by_hand=True).trust(
                fresh(key_pair), now=key_group.now, key_pair_id="K0TYPED0000000"
            )

    with pytest.raises(Claimed):
        key_group.rotation(boundary=type_another).trust(key_pair, now=key_group.now)

    assert (str(fresh(key_pair)), fresh(key_pair).status) == ("K0TYPED0000000", "trusted")
