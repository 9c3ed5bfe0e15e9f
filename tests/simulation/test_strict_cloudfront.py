"""Hold the simulated CloudFront against what AWS documents: errors, ETags, quotas, shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cfsigned_django.signing import PrivateKey
from tests.aws.api import Account, new_pem
from tests.simulation.answers import STATUSES
from tests.simulation.strict_cloudfront import StrictCloudFront


@pytest.fixture
def account() -> Account:
    """Return an empty account with AWS's quotas."""
    return Account(api=StrictCloudFront())


@pytest.fixture
def group(account: Account) -> str:
    """Return a key group with one key."""
    return account.make_group(account.upload("first"))


def key_config(**fields: Any) -> dict[str, Any]:
    """Return the configuration of a new public key."""
    return {"CallerReference": "new", "Name": "new", "EncodedKey": new_pem()} | fields


def pem_of(key: Any) -> str:
    """Return the PEM text of any public key."""
    text: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


def check_refused(code: str, method: Callable[..., object], **arguments: Any) -> None:
    """Assert that a call is refused with the code, and the status that belongs to it."""
    with pytest.raises(ClientError) as caught:
        method(**arguments)
    response = caught.value.response
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == STATUSES[code]


@pytest.mark.parametrize(
    "pem",
    [
        pem_of(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - too small on purpose
        pem_of(ec.generate_private_key(ec.SECP384R1())),
        pem_of(ed25519.Ed25519PrivateKey.generate()),
        PrivateKey.generate().to_pem().decode(),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "not a key",
        "",
    ],
    ids=["RSA 1024", "P-384", "Ed25519", "private", "broken", "no PEM", "empty"],
)
def test_other_keys(account: Account, pem: str) -> None:
    """Refuse every key but RSA 2048 and ECDSA P-256 in PEM."""
    check_refused(
        "InvalidArgument",
        account.api.create_public_key,
        PublicKeyConfig=key_config(EncodedKey=pem),
    )


@pytest.mark.parametrize("fields", [{"Comment": "x" * 129}, {"Name": ""}, {"CallerReference": ""}])
def test_fields(account: Account, fields: dict[str, str]) -> None:
    """Refuse a long comment and a missing field."""
    check_refused(
        "InvalidArgument", account.api.create_public_key, PublicKeyConfig=key_config(**fields)
    )


@pytest.mark.parametrize("same", ["Name", "CallerReference", "EncodedKey"])
def test_uniqueness(account: Account, same: str) -> None:
    """Refuse a second key with the same name, reference or key."""
    first = key_config(CallerReference="first", Name="first")
    account.api.create_public_key(PublicKeyConfig=first)

    second = key_config(**{same: first[same]})

    check_refused("PublicKeyAlreadyExists", account.api.create_public_key, PublicKeyConfig=second)


def test_reference_of_a_deleted_key(account: Account) -> None:
    """Refuse a reference for ever, and give the name of a deleted key again."""
    account.key_groups.delete_public_key(account.upload("first"))

    check_refused(
        "PublicKeyAlreadyExists",
        account.api.create_public_key,
        PublicKeyConfig=key_config(CallerReference="first"),
    )
    account.api.create_public_key(PublicKeyConfig=key_config(Name="first"))


def test_quota_of_keys(account: Account) -> None:
    """Refuse the eleventh key of the account."""
    for number in range(10):
        account.upload(f"key {number}")

    check_refused("TooManyPublicKeys", account.api.create_public_key, PublicKeyConfig=key_config())


@pytest.mark.parametrize("field", ["EncodedKey", "Name", "CallerReference"])
def test_immutable_fields(account: Account, field: str) -> None:
    """Refuse to change anything but the comment."""
    first = account.upload("first")
    answer = account.api.get_public_key(Id=first)
    config = answer["PublicKey"]["PublicKeyConfig"]
    arguments = {"Id": first, "IfMatch": answer["ETag"]}

    check_refused(
        "CannotChangeImmutablePublicKeyFields",
        account.api.update_public_key,
        PublicKeyConfig=config | {field: key_config()[field]},
        **arguments,
    )
    account.api.update_public_key(PublicKeyConfig=config | {"Comment": "new"}, **arguments)

    changed = account.api.get_public_key(Id=first)
    assert changed["PublicKey"]["PublicKeyConfig"]["Comment"] == "new"
    assert changed["ETag"] != answer["ETag"]


def test_in_use(account: Account, group: str) -> None:
    """Refuse to delete a key that a group holds."""
    (first,) = account.key_groups.members(group)
    etag = account.api.get_public_key(Id=first)["ETag"]

    check_refused("PublicKeyInUse", account.api.delete_public_key, Id=first, IfMatch=etag)


def test_etags_of_keys(account: Account) -> None:
    """Refuse a change without the present ETag."""
    first = account.upload("first")

    check_refused("InvalidIfMatchVersion", account.api.delete_public_key, Id=first)
    check_refused("PreconditionFailed", account.api.delete_public_key, Id=first, IfMatch="E1")


def test_unknown(account: Account) -> None:
    """Refuse an id that does not exist."""
    check_refused("NoSuchPublicKey", account.api.get_public_key, Id="K1")


def test_pages() -> None:
    """Give pages of the size that was asked for, up to the largest."""
    account = Account(api=StrictCloudFront(page_size=3))
    for number in range(4):
        account.upload(f"key {number}")

    first = account.api.list_public_keys(MaxItems="2")["PublicKeyList"]
    rest = account.api.list_public_keys(Marker=first["NextMarker"])["PublicKeyList"]
    largest = account.api.list_public_keys()["PublicKeyList"]

    assert [each["Name"] for each in first["Items"]] == ["key 0", "key 1"]
    assert [each["Name"] for each in rest["Items"]] == ["key 2", "key 3"]
    assert "NextMarker" not in rest
    assert len(largest["Items"]) == 3


def test_list_lag() -> None:
    """List a key only after the lag, and return it by its id at once."""
    now = [100.0]
    account = Account(api=StrictCloudFront(clock=lambda: now[0], list_lag=5))
    first = account.upload("first")

    assert account.names() == []
    assert account.api.get_public_key(Id=first)["PublicKey"]["Id"] == first
    now[0] = 105.0
    assert account.names() == ["first"]


def test_quota_of_groups(account: Account, group: str) -> None:
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
def test_items_of_a_group(account: Account, items: list[str]) -> None:
    """Refuse no key, an unknown key, and the same key twice."""
    ids = {"first": account.upload("first")}
    config = {"Name": "media", "Items": [ids.get(item, item) for item in items]}

    check_refused("InvalidArgument", account.api.create_key_group, KeyGroupConfig=config)


def test_names_of_groups(account: Account, group: str) -> None:
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


def test_etags_of_groups(account: Account, group: str) -> None:
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


def test_delete_group(account: Account, group: str) -> None:
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
