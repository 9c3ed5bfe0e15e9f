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


class Given(Account):
    """An account with AWS's quotas, one key, and a key group that holds it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(api=StrictCloudFront(**options))
        self.first = self.upload("first")
        self.group = self.make_group(self.first)

    def create_key(self, **fields: str) -> Any:
        """Create a key that is new in everything but these fields."""
        config = {"CallerReference": "new", "Name": "new", "EncodedKey": new_pem()} | fields
        return self.api.create_public_key(PublicKeyConfig=config)

    def update_key(self, **fields: str) -> Any:
        """Change these fields of the key."""
        answer = self.api.get_public_key(Id=self.first)
        config = answer["PublicKey"]["PublicKeyConfig"] | fields
        return self.api.update_public_key(
            Id=self.first, IfMatch=answer["ETag"], PublicKeyConfig=config
        )

    def create_group(self, *items: str, name: str = "new") -> Any:
        """Create a key group with these keys."""
        return self.api.create_key_group(KeyGroupConfig={"Name": name, "Items": list(items)})

    def update_group(self, *items: str, **arguments: Any) -> Any:
        """Let the key group hold these keys instead."""
        answer = self.api.get_key_group(Id=self.group)
        config = {"Name": "media", "Items": list(items)}
        arguments = {"IfMatch": answer["ETag"], **arguments}
        return self.api.update_key_group(Id=self.group, KeyGroupConfig=config, **arguments)

    def delete_key(self, key_pair_id: str = "", **arguments: Any) -> Any:
        """Delete a key, the first one unless another is named."""
        answer = self.api.get_public_key(Id=key_pair_id or self.first)
        arguments = {"IfMatch": answer["ETag"], **arguments}
        return self.api.delete_public_key(Id=key_pair_id or self.first, **arguments)


def _pem_of(key: Any) -> str:
    text: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


def _many_keys(given: Given) -> None:
    for number in range(10):
        given.create_key(CallerReference=f"{number}", Name=f"{number}")


def _many_groups(given: Given) -> None:
    for number in range(10):
        given.create_group(given.first, name=f"{number}")


def _deleted_reference(given: Given) -> None:
    given.delete_key(given.upload("second"))
    given.create_key(Name="second")
    given.create_key(CallerReference="second", Name="third")


def _group_of_a_distribution(given: Given) -> None:
    given.api.use_in_distribution(given.group)
    etag = given.api.get_key_group(Id=given.group)["ETag"]
    given.api.delete_key_group(Id=given.group, IfMatch=etag)


def _stale_etag(given: Given) -> None:
    etag = given.api.get_key_group(Id=given.group)["ETag"]
    given.update_group(given.first)
    given.update_group(given.first, IfMatch=etag)


def _pem_of_the_first(given: Given) -> str:
    answer = given.api.get_public_key(Id=given.first)["PublicKey"]
    pem: str = answer["PublicKeyConfig"]["EncodedKey"]
    return pem


_NOT_VALID = {
    "RSA 1024": _pem_of(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - too small on purpose
    "P-384": _pem_of(ec.generate_private_key(ec.SECP384R1())),
    "Ed25519": _pem_of(ed25519.Ed25519PrivateKey.generate()),
    "private": PrivateKey.generate().to_pem().decode(),
    "broken": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    "no PEM": "not a key",
    "empty": "",
}
#: What is refused, with AWS's code before the colon.
_REFUSED: dict[str, Callable[[Given], object]] = {
    "InvalidArgument: a long comment": lambda aws: aws.create_key(Comment="x" * 129),
    "InvalidArgument: no name": lambda aws: aws.create_key(Name=""),
    "InvalidArgument: no reference": lambda aws: aws.create_key(CallerReference=""),
    "PublicKeyAlreadyExists: same name": lambda aws: aws.create_key(Name="first"),
    "PublicKeyAlreadyExists: same reference": lambda aws: aws.create_key(CallerReference="first"),
    "PublicKeyAlreadyExists: same key": lambda aws: aws.create_key(
        EncodedKey=_pem_of_the_first(aws)
    ),
    "PublicKeyAlreadyExists: reference of a deleted key": _deleted_reference,
    "TooManyPublicKeys: an eleventh key": _many_keys,
    "CannotChangeImmutablePublicKeyFields: another key": lambda aws: aws.update_key(
        EncodedKey=new_pem()
    ),
    "CannotChangeImmutablePublicKeyFields: another name": lambda aws: aws.update_key(Name="new"),
    "CannotChangeImmutablePublicKeyFields: another reference": lambda aws: aws.update_key(
        CallerReference="new"
    ),
    "PublicKeyInUse: a key in a group": lambda aws: aws.delete_key(),
    "InvalidIfMatchVersion: no ETag of a key": lambda aws: aws.delete_key(IfMatch=None),
    "PreconditionFailed: other ETag of a key": lambda aws: aws.delete_key(IfMatch="E1"),
    "NoSuchPublicKey: an unknown key": lambda aws: aws.delete_key("K1"),
    "InvalidArgument: a group without keys": lambda aws: aws.create_group(),
    "InvalidArgument: a group of unknown keys": lambda aws: aws.create_group("K1"),
    "InvalidArgument: a group with a key twice": lambda aws: aws.create_group(aws.first, aws.first),
    "KeyGroupAlreadyExists: same name of a group": lambda aws: aws.create_group(
        aws.first, name="media"
    ),
    "TooManyKeyGroups: an eleventh group": _many_groups,
    "TooManyPublicKeysInKeyGroup: a sixth key in a group": lambda aws: aws.update_group(
        *(aws.upload(f"{number}") for number in range(6))
    ),
    "InvalidIfMatchVersion: no ETag of a group": lambda aws: aws.update_group(
        aws.first, IfMatch=None
    ),
    "PreconditionFailed: ETag before the last change": _stale_etag,
    "ResourceInUse: a group of a distribution": _group_of_a_distribution,
    "NoSuchResource: an unknown group": lambda aws: aws.api.get_key_group(Id="0"),
}


@pytest.mark.parametrize("what", _REFUSED)
def test_refused(what: str) -> None:
    """Refuse what AWS refuses, with its code and its status."""
    given = Given()

    with pytest.raises(ClientError) as caught:
        _REFUSED[what](given)

    code = what.partition(":")[0]
    response = caught.value.response
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == STATUSES[code]


@pytest.mark.parametrize("kind", _NOT_VALID)
def test_other_keys(kind: str) -> None:
    """Refuse every key but RSA 2048 and ECDSA P-256 in PEM."""
    with pytest.raises(ClientError, match="InvalidArgument"):
        Given().create_key(EncodedKey=_NOT_VALID[kind])


def test_changes() -> None:
    """Change the comment of a key, replace all of a group, and delete what is free."""
    given = Given()
    before = given.api.get_public_key(Id=given.first)["ETag"]
    given.update_key(Comment="new")
    changed = given.api.get_public_key(Id=given.first)
    keys = [given.upload(f"{number}") for number in range(5)]
    given.update_group(*keys)
    other = given.create_group(given.first)
    given.api.delete_key_group(Id=other["KeyGroup"]["Id"], IfMatch=other["ETag"])
    given.delete_key()
    given.group_config(given.group)["Items"].clear()

    assert changed["PublicKey"]["PublicKeyConfig"]["Comment"] == "new"
    assert changed["ETag"] != before
    assert given.group_config(given.group) == {"Name": "media", "Items": keys}
    assert given.names() == [f"{number}" for number in range(5)]


def test_pages() -> None:
    """Give pages of the size that was asked for, up to the largest."""
    given = Given(page_size=3)
    for number in range(3):
        given.upload(f"key {number}")

    first = given.api.list_public_keys(MaxItems="2")["PublicKeyList"]
    rest = given.api.list_public_keys(Marker=first["NextMarker"])["PublicKeyList"]
    largest = given.api.list_public_keys()["PublicKeyList"]

    assert [each["Name"] for each in first["Items"]] == ["first", "key 0"]
    assert [each["Name"] for each in rest["Items"]] == ["key 1", "key 2"]
    assert "NextMarker" not in rest
    assert len(largest["Items"]) == 3


def test_list_lag() -> None:
    """List a key only after the lag, and return it by its id at once."""
    now = [100.0]
    given = Given(clock=lambda: now[0], list_lag=5)

    assert given.names() == []
    assert given.api.get_public_key(Id=given.first)["PublicKey"]["Id"] == given.first
    now[0] = 105.0
    assert given.names() == ["first"]


def test_shapes() -> None:
    """Answer in the shapes that botocore's model of the API has."""
    model = botocore.session.get_session().get_service_model("cloudfront")
    given = Given()
    answers = {
        "CreatePublicKey": given.create_key(),
        "GetPublicKey": given.api.get_public_key(Id=given.first),
        "ListPublicKeys": given.api.list_public_keys(MaxItems="1"),
        "UpdatePublicKey": given.update_key(),
        "CreateKeyGroup": given.create_group(given.first),
        "GetKeyGroup": given.api.get_key_group(Id=given.group),
        "UpdateKeyGroup": given.update_group(given.first),
    }

    for operation, answer in answers.items():
        shape = model.operation_model(operation).output_shape
        assert shape is not None
        assert ParamValidator().validate(answer, shape).generate_report() == ""
