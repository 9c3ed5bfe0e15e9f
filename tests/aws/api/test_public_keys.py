"""Create and find public keys, whatever became of the call before."""

from __future__ import annotations

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.signing import InvalidKey, PrivateKey
from tests.aws.api import Account, new_pem
from tests.simulation.faults import Fault
from tests.simulation.strict_cloudfront import StrictCloudFront

NO_EFFECT = [Fault.THROTTLED, Fault.UNREACHABLE, Fault.FAILED]
ANSWER_LOST = [Fault.LOST, Fault.FAILED_LATE]


def ensure(key_groups: KeyGroups, name: str, pem: str, *, comment: str = "") -> str:
    """Ensure a public key whose caller reference is its name."""
    return key_groups.ensure_public_key(
        caller_reference=name, name=name, public_key_pem=pem, comment=comment
    )


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


def test_creates_once(account: Account) -> None:
    """Return the same id when it is called again, also for a PEM with other line ends."""
    pem = new_pem()
    first = ensure(account.key_groups, "ours", pem)

    again = ensure(account.key_groups, "ours", pem.replace("\n", "\r\n"))

    assert again == first
    assert account.names() == ["ours"]


def test_rsa_key(account: Account, rsa_key: PrivateKey) -> None:
    """Take an RSA 2048 key as well."""
    pem = rsa_key.public_key.to_pem()

    assert ensure(account.key_groups, "rsa", pem) == ensure(account.key_groups, "rsa", pem)


@pytest.mark.parametrize("fault", ANSWER_LOST)
def test_finds_what_a_lost_answer_created(account: Account, fault: Fault) -> None:
    """Find the key in the next call where the answer to the first was lost on the way."""
    pem = new_pem()
    with pytest.raises(AwsError) as caught:
        ensure(account.with_faults("create_public_key", fault), "ours", pem)

    key_pair_id = ensure(account.key_groups, "ours", pem)

    assert caught.value.is_temporary
    found = account.key_groups.find_public_key("ours")
    assert found is not None
    assert found.key_pair_id == key_pair_id
    assert account.names() == ["ours"]


@pytest.mark.parametrize("fault", NO_EFFECT)
def test_says_that_trying_again_helps(account: Account, fault: Fault) -> None:
    """Call an error temporary where nothing happened and the same call may succeed later."""
    with pytest.raises(AwsError) as caught:
        ensure(account.with_faults("create_public_key", fault), "ours", new_pem())

    assert caught.value.is_temporary
    assert account.names() == []


def test_finds_what_an_earlier_attempt_created(strict_account: Account) -> None:
    """Return the id where botocore sent the request twice, and the second was refused."""
    key_groups = strict_account.with_faults("create_public_key", Fault.SENT_TWICE)

    key_pair_id = ensure(key_groups, "ours", new_pem())

    assert [each.key_pair_id for each in key_groups.public_keys()] == [key_pair_id]


def test_finds_what_another_process_created(strict_account: Account) -> None:
    """Return the id where another process creates the same key after the look."""
    pem = new_pem()

    def go_first(method: str, side: str) -> None:
        if (method, side) == ("create_public_key", "before"):
            ensure(strict_account.key_groups, "ours", pem)

    key_pair_id = ensure(strict_account.with_boundary(go_first), "ours", pem)

    assert ensure(strict_account.key_groups, "ours", pem) == key_pair_id
    assert strict_account.names() == ["ours"]


def test_waits_until_a_new_key_is_listed() -> None:
    """Look again where CloudFront calls a key existing before it lists it."""
    seconds = [0.0]
    account = Account(api=StrictCloudFront(clock=lambda: seconds[0], list_lag=0.5))
    pem = new_pem()
    first = ensure(account.key_groups, "ours", pem)

    def sleep(pause: float) -> None:
        seconds[0] += pause

    key_groups = KeyGroups(account.api, sleep=sleep, jitter=lambda: 1.0)

    assert ensure(key_groups, "ours", pem) == first


def test_gives_up_on_a_key_that_is_never_listed(strict_account: Account) -> None:
    """Raise, after a few looks, where the key was created once and deleted since."""
    pem = new_pem()
    key_pair_id = ensure(strict_account.key_groups, "ours", pem)
    strict_account.key_groups.delete_public_key(key_pair_id)

    with pytest.raises(AwsError, match="does not list it") as caught:
        ensure(strict_account.key_groups, "ours", pem)

    assert caught.value.code == "PublicKeyAlreadyExists"
    assert len(strict_account.pauses) == 5


def test_refuses_a_name_of_another_key(account: Account) -> None:
    """Say whose name it is, and do not take the other key for this one."""
    theirs = account.upload("ours")

    with pytest.raises(AwsError, match=f"another key, {theirs}, has that name") as caught:
        ensure(account.key_groups, "ours", new_pem())

    assert caught.value.code == "PublicKeyAlreadyExists"
    assert not caught.value.is_temporary


def test_names_the_same_key_under_another_name(strict_account: Account) -> None:
    """Say under which name and id CloudFront has the key already."""
    pem = new_pem()
    strict_account.upload("theirs")
    by_hand = strict_account.upload("by hand", pem)

    with pytest.raises(AwsError, match=f"under another name: by hand, {by_hand}"):
        ensure(strict_account.key_groups, "ours", pem)


def test_looks_at_every_page() -> None:
    """Find a key on the last page, and one page after the other."""
    account = Account(api=StrictCloudFront(page_size=2))
    ids = [account.upload(f"key {number}") for number in range(5)]

    found = account.key_groups.find_public_key("key 4")

    assert found is not None
    assert found.key_pair_id == ids[4]
    assert [each.key_pair_id for each in account.key_groups.public_keys()] == ids


def test_lists_names_and_comments(account: Account) -> None:
    """List a key with its name and its comment, which may be missing."""
    account.upload("theirs")
    ensure(account.key_groups, "ours", new_pem(), comment="why")

    listed = {each.name: each.comment for each in account.key_groups.public_keys()}

    assert listed == {"theirs": "", "ours": "why"}


def test_empty_account(account: Account) -> None:
    """Find nothing where there are no public keys."""
    assert account.key_groups.find_public_key("ours") is None


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

    with pytest.raises(ValueError, match="comment has 129 characters"):
        ensure(account.key_groups, "longer", new_pem(), comment="x" * 129)


def test_quota_of_the_account(strict_account: Account) -> None:
    """Say that the account is full, and what to do about it."""
    for number in range(10):
        strict_account.upload(f"key {number}")

    with pytest.raises(AwsError, match="as many public keys as its quota allows") as caught:
        ensure(strict_account.key_groups, "ours", new_pem())

    assert caught.value.code == "TooManyPublicKeys"
    assert caught.value.permission == "cloudfront:CreatePublicKey"
