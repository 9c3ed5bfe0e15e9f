"""Add keys to a key group and remove them, with everything else left as it is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import LAST_PUBLIC_KEY, KeyGroups
from tests.aws.api import Account
from tests.simulation.faults import Boundary

THREADS = 8
UNKNOWN_GROUP = "00000000-0000-4000-8000-000000000000"


def before_an_update(do: Callable[[], object]) -> Boundary:
    """Return a boundary that lets somebody else go first each time a key group is changed."""

    def go_first(method: str, side: str) -> None:
        if (method, side) == ("update_key_group", "before"):
            do()

    return go_first


def test_members(account: Account) -> None:
    """Return the ids in the order of the key group."""
    second, first = account.upload("second"), account.upload("first")
    group = account.make_group(first, second)

    assert account.key_groups.members(group) == (first, second)


def test_unknown_key_group(account: Account) -> None:
    """Name the id and the setting if there is no such key group."""
    with pytest.raises(AwsError, match="AWS_CLOUDFRONT_KEY_GROUP_ID") as caught:
        account.key_groups.members(UNKNOWN_GROUP)

    assert caught.value.code == "NoSuchResource"
    assert UNKNOWN_GROUP in caught.value.what
    assert not caught.value.is_temporary


def test_adds_and_removes_once(account: Account) -> None:
    """Change the list of keys alone, and the second time nothing, not even the ETag."""
    theirs, ours = account.upload("theirs"), account.upload("ours")
    group = account.make_group(theirs)

    def etag() -> str:
        found: str = account.api.get_key_group(Id=group)["ETag"]
        return found

    for change, expected in (
        (account.key_groups.add, (theirs, ours)),
        (account.key_groups.remove, (theirs,)),
    ):
        assert change(group, ours) == expected
        before = etag()
        assert change(group, ours) == expected
        assert etag() == before
        assert account.group_config(group) == {
            "Name": "media",
            "Comment": "ours",
            "Items": list(expected),
        }


@pytest.mark.parametrize("is_there", [False, True])
def test_somebody_else_is_quicker(account: Account, is_there: bool) -> None:
    """Keep what somebody else added after the look, and bring nothing back that they removed."""
    first, theirs, ours = (account.upload(name) for name in ("first", "theirs", "ours"))
    group = account.make_group(*([first, theirs] if is_there else [first]))
    change = account.key_groups.remove if is_there else account.key_groups.add
    expected = (first, ours) if is_there else (first, theirs, ours)

    quicker = before_an_update(lambda: change(group, theirs))

    assert account.with_boundary(quicker).add(group, ours) == expected
    assert account.key_groups.members(group) == expected
    assert account.pauses == [0.1]


def test_gives_up_at_last(account: Account) -> None:
    """Raise a temporary error, after pauses that grow, if somebody keeps changing the group."""
    first, theirs, ours = (account.upload(name) for name in ("first", "theirs", "ours"))
    group = account.make_group(first)

    def change_it() -> None:
        if theirs in account.key_groups.members(group):
            account.key_groups.remove(group, theirs)
        else:
            account.key_groups.add(group, theirs)

    with pytest.raises(AwsError) as caught:
        account.with_boundary(before_an_update(change_it)).add(group, ours)

    assert (caught.value.code, caught.value.is_temporary) == ("PreconditionFailed", True)
    assert account.pauses == sorted(account.pauses)
    assert (len(account.pauses), max(account.pauses)) == (11, 2.0)


def test_unknown_public_key(account: Account) -> None:
    """Raise if CloudFront does not know the key, and leave the group as it was."""
    theirs = account.upload("theirs")
    group = account.make_group(theirs)

    with pytest.raises(AwsError) as caught:
        account.key_groups.add(group, "KNOSUCHKEY0000")

    assert "KNOSUCHKEY0000" in caught.value.what
    assert not caught.value.is_temporary
    assert account.key_groups.members(group) == (theirs,)


def test_keeps_the_last_key(account: Account) -> None:
    """Refuse to remove the only key of a group, unless it is another one."""
    theirs, ours = account.upload("theirs"), account.upload("ours")
    group = account.make_group(theirs)

    with pytest.raises(AwsError) as caught:
        account.key_groups.remove(group, theirs)

    assert caught.value.code == LAST_PUBLIC_KEY
    assert account.key_groups.remove(group, ours) == (theirs,)
    assert account.key_groups.members(group) == (theirs,)


def test_room(account: Account) -> None:
    """Raise for a full group, unless the key is in it already."""
    keys = [account.upload(f"key {number}") for number in range(5)]
    group = account.make_group(*keys[:4])
    account.key_groups.check_room(group)
    account.key_groups.add(group, keys[4])

    with pytest.raises(AwsError, match="AWS_CLOUDFRONT_KEY_GROUP_QUOTA") as caught:
        account.key_groups.check_room(group)

    assert caught.value.code == "TooManyPublicKeysInKeyGroup"
    account.key_groups.check_room(group, quota=6)
    account.key_groups.check_room(group, key_pair_id=keys[4])


def test_group_that_filled_up_in_between(strict_account: Account) -> None:
    """Raise the same if AWS finds the group full in the last moment."""
    keys = [strict_account.upload(f"key {number}") for number in range(6)]
    group = strict_account.make_group(*keys[:5])

    with pytest.raises(AwsError, match="AWS_CLOUDFRONT_KEY_GROUP_QUOTA") as caught:
        strict_account.key_groups.add(group, keys[5])

    assert caught.value.code == "TooManyPublicKeysInKeyGroup"
    assert strict_account.key_groups.members(group) == tuple(keys[:5])


@pytest.mark.parametrize("removed", [0, THREADS // 2])
def test_threads(account: Account, removed: int) -> None:
    """Lose no change of eight threads that add or remove one key each at once."""
    theirs = account.upload("theirs")
    keys = [account.upload(f"key {number}") for number in range(THREADS)]
    old, new = keys[:removed], keys[removed:]
    group = account.make_group(theirs, *old)

    def change(key: str) -> bool:
        # With pauses of random length: that is what ends a race.
        key_groups = KeyGroups(account.api, jitter=Random().random)
        if key in old:
            return key not in key_groups.remove(group, key)
        return key in key_groups.add(group, key)

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(change, keys))

    assert sorted(account.key_groups.members(group)) == sorted([theirs, *new])
