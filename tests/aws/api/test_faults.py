"""Let each change meet each fault of the network, repeat it, and end as without the fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KeyGroups
from tests.aws.api import Account, ensure, new_pem
from tests.simulation.faults import Fault


class World:
    """An account with a key group of one key, and a key of ours that is in no group."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.pem = new_pem()
        self.theirs, self.ours = account.upload("theirs"), account.upload("ours")
        self.group = account.make_group(self.theirs)

    def create(self, key_groups: KeyGroups) -> object:
        """Create a key."""
        return ensure(key_groups, "new", self.pem)

    def delete(self, key_groups: KeyGroups) -> object:
        """Delete our key."""
        key_groups.delete_public_key(self.ours)
        return None

    def add(self, key_groups: KeyGroups) -> object:
        """Add our key to the group."""
        return key_groups.add(self.group, self.ours)

    def remove(self, key_groups: KeyGroups) -> object:
        """Remove our key from the group."""
        return key_groups.remove(self.group, self.ours)

    def state(self) -> tuple[list[str], tuple[str, ...]]:
        """Return the names of the keys, and what is in the group."""
        return self.account.names(), self.account.key_groups.members(self.group)


#: Change -> the call that meets the fault.
CHANGES: dict[Callable[[World, KeyGroups], object], str] = {
    World.create: "create_public_key",
    World.delete: "delete_public_key",
    World.add: "update_key_group",
    World.remove: "update_key_group",
}


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
    world = World(account)
    if change is World.remove:
        world.add(account.key_groups)
    before = world.state()
    key_groups = account.with_faults(CHANGES[change], fault)

    if fault is Fault.SENT_TWICE:
        answer = change(world, key_groups)
    else:
        with pytest.raises(AwsError) as caught:
            change(world, key_groups)
        assert caught.value.is_temporary
        has_effect = fault in (Fault.LOST, Fault.FAILED_LATE)
        assert (world.state() != before) is has_effect
        answer = change(world, account.key_groups)
    after = world.state()

    assert after != before
    assert change(world, account.key_groups) == answer
    assert world.state() == after
