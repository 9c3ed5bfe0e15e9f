"""Break off the steps of a rotation anywhere, repeat them, and end where they end unbroken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KeyGroups
from tests.aws.api import Account, ensure, new_pem
from tests.simulation.faults import Boundary, UnreliableCloudFront, random_faults

# Five calls to trust a key, four to retire one; each has a before and an after.
BOUNDARIES_OF_TRUST = 10
BOUNDARIES_OF_RETIRE = 8


class Died(BaseException):
    """The process ended here. Nothing in the code under test can catch it."""


def die_at(number: int) -> Boundary:
    """Return a boundary where the process dies, counted from 0."""
    left = iter(range(number))

    def boundary(method: str, side: str) -> None:
        if next(left, None) is None:
            raise Died

    return boundary


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The steps of one rotation that touch CloudFront."""

    account: Account
    group: str
    theirs: str
    pem: str

    def trust(self, key_groups: KeyGroups) -> str:
        """Bring the key into the group; return its id."""
        key_groups.check_room(self.group)
        key_pair_id = ensure(key_groups, "ours", self.pem)
        key_groups.add(self.group, key_pair_id)
        return key_pair_id

    def retire(self, key_groups: KeyGroups, key_pair_id: str) -> None:
        """Take the key out of the group and delete it."""
        key_groups.remove(self.group, key_pair_id)
        key_groups.delete_public_key(key_pair_id)

    def check_trusted(self, key_pair_id: str) -> None:
        """Assert that CloudFront holds the key once, beside the other one."""
        assert self.account.key_groups.members(self.group) == (self.theirs, key_pair_id)
        assert self.account.names() == ["ours", "theirs"]

    def check_retired(self) -> None:
        """Assert that nothing is left of the key."""
        assert self.account.key_groups.members(self.group) == (self.theirs,)
        assert self.account.names() == ["theirs"]


@pytest.fixture
def rotation(strict_account: Account) -> Rotation:
    """Return a rotation in a group that holds somebody else's key."""
    theirs = strict_account.upload("theirs")
    group = strict_account.make_group(theirs)
    return Rotation(account=strict_account, group=group, theirs=theirs, pem=new_pem())


@pytest.mark.parametrize("number", range(BOUNDARIES_OF_TRUST))
def test_process_dies_while_it_trusts(rotation: Rotation, number: int) -> None:
    """Have the key once, in the group, wherever the first process died."""
    with pytest.raises(Died):
        rotation.trust(rotation.account.with_boundary(die_at(number)))

    rotation.check_trusted(rotation.trust(rotation.account.key_groups))


@pytest.mark.parametrize("number", range(BOUNDARIES_OF_RETIRE))
def test_process_dies_while_it_retires(rotation: Rotation, number: int) -> None:
    """Have nothing left of the key, wherever the first process died."""
    ours = rotation.trust(rotation.account.key_groups)
    with pytest.raises(Died):
        rotation.retire(rotation.account.with_boundary(die_at(number)), ours)

    rotation.retire(rotation.account.key_groups, ours)

    rotation.check_retired()


def test_there_are_no_more_boundaries(rotation: Rotation) -> None:
    """Live through each step where the process would die later."""
    ours = rotation.trust(rotation.account.with_boundary(die_at(BOUNDARIES_OF_TRUST)))
    rotation.check_trusted(ours)

    rotation.retire(rotation.account.with_boundary(die_at(BOUNDARIES_OF_RETIRE)), ours)
    rotation.check_retired()


def repeat(step: Callable[[], Any]) -> Any:
    """Take a step until it succeeds; pass on an error that waiting does not help against."""
    while True:
        try:
            return step()
        except AwsError as error:
            if not error.is_temporary:
                raise


@pytest.mark.parametrize("seed", range(100))
def test_network_that_fails_often(rotation: Rotation, seed: int) -> None:
    """End as with a good network where four calls in ten go wrong in some way."""
    faults = random_faults(Random(seed), 0.4)
    unreliable = UnreliableCloudFront(rotation.account.api, choose_fault=faults)
    key_groups = rotation.account.over(unreliable)

    ours = repeat(lambda: rotation.trust(key_groups))
    rotation.check_trusted(ours)

    repeat(lambda: rotation.retire(key_groups, ours))
    rotation.check_retired()
