"""Hold the simulated key groups against what AWS documents: errors, ETags, quotas, shapes."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.validate import ParamValidator

from tests.aws.api import Account, new_pem
from tests.simulation.checks import check_refused
from tests.simulation.strict_cloudfront import StrictCloudFront


@pytest.fixture
def account() -> Account:
    """Return an empty account with AWS's quotas."""
    return Account(api=StrictCloudFront())


@pytest.fixture
def group(account: Account) -> str:
    """Return a key group with one key."""
    return account.make_group(account.upload("first"))


def test_quota(account: Account, group: str) -> None:
    """Refuse a sixth key."""
    keys = [account.upload(f"key {number}") for number in range(6)]
    answer = account.api.get_key_group(Id=group)
    arguments = {"Id": group, "IfMatch": answer["ETag"]}
    config = answer["KeyGroup"]["KeyGroupConfig"]

    check_refused(
        "TooManyPublicKeysInKeyGroup",
        account.api.update_key_group,
        KeyGroupConfig=config | {"Items": keys},
        **arguments,
    )
    account.api.update_key_group(KeyGroupConfig=config | {"Items": keys[:5]}, **arguments)
    assert account.key_groups.members(group) == tuple(keys[:5])


@pytest.mark.parametrize("items", [[], ["K1"], ["first", "first"]])
def test_items(account: Account, items: list[str]) -> None:
    """Refuse no key, an unknown key, and the same key twice."""
    ids = {"first": account.upload("first")}
    config = {"Name": "media", "Items": [ids.get(item, item) for item in items]}

    check_refused("InvalidArgument", account.api.create_key_group, KeyGroupConfig=config)


def test_names(account: Account, group: str) -> None:
    """Refuse a second group of the same name."""
    config = account.group_config(group)

    check_refused("KeyGroupAlreadyExists", account.api.create_key_group, KeyGroupConfig=config)


def test_number_of_groups(account: Account) -> None:
    """Refuse the eleventh group."""
    first = account.upload("first")
    for number in range(10):
        account.api.create_key_group(KeyGroupConfig={"Name": f"group {number}", "Items": [first]})

    check_refused(
        "TooManyKeyGroups",
        account.api.create_key_group,
        KeyGroupConfig={"Name": "one more", "Items": [first]},
    )


def test_etags(account: Account, group: str) -> None:
    """Refuse a change without an ETag, and one with the ETag before the last change."""
    answer = account.api.get_key_group(Id=group)
    arguments = {"Id": group, "KeyGroupConfig": answer["KeyGroup"]["KeyGroupConfig"]}

    check_refused("InvalidIfMatchVersion", account.api.update_key_group, **arguments)
    account.api.update_key_group(IfMatch=answer["ETag"], **arguments)
    check_refused(
        "PreconditionFailed",
        account.api.update_key_group,
        IfMatch=answer["ETag"],
        **arguments,
    )


def test_update_replaces(account: Account, group: str) -> None:
    """Drop the keys and the comment that an update leaves out."""
    second = account.upload("second")
    etag = account.api.get_key_group(Id=group)["ETag"]

    account.api.update_key_group(
        Id=group, IfMatch=etag, KeyGroupConfig={"Name": "other", "Items": [second]}
    )

    assert account.group_config(group) == {"Name": "other", "Items": [second]}


def test_delete(account: Account, group: str) -> None:
    """Delete a group, unless a distribution names it, and free its keys."""
    (first,) = account.key_groups.members(group)
    second = account.api.create_key_group(KeyGroupConfig={"Name": "second", "Items": [first]})
    account.api.use_in_distribution(group)
    etag = account.api.get_key_group(Id=group)["ETag"]

    check_refused("ResourceInUse", account.api.delete_key_group, Id=group, IfMatch=etag)
    account.api.delete_key_group(Id=second["KeyGroup"]["Id"], IfMatch=second["ETag"])
    check_refused("NoSuchResource", account.api.get_key_group, Id=second["KeyGroup"]["Id"])


def test_answers_are_copies(account: Account, group: str) -> None:
    """Keep what is stored apart from what callers do with an answer."""
    account.group_config(group)["Items"].clear()

    assert len(account.group_config(group)["Items"]) == 1


def test_shapes(account: Account, group: str) -> None:
    """Answer in the shapes that botocore's model of the API has."""
    model = botocore.session.get_session().get_service_model("cloudfront")
    api = account.api
    key = account.upload("second")
    key_etag, key_answer = api.get_public_key(Id=key)["ETag"], api.get_public_key(Id=key)
    answers = {
        "CreatePublicKey": api.create_public_key(
            PublicKeyConfig={"CallerReference": "new", "Name": "new", "EncodedKey": new_pem()}
        ),
        "GetPublicKey": key_answer,
        "ListPublicKeys": api.list_public_keys(MaxItems="1"),
        "UpdatePublicKey": api.update_public_key(
            Id=key, IfMatch=key_etag, PublicKeyConfig=key_answer["PublicKey"]["PublicKeyConfig"]
        ),
        "CreateKeyGroup": api.create_key_group(KeyGroupConfig={"Name": "new", "Items": [key]}),
        "GetKeyGroup": api.get_key_group(Id=group),
        "UpdateKeyGroup": api.update_key_group(
            Id=group,
            IfMatch=api.get_key_group(Id=group)["ETag"],
            KeyGroupConfig=account.group_config(group),
        ),
    }

    for operation, answer in answers.items():
        shape = model.operation_model(operation).output_shape
        assert shape is not None
        assert ParamValidator().validate(answer, shape).generate_report() == ""
