"""Let several threads change one key group at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random

from cfsigned_django.aws.key_groups import KeyGroups
from tests.aws.api import Account, new_pem

THREADS = 8


def key_groups(account: Account) -> KeyGroups:
    """Return key groups that really pause, by chance: that is what ends a race."""
    return KeyGroups(account.api, jitter=Random().random)


def test_no_added_key_is_lost(account: Account) -> None:
    """Have all keys in the group after eight threads added one each."""
    theirs = account.upload("theirs")
    ours = [account.upload(f"key {number}") for number in range(THREADS)]
    group = account.make_group(theirs)

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda key: key_groups(account).add(group, key), ours))

    assert sorted(account.key_groups.members(group)) == sorted([theirs, *ours])
    assert all(key in answer for key, answer in zip(ours, answers, strict=True))


def test_adding_and_removing_at_once(account: Account) -> None:
    """Have exactly the added keys after four threads added and four removed one each."""
    theirs = account.upload("theirs")
    old = [account.upload(f"old {number}") for number in range(THREADS // 2)]
    new = [account.upload(f"new {number}") for number in range(THREADS // 2)]
    group = account.make_group(theirs, *old)

    def change(key: str) -> None:
        if key in old:
            key_groups(account).remove(group, key)
        else:
            key_groups(account).add(group, key)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(change, [*old, *new]))

    assert sorted(account.key_groups.members(group)) == sorted([theirs, *new])


def test_one_key_is_created_once(strict_account: Account) -> None:
    """Return one id to eight threads that ensure the same key."""
    pem = new_pem()

    def ensure(_: int) -> str:
        return key_groups(strict_account).ensure_public_key(
            caller_reference="ours", name="ours", public_key_pem=pem
        )

    with ThreadPoolExecutor(THREADS) as pool:
        ids = set(pool.map(ensure, range(THREADS)))

    assert len(ids) == 1
    assert strict_account.names() == ["ours"]
