"""Break off each change of a rotation anywhere, repeat it, and end where it ends unbroken."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KeyGroups
from tests.aws.api import Account, ensure, new_pem
from tests.simulation.faults import Boundary, Fault, UnreliableCloudFront, random_faults
from tests.simulation.strict_cloudfront import StrictCloudFront

# Five calls to trust a key, four to retire one; each has a before and an after.
BOUNDARIES_OF_TRUST = 10
BOUNDARIES_OF_RETIRE = 8


class World:
    """An account with a key group of one key, and a key of ours that is on its way."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.pem = new_pem()
        self.theirs = account.upload("theirs")
        self.group = account.make_group(self.theirs)

    def create(self, key_groups: KeyGroups) -> str:
        """Create the key, and note its id."""
        self.ours = ensure(key_groups, "ours", self.pem)
        return self.ours

    def add(self, key_groups: KeyGroups) -> object:
        """Add the key to the group."""
        return key_groups.add(self.group, self.ours)

    def remove(self, key_groups: KeyGroups) -> object:
        """Remove the key from the group."""
        return key_groups.remove(self.group, self.ours)

    def delete(self, key_groups: KeyGroups) -> object:
        """Delete the key."""
        key_groups.delete_public_key(self.ours)
        return None

    def trust(self, key_groups: KeyGroups) -> None:
        """Bring the key into the group."""
        key_groups.check_room(self.group)
        self.create(key_groups)
        self.add(key_groups)

    def retire(self, key_groups: KeyGroups) -> None:
        """Take the key out of the group and delete it."""
        self.remove(key_groups)
        self.delete(key_groups)

    def prepare(self, change: Callable[[World, KeyGroups], object]) -> None:
        """Make what a change needs."""
        if change in (World.remove, World.retire):
            self.trust(self.account.key_groups)
        elif change in (World.add, World.delete):
            self.create(self.account.key_groups)

    def state(self) -> tuple[list[str], int]:
        """Return the names of the keys, and how many are in the group."""
        members = self.account.key_groups.members(self.group)
        assert members[0] == self.theirs
        return self.account.names(), len(members)


#: Change -> the call that meets the fault, and the state at the end.
CHANGES: dict[Callable[[World, KeyGroups], object], tuple[str, tuple[list[str], int]]] = {
    World.create: ("create_public_key", (["ours", "theirs"], 1)),
    World.add: ("update_key_group", (["ours", "theirs"], 2)),
    World.remove: ("update_key_group", (["ours", "theirs"], 1)),
    World.delete: ("delete_public_key", (["theirs"], 1)),
}
TRUSTED, RETIRED = CHANGES[World.add][1], CHANGES[World.delete][1]


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.NONE])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_fault(
    account: Account,
    strict_account: Account,
    change: Callable[[World, KeyGroups], object],
    fault: Fault,
) -> None:
    """Raise a temporary error unless all is well; do nothing twice, and nothing by halves."""
    if (change, fault) == (World.create, Fault.SENT_TWICE):
        account = strict_account  # the emulator makes a key twice if it is asked twice
    world, (method, end) = World(account), CHANGES[change]
    world.prepare(change)
    before = world.state()
    key_groups = account.with_faults(method, fault)

    if fault is Fault.SENT_TWICE:
        answer = change(world, key_groups)
    else:
        with pytest.raises(AwsError) as caught:
            change(world, key_groups)
        assert caught.value.is_temporary
        has_effect = fault in (Fault.LOST, Fault.FAILED_LATE)
        assert world.state() == (end if has_effect else before)
        answer = change(world, account.key_groups)

    assert world.state() == end
    assert change(world, account.key_groups) == answer
    assert world.state() == end


class Died(BaseException):
    """The process ended here. Nothing in the code under test can catch it."""


def die_at(number: int) -> Boundary:
    """Return a boundary where the process dies, counted from 0."""
    left = iter(range(number))

    def boundary(method: str, side: str) -> None:
        if next(left, None) is None:
            raise Died

    return boundary


@pytest.mark.parametrize(
    ("change", "count", "end"),
    [
        (World.trust, BOUNDARIES_OF_TRUST, TRUSTED),
        (World.retire, BOUNDARIES_OF_RETIRE, RETIRED),
    ],
    ids=["trust", "retire"],
)
def test_process_dies(
    change: Callable[[World, KeyGroups], object],
    count: int,
    end: tuple[list[str], int],
) -> None:
    """Reach the same end wherever the first process died; there are no more places to die."""
    for number in range(count + 1):
        account = Account(api=StrictCloudFront())
        world = World(account)
        world.prepare(change)
        dying = account.with_boundary(die_at(number))
        if number < count:
            with pytest.raises(Died):
                change(world, dying)
            change(world, account.key_groups)
        else:
            change(world, dying)
        assert world.state() == end, number


def repeat(step: Callable[[], Any]) -> None:
    """Take a step until it succeeds; pass on an error that waiting does not help against."""
    while True:
        try:
            step()
        except AwsError as error:
            if not error.is_temporary:
                raise
        else:
            return


@pytest.mark.parametrize("seed", range(100))
def test_network_that_fails_often(strict_account: Account, seed: int) -> None:
    """End as with a good network where four calls in ten go wrong in some way."""
    world = World(strict_account)
    faults = random_faults(Random(seed), 0.4)
    key_groups = strict_account.over(UnreliableCloudFront(strict_account.api, choose_fault=faults))

    repeat(lambda: world.trust(key_groups))
    assert world.state() == TRUSTED

    repeat(lambda: world.retire(key_groups))
    assert world.state() == RETIRED
