"""Create, find and delete public keys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.signing import InvalidKey, PrivateKey
from tests.aws.api import Account, ensure, new_pem
from tests.simulation.strict_cloudfront import StrictCloudFront


def test_creates_what_is_missing(account: Account) -> None:
    """Create the key with the reference, the name, the PEM and the comment that were given."""
    pem = new_pem()

    key_pair_id = account.key_groups.ensure_public_key(
        caller_reference="reference", name="name", public_key_pem=pem, comment="why"
    )

    config = account.api.get_public_key(Id=key_pair_id)["PublicKey"]["PublicKeyConfig"]
    assert key_pair_id.startswith("K")
    assert config | {"EncodedKey": config["EncodedKey"].split()} == {
        "CallerReference": "reference",
        "Name": "name",
        "EncodedKey": pem.split(),
        "Comment": "why",
    }


def test_creates_once(account: Account, rsa_key: PrivateKey) -> None:
    """Return the same id when it is called again, also for a PEM with other line ends."""
    for name, pem in (("ours", new_pem()), ("rsa", rsa_key.public_key.to_pem())):
        first = ensure(account.key_groups, name, pem)
        assert ensure(account.key_groups, name, pem.replace("\n", "\r\n")) == first

    assert account.names() == ["ours", "rsa"]


def test_finds_what_another_process_created(strict_account: Account) -> None:
    """Return the id if another process creates the same key after the look."""
    pem = new_pem()

    def go_first(method: str, side: str) -> None:
        if (method, side) == ("create_public_key", "before"):
            ensure(strict_account.key_groups, "ours", pem)

    key_pair_id = ensure(strict_account.with_boundary(go_first), "ours", pem)

    assert ensure(strict_account.key_groups, "ours", pem) == key_pair_id
    assert strict_account.names() == ["ours"]


def test_one_key_is_created_once(strict_account: Account) -> None:
    """Return one id to eight threads that ensure the same key."""
    pem = new_pem()

    def create(_: int) -> str:
        return ensure(KeyGroups(strict_account.api, jitter=Random().random), "ours", pem)

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(create, range(8)))

    assert len(ids) == 1
    assert strict_account.names() == ["ours"]


def test_waits_until_a_new_key_is_listed() -> None:
    """Look again if CloudFront calls a key existing before it lists it."""
    seconds = [0.0]
    account = Account(api=StrictCloudFront(clock=lambda: seconds[0], list_lag=0.5))
    pem = new_pem()
    first = ensure(account.key_groups, "ours", pem)

    def sleep(pause: float) -> None:
        seconds[0] += pause

    assert ensure(KeyGroups(account.api, sleep=sleep, jitter=lambda: 1.0), "ours", pem) == first


def test_gives_up_on_a_key_that_is_never_listed(strict_account: Account) -> None:
    """Raise, after a few looks, if the key was created once and deleted since."""
    pem = new_pem()
    strict_account.key_groups.delete_public_key(ensure(strict_account.key_groups, "ours", pem))

    with pytest.raises(AwsError) as caught:
        ensure(strict_account.key_groups, "ours", pem)

    assert (caught.value.code, caught.value.is_temporary) == ("PublicKeyAlreadyExists", True)
    assert len(strict_account.pauses) == 5


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
    """Find a key on the last page, and one page after the other."""
    account = Account(api=StrictCloudFront(page_size=2))
    ids = [account.upload(f"key {number}") for number in range(5)]

    found = account.key_groups.find_public_key("key 4")

    assert found is not None
    assert found.key_pair_id == ids[4]
    assert [each.key_pair_id for each in account.key_groups.public_keys()] == ids


def test_lists_names_and_comments(account: Account) -> None:
    """List a key with its name and its comment, which may be missing; find none in the rest."""
    assert account.key_groups.find_public_key("ours") is None
    account.upload("theirs")
    ensure(account.key_groups, "ours", new_pem(), comment="why")

    listed = {each.name: each.comment for each in account.key_groups.public_keys()}

    assert listed == {"theirs": "", "ours": "why"}


def test_private_key_never_leaves(strict_account: Account, ec_key: PrivateKey) -> None:
    """Refuse a private key before anything is sent, without a word of it."""
    pem = ec_key.to_pem().decode()

    def fail(method: str, side: str) -> None:
        raise AssertionError(f"{method} was called")

    with pytest.raises(InvalidKey) as caught:
        ensure(strict_account.with_boundary(fail), "ours", pem)

    assert pem.splitlines()[1] not in str(caught.value)


def test_refuses_a_long_comment(account: Account) -> None:
    """Take 128 characters of comment, and no more."""
    ensure(account.key_groups, "ours", new_pem(), comment="x" * 128)

    with pytest.raises(ValueError, match="129"):
        ensure(account.key_groups, "longer", new_pem(), comment="x" * 129)


def test_quota_of_the_account(strict_account: Account) -> None:
    """Raise AWS's code and name the permission if the account is full."""
    for number in range(10):
        strict_account.upload(f"key {number}")

    with pytest.raises(AwsError) as caught:
        ensure(strict_account.key_groups, "ours", new_pem())

    assert caught.value.code == "TooManyPublicKeys"
    assert caught.value.permission == "cloudfront:CreatePublicKey"


def test_deletes(account: Account) -> None:
    """Delete the key, and nothing else; a second time is fine."""
    account.upload("theirs")
    key_pair_id = account.upload("ours")

    account.key_groups.delete_public_key(key_pair_id)
    account.key_groups.delete_public_key(key_pair_id)

    assert account.names() == ["theirs"]


def test_does_not_delete_a_key_in_use(account: Account) -> None:
    """Raise if a key group still holds the key."""
    key_pair_id = account.upload("ours")
    account.make_group(key_pair_id)

    with pytest.raises(AwsError) as caught:
        account.key_groups.delete_public_key(key_pair_id)

    assert caught.value.code == "PublicKeyInUse"
    assert account.names() == ["ours"]


def while_changed(account: Account, key_pair_id: str, times: int) -> KeyGroups:
    """Return key groups before whose deletes somebody changes the comment of the key."""
    numbers = iter(range(times))

    def change_comment(method: str, side: str) -> None:
        if (method, side) != ("delete_public_key", "before") or (number := next(numbers, -1)) < 0:
            return
        answer = account.api.get_public_key(Id=key_pair_id)
        config = answer["PublicKey"]["PublicKeyConfig"] | {"Comment": f"change {number}"}
        account.api.update_public_key(
            Id=key_pair_id, IfMatch=answer["ETag"], PublicKeyConfig=config
        )

    return account.with_boundary(change_comment)


def test_deletes_a_key_that_somebody_changes(account: Account) -> None:
    """Delete the key although its comment was changed after the look."""
    key_pair_id = account.upload("ours")

    while_changed(account, key_pair_id, 1).delete_public_key(key_pair_id)

    assert account.names() == []
    assert len(account.pauses) == 1


def test_delete_gives_up_at_last(account: Account) -> None:
    """Raise a temporary error after twelve attempts if somebody keeps changing the key."""
    key_pair_id = account.upload("ours")

    with pytest.raises(AwsError) as caught:
        while_changed(account, key_pair_id, 100).delete_public_key(key_pair_id)

    assert (caught.value.code, caught.value.is_temporary) == ("PreconditionFailed", True)
    assert len(account.pauses) == 11
