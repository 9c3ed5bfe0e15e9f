"""Create, find and delete public keys, and change nothing of a key group but its keys.

Modules: core/aws/key_groups.py
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.aws.key_groups import LAST_PUBLIC_KEY, KeyGroups
from cfsigned_django.signing import InvalidKey, PrivateKey
from tests.core.aws import Account, ensure, new_pem
from tests.simulation.faults import Boundary, Fault, UnreliableCloudFront
from tests.simulation.strict_cloudfront import StrictCloudFront

UNKNOWN_GROUP = "00000000-0000-4000-8000-000000000000"


def before(method: str, do: Callable[[], object]) -> Boundary:
    """Return a boundary at which another process goes first, each time a method is called."""

    def go_first(called: str, side: str) -> None:
        if (called, side) == (method, "before"):
            do()

    return go_first


def test_adds_and_removes_once(account: Account) -> None:
    """Change the list of keys alone, and the second time nothing, not even the ETag."""
    theirs, ours = account.upload("theirs"), account.upload("ours")
    group = account.make_group(theirs)

    for change, expected in (
        (account.key_groups.add, (theirs, ours)),
        (account.key_groups.remove, (theirs,)),
    ):
        assert change(group, ours) == expected
        before = account.api.get_key_group(Id=group)["ETag"]
        assert change(group, ours) == expected
        assert account.api.get_key_group(Id=group)["ETag"] == before
        assert account.group_config(group) == {
            "Name": "media",
            "Comment": "ours",
            "Items": list(expected),
        }


@pytest.mark.parametrize("is_there", [False, True])
def test_somebody_else_is_quicker(account: Account, is_there: bool) -> None:
    """Keep what another process added after the read, and restore nothing that it removed."""
    first, theirs, ours = (account.upload(name) for name in ("first", "theirs", "ours"))
    group = account.make_group(*([first, theirs] if is_there else [first]))
    change = account.key_groups.remove if is_there else account.key_groups.add
    expected = (first, ours) if is_there else (first, theirs, ours)

    quicker = before("update_key_group", lambda: change(group, theirs))

    assert account.with_boundary(quicker).add(group, ours) == expected
    assert account.key_groups.members(group) == expected
    assert account.pauses == [0.1]


def test_gives_up_at_last(account: Account) -> None:
    """Raise a temporary error, after growing pauses, if others keep changing the group."""
    first, theirs, ours = (account.upload(name) for name in ("first", "theirs", "ours"))
    group = account.make_group(first)

    def change_it() -> None:
        if theirs in account.key_groups.members(group):
            account.key_groups.remove(group, theirs)
        else:
            account.key_groups.add(group, theirs)

    with pytest.raises(AwsError) as caught:
        account.with_boundary(before("update_key_group", change_it)).add(group, ours)

    assert (caught.value.code, caught.value.is_temporary) == ("PreconditionFailed", True)
    assert account.pauses == sorted(account.pauses)
    assert (len(account.pauses), max(account.pauses)) == (11, 2.0)


def test_unknown_ids(account: Account) -> None:
    """Name the id, and the setting of a key group's, and leave the group as it was."""
    theirs = account.upload("theirs")
    group = account.make_group(theirs)

    for unknown, ask, named in (
        (UNKNOWN_GROUP, account.key_groups.members, "AWS_CLOUDFRONT_KEY_GROUP_ID"),
        ("KNOSUCHKEY0000", partial(account.key_groups.add, group), "add KNOSUCHKEY0000"),
    ):
        with pytest.raises(AwsError, match=named) as caught:
            ask(unknown)
        assert unknown in caught.value.what
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


def test_full_group(strict_account: Account) -> None:
    """Name the keys of a group that has no room for another one, and leave it as it is."""
    keys = [strict_account.upload(f"key {number}") for number in range(6)]
    group = strict_account.make_group(*keys[:5])

    with pytest.raises(AwsError, match=", ".join(keys[:5])) as caught:
        strict_account.key_groups.add(group, keys[5])

    assert caught.value.code == "TooManyPublicKeysInKeyGroup"
    assert strict_account.key_groups.members(group) == tuple(keys[:5])


def test_creates_once(account: Account, rsa_key: PrivateKey) -> None:
    """Create what is missing as it was given; the second time, with other line ends, find it."""
    for name, pem in (("ours", new_pem()), ("rsa", rsa_key.public_key.to_pem())):
        create = partial(
            account.key_groups.ensure_public_key, caller_reference=f"{name} 1", name=name
        )
        key_pair_id = create(public_key_pem=pem)
        assert create(public_key_pem=pem.replace("\n", "\r\n")) == key_pair_id

        config = account.api.get_public_key(Id=key_pair_id)["PublicKey"]["PublicKeyConfig"]
        assert (config["CallerReference"], config["Name"]) == (f"{name} 1", name)
        assert config["EncodedKey"].split() == pem.split()
        listed = {each.key_pair_id: each for each in account.key_groups.public_keys()}
        assert listed[key_pair_id].holds(pem.replace("\n", "\r\n").strip())

    assert account.names() == ["ours", "rsa"]


def test_finds_what_another_process_created(strict_account: Account) -> None:
    """Return the id if another process creates the same key after the look."""
    pem = new_pem()
    quicker = before("create_public_key", lambda: ensure(strict_account.key_groups, "ours", pem))

    key_pair_id = ensure(strict_account.with_boundary(quicker), "ours", pem)

    assert ensure(strict_account.key_groups, "ours", pem) == key_pair_id
    assert strict_account.names() == ["ours"]


def test_gives_up_on_a_key_that_is_never_listed(strict_account: Account) -> None:
    """Raise if the key was created once and deleted since, or is not listed yet."""
    pem = new_pem()
    strict_account.key_groups.delete_public_key(ensure(strict_account.key_groups, "ours", pem))

    with pytest.raises(AwsError) as caught:
        ensure(strict_account.key_groups, "ours", pem)

    assert (caught.value.code, caught.value.is_temporary) == ("PublicKeyAlreadyExists", True)


@pytest.mark.parametrize("name", ["ours", "by hand"])
def test_names_the_key_that_is_there(strict_account: Account, name: str) -> None:
    """Name the other key of the same name, or the same key of another name; take neither."""
    pem = new_pem()
    strict_account.upload("theirs")
    there = strict_account.upload(name, new_pem() if name == "ours" else pem)

    with pytest.raises(AwsError) as caught:
        ensure(strict_account.key_groups, "ours", pem)

    assert (caught.value.code, caught.value.is_temporary) == ("PublicKeyAlreadyExists", False)
    assert there in caught.value.reason


def test_looks_at_every_page() -> None:
    """List the names and ids of the keys of all pages, and find a key on the last one."""
    account = Account(api=StrictCloudFront(page_size=2))
    pems = [new_pem() for _ in range(5)]
    ids = [account.upload(f"key {number}", pem) for number, pem in enumerate(pems)]

    listed = [(each.name, each.key_pair_id) for each in account.key_groups.public_keys()]

    assert listed == [(f"key {number}", each) for number, each in enumerate(ids)]
    assert ensure(account.key_groups, "key 4", pems[4]) == ids[4]


def test_private_key_never_leaves(strict_account: Account, ec_key: PrivateKey) -> None:
    """Refuse a private key before anything is sent, without a word of it."""
    pem = ec_key.to_pem().decode()

    def fail(method: str, side: str) -> None:
        raise AssertionError(f"{method} was called")

    with pytest.raises(InvalidKey) as caught:
        ensure(strict_account.with_boundary(fail), "ours", pem)

    assert pem.splitlines()[1] not in str(caught.value)


def test_deletes_a_key_that_somebody_changes(account: Account) -> None:
    """Delete a key whose comment is changed after the look."""
    key_pair_id = account.upload("ours")
    comments = iter(["changed"])

    def change_comment() -> None:
        for comment in comments:
            answer = account.api.get_public_key(Id=key_pair_id)
            config = answer["PublicKey"]["PublicKeyConfig"] | {"Comment": comment}
            account.api.update_public_key(
                Id=key_pair_id, IfMatch=answer["ETag"], PublicKeyConfig=config
            )

    key_groups = account.with_boundary(before("delete_public_key", change_comment))
    key_groups.delete_public_key(key_pair_id)

    assert account.names() == []
    assert account.pauses == [0.1]


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.NONE])
@pytest.mark.parametrize("change", ["create", "add", "remove", "delete"])
def test_fault(account: Account, strict_account: Account, change: str, fault: Fault) -> None:
    """Raise a temporary error unless all is well; do nothing twice, and nothing by halves."""
    if (change, fault) == ("create", Fault.SENT_TWICE):
        account = strict_account  # the emulator makes a key twice if it is asked twice
    pem, group = new_pem(), account.make_group(account.upload("theirs"))
    ours = account.upload("ours", pem) if change != "create" else ""
    if change == "remove":
        account.key_groups.add(group, ours)
    #: What meets the fault, what is done, and at the end the keys and how many are in the group.
    changes: dict[str, tuple[str, Callable[[KeyGroups], object], tuple[str, int]]] = {
        "create": ("create_public_key", lambda api: ensure(api, "ours", pem), ("ours theirs", 1)),
        "add": ("update_key_group", lambda api: api.add(group, ours), ("ours theirs", 2)),
        "remove": ("update_key_group", lambda api: api.remove(group, ours), ("ours theirs", 1)),
        "delete": ("delete_public_key", lambda api: api.delete_public_key(ours), ("theirs", 1)),
    }
    method, do, end = changes[change]

    def state() -> tuple[str, int]:
        return " ".join(account.names()), len(account.key_groups.members(group))

    def choose(called: str) -> Fault:
        return faults.pop() if called == method and faults else Fault.NONE

    faults, before = [fault], state()
    key_groups = account.over(UnreliableCloudFront(account.api, choose_fault=choose))
    if fault is not Fault.SENT_TWICE:
        with pytest.raises(AwsError) as caught:
            do(key_groups)
        assert caught.value.is_temporary
        assert state() == (end if fault in (Fault.LOST, Fault.FAILED_LATE) else before)
    answer = do(key_groups)

    assert state() == end
    assert do(account.key_groups) == answer
    assert state() == end
