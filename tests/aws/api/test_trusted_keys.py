"""Read the public keys of a key group as an edge does."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import KeyGroupReader
from cfsigned_django.signing import PublicKey
from tests.aws.api import Account, new_pem


def test_keys_come_with_their_ids(account: Account) -> None:
    """Return each key of the group, and none that is only in the account."""
    pem = new_pem()
    ours = account.upload("ours", pem)
    account.upload("other")
    reader = KeyGroupReader(account.api, account.make_group(ours))
    assert reader.read() == {ours: PublicKey.load(pem)}


def test_a_change_is_seen_at_the_next_look(account: Account) -> None:
    """Follow keys that are added and removed."""
    former, newer = account.upload("former"), account.upload("newer")
    group = account.make_group(former)
    reader = KeyGroupReader(account.api, group)
    assert set(reader.read()) == {former}
    account.key_groups.add(group, newer)
    assert set(reader.read()) == {former, newer}
    account.key_groups.remove(group, former)
    assert set(reader.read()) == {newer}


def test_a_group_that_is_not_there_is_named(account: Account) -> None:
    """Raise with the id of the group, so that it can be corrected."""
    reader = KeyGroupReader(account.api, "no-such-group")
    with pytest.raises(AwsError, match="Could not read the key group no-such-group"):
        reader.read()


class Replies:
    """Answer as CloudFront does where it holds something odd; count what is asked."""

    def __init__(self, public_keys: dict[str, Any]) -> None:
        self._public_keys = public_keys
        self.asked: list[str] = []

    def get_key_group(self, *, Id: str) -> dict[str, Any]:
        """Return a group with every key."""
        return {"KeyGroup": {"KeyGroupConfig": {"Items": list(self._public_keys)}}}

    def get_public_key(self, *, Id: str) -> dict[str, Any]:
        """Return the key, or raise what stands in its place."""
        self.asked.append(Id)
        pem = self._public_keys[Id]
        if isinstance(pem, Exception):
            raise pem
        return {"PublicKey": {"Id": Id, "PublicKeyConfig": {"Name": Id, "EncodedKey": pem}}}


def test_each_key_is_asked_for_once() -> None:
    """Ask for the group alone once its keys are known."""
    api = Replies({"K1": new_pem(), "K2": new_pem()})
    reader = KeyGroupReader(api, "group")
    assert reader.read() == reader.read()
    assert api.asked == ["K1", "K2"]


def test_what_is_no_key_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """Leave out a key that cannot verify here, log it once, and return the others."""
    caplog.set_level(logging.WARNING, "cfsigned_django.aws")
    reader = KeyGroupReader(Replies({"K1": new_pem(), "K2": "nonsense"}), "group")
    assert set(reader.read()) == set(reader.read()) == {"K1"}
    (message,) = caplog.messages
    assert message.startswith("The public key K2 is left out: ")


@pytest.mark.parametrize(("code", "passes"), [("NoSuchPublicKey", True), ("AccessDenied", False)])
def test_a_key_that_was_just_deleted_is_left_out(code: str, passes: bool) -> None:
    """Read the rest where a key went since the group was read; raise what is another failure."""
    gone = AwsError(what="read", reason="gone", next_step="", code=code)
    reader = KeyGroupReader(Replies({"K1": new_pem(), "K2": gone}), "group")
    if passes:
        assert set(reader.read()) == {"K1"}
    else:
        with pytest.raises(AwsError) as caught:
            reader.read()
        assert caught.value.code == code
