"""Add keys to a key group and remove them, with everything else left as it is."""

from __future__ import annotations

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import LAST_PUBLIC_KEY
from tests.aws.api import Account
from tests.simulation.faults import Fault

NO_EFFECT = [Fault.THROTTLED, Fault.UNREACHABLE, Fault.FAILED]
ANSWER_LOST = [Fault.LOST, Fault.FAILED_LATE]


def test_members(account: Account) -> None:
    """Return the ids in the order of the key group."""
    second, first = account.upload("second"), account.upload("first")
    group = account.make_group(first, second)

    assert account.key_groups.members(group) == (first, second)


def test_unknown_key_group(account: Account) -> None:
    """Name the id and the setting where there is no such key group."""
    with pytest.raises(AwsError, match="AWS_CLOUDFRONT_KEY_GROUP_ID") as caught:
        account.key_groups.members("00000000-0000-4000-8000-000000000000")

    assert caught.value.code == "NoSuchResource"
    assert "00000000-0000-4000-8000-000000000000" in str(caught.value)
    assert not caught.value.is_temporary


def test_adds(account: Account) -> None:
    """Add the key behind those that are there, and keep the name and the comment."""
    theirs, ours = account.upload("theirs"), account.upload("ours")
    group = account.make_group(theirs)

    assert account.key_groups.add(group, ours) == (theirs, ours)

    assert account.group_config(group) == {
        "Name": "media",
        "Comment": "ours",
        "Items": [theirs, ours],
    }


def test_adds_once(account: Account) -> None:
    """Change nothing, not even the ETag, where the key is in the group."""
    theirs, ours = account.upload("theirs"), account.upload("ours")
    group = account.make_group(theirs, ours)
    before = account.api.get_key_group(Id=group)["ETag"]

    assert account.key_groups.add(group, ours) == (theirs, ours)

    assert account.api.get_key_group(Id=group)["ETag"] == before


def test_removes(account: Account) -> None:
    """Remove the key, and keep the others, the name and the comment; a second time is fine."""
    theirs, ours = account.upload("theirs"), account.upload("ours")
    group = account.make_group(ours, theirs)

    assert account.key_groups.remove(group, ours) == (theirs,)
    assert account.key_groups.remove(group, ours) == (theirs,)

    assert account.group_config(group) == {"Name": "media", "Comment": "ours", "Items": [theirs]}


@pytest.mark.parametrize("fault", ANSWER_LOST)
def test_a_lost_answer(account: Account, fault: Fault) -> None:
    """Find the change made in the next call, where the answer to the first was lost."""
    theirs, ours = account.upload("theirs"), account.upload("ours")
    group = account.make_group(theirs)

    with pytest.raises(AwsError) as caught:
        account.with_faults("update_key_group", fault).add(group, ours)
    assert account.key_groups.add(group, ours) == (theirs, ours)
    with pytest.raises(AwsError):
        account.with_faults("update_key_group", fault).remove(group, ours)
    assert account.key_groups.remove(group, ours) == (theirs,)

    assert caught.value.is_temporary


def test_sent_twice(account: Account) -> None:
    """Take a stale ETag for no failure where botocore's first attempt made the change."""
    theirs, ours = account.upload("theirs"), account.upload("ours")
    group = account.make_group(theirs)

    added = account.with_faults("update_key_group", Fault.SENT_TWICE).add(group, ours)
    removed = account.with_faults("update_key_group", Fault.SENT_TWICE).remove(group, ours)

    assert added == (theirs, ours)
    assert removed == (theirs,)


@pytest.mark.parametrize("fault", NO_EFFECT)
def test_a_call_without_effect(account: Account, fault: Fault) -> None:
    """Raise a temporary error, and leave the group as it was."""
    theirs, ours = account.upload("theirs"), account.upload("ours")
    group = account.make_group(theirs)

    with pytest.raises(AwsError) as caught:
        account.with_faults("update_key_group", fault).add(group, ours)

    assert caught.value.is_temporary
    assert account.key_groups.members(group) == (theirs,)


def test_somebody_else_adds_in_between(account: Account) -> None:
    """Keep the key that somebody else added after the look, and add this one."""
    first, theirs, ours = (account.upload(name) for name in ("first", "theirs", "ours"))
    group = account.make_group(first)

    def go_first(method: str, side: str) -> None:
        if (method, side) == ("update_key_group", "before"):
            account.key_groups.add(group, theirs)

    assert account.with_boundary(go_first).add(group, ours) == (first, theirs, ours)

    assert account.key_groups.members(group) == (first, theirs, ours)
    assert account.pauses == [0.1]


def test_somebody_else_removes_in_between(account: Account) -> None:
    """Not bring back the key that somebody else removed after the look."""
    first, theirs, ours = (account.upload(name) for name in ("first", "theirs", "ours"))
    group = account.make_group(first, theirs)

    def go_first(method: str, side: str) -> None:
        if (method, side) == ("update_key_group", "before"):
            account.key_groups.remove(group, theirs)

    assert account.with_boundary(go_first).add(group, ours) == (first, ours)


def test_gives_up_at_last(account: Account) -> None:
    """Raise a temporary error, after pauses that grow, where somebody keeps changing the group."""
    first, theirs, ours = (account.upload(name) for name in ("first", "theirs", "ours"))
    group = account.make_group(first)

    def go_first(method: str, side: str) -> None:
        if (method, side) == ("update_key_group", "before"):
            if theirs in account.key_groups.members(group):
                account.key_groups.remove(group, theirs)
            else:
                account.key_groups.add(group, theirs)

    with pytest.raises(AwsError, match="somebody else changed it") as caught:
        account.with_boundary(go_first).add(group, ours)

    assert caught.value.code == "PreconditionFailed"
    assert caught.value.is_temporary
    assert account.pauses == sorted(account.pauses)
    assert len(account.pauses) == 11
    assert max(account.pauses) == 2.0


def test_unknown_public_key(account: Account) -> None:
    """Raise where CloudFront does not know the key, and leave the group as it was."""
    theirs = account.upload("theirs")
    group = account.make_group(theirs)

    with pytest.raises(AwsError) as caught:
        account.key_groups.add(group, "KNOSUCHKEY0000")

    assert "add KNOSUCHKEY0000 to the key group" in str(caught.value)
    assert not caught.value.is_temporary
    assert account.key_groups.members(group) == (theirs,)


def test_keeps_the_last_key(account: Account) -> None:
    """Refuse to remove the only key of a group, and say why."""
    ours = account.upload("ours")
    group = account.make_group(ours)

    with pytest.raises(AwsError, match="CloudFront wants at least one") as caught:
        account.key_groups.remove(group, ours)

    assert caught.value.code == LAST_PUBLIC_KEY
    assert account.key_groups.members(group) == (ours,)


def test_another_last_key_is_no_obstacle(account: Account) -> None:
    """Do nothing where the only key of the group is another one."""
    theirs, ours = account.upload("theirs"), account.upload("ours")
    group = account.make_group(theirs)

    assert account.key_groups.remove(group, ours) == (theirs,)


def test_room(account: Account) -> None:
    """Raise for a full group, unless the key is in it already."""
    keys = [account.upload(f"key {number}") for number in range(5)]
    group = account.make_group(*keys[:4])
    account.key_groups.check_room(group)
    account.key_groups.add(group, keys[4])

    with pytest.raises(AwsError, match="it holds 5 public keys") as caught:
        account.key_groups.check_room(group)

    assert caught.value.code == "TooManyPublicKeysInKeyGroup"
    account.key_groups.check_room(group, quota=6)
    account.key_groups.check_room(group, key_pair_id=keys[4])


def test_group_that_filled_up_in_between(strict_account: Account) -> None:
    """Say the same where AWS finds the group full in the last moment."""
    keys = [strict_account.upload(f"key {number}") for number in range(6)]
    group = strict_account.make_group(*keys[:5])

    with pytest.raises(AwsError, match="it holds 5 public keys") as caught:
        strict_account.key_groups.add(group, keys[5])

    assert caught.value.code == "TooManyPublicKeysInKeyGroup"
    assert strict_account.key_groups.members(group) == tuple(keys[:5])
