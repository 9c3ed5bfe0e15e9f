"""Hold the simulated public keys against what AWS documents."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cfsigned_django.signing import PrivateKey
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


def key_config(**fields: Any) -> dict[str, Any]:
    """Return the configuration of a new public key."""
    return {"CallerReference": "new", "Name": "new", "EncodedKey": new_pem()} | fields


def pem_of(key: Any) -> str:
    """Return the PEM text of any public key."""
    text: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


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


def test_quota(account: Account) -> None:
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


def test_etags(account: Account) -> None:
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
