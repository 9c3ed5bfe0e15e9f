"""Delete public keys, whatever became of the call before."""

from __future__ import annotations

import pytest

from cfsigned_django.aws.errors import AwsError
from tests.aws.api import Account
from tests.simulation.faults import Fault


def test_deletes(account: Account) -> None:
    """Delete the key, and nothing else; a second time is fine."""
    account.upload("theirs")
    key_pair_id = account.upload("ours")

    account.key_groups.delete_public_key(key_pair_id)
    account.key_groups.delete_public_key(key_pair_id)

    assert account.names() == ["theirs"]


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.FAILED_LATE])
def test_delete_after_a_lost_answer(account: Account, fault: Fault) -> None:
    """Succeed in the next call where the answer to the first delete was lost."""
    key_pair_id = account.upload("ours")
    with pytest.raises(AwsError):
        account.with_faults("delete_public_key", fault).delete_public_key(key_pair_id)

    account.key_groups.delete_public_key(key_pair_id)

    assert account.names() == []


def test_delete_sent_twice(account: Account) -> None:
    """Succeed where botocore sent the delete twice, and the second found nothing."""
    key_pair_id = account.upload("ours")

    account.with_faults("delete_public_key", Fault.SENT_TWICE).delete_public_key(key_pair_id)

    assert account.names() == []


def test_does_not_delete_a_key_in_use(account: Account) -> None:
    """Explain that a key group still holds the key."""
    key_pair_id = account.upload("ours")
    account.make_group(key_pair_id)

    with pytest.raises(AwsError, match=r"another key group, .* still holds") as caught:
        account.key_groups.delete_public_key(key_pair_id)

    assert caught.value.code == "PublicKeyInUse"
    assert account.names() == ["ours"]


def change_comment(account: Account, key_pair_id: str, comment: str) -> None:
    """Change the comment of a public key by hand, and with it the ETag."""
    answer = account.api.get_public_key(Id=key_pair_id)
    config = answer["PublicKey"]["PublicKeyConfig"] | {"Comment": comment}
    account.api.update_public_key(Id=key_pair_id, IfMatch=answer["ETag"], PublicKeyConfig=config)


def test_delete_of_a_key_that_somebody_changes(account: Account) -> None:
    """Delete the key although its comment was changed after the look."""
    key_pair_id = account.upload("ours")
    comments = iter(["changed once"])

    def go_first(method: str, side: str) -> None:
        if (method, side) == ("delete_public_key", "before"):
            for comment in comments:
                change_comment(account, key_pair_id, comment)

    account.with_boundary(go_first).delete_public_key(key_pair_id)

    assert account.names() == []
    assert len(account.pauses) == 1


def test_delete_gives_up_at_last(account: Account) -> None:
    """Raise a temporary error where somebody keeps changing the key."""
    key_pair_id = account.upload("ours")
    numbers = iter(range(100))

    def go_first(method: str, side: str) -> None:
        if (method, side) == ("delete_public_key", "before"):
            change_comment(account, key_pair_id, f"change {next(numbers)}")

    with pytest.raises(AwsError, match="somebody else changed it") as caught:
        account.with_boundary(go_first).delete_public_key(key_pair_id)

    assert caught.value.code == "PreconditionFailed"
    assert caught.value.is_temporary
    assert next(numbers) == 12
