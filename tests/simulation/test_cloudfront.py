"""Hold the simulated CloudFront and its edges against what AWS documents."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cfsigned_django.signing import PrivateKey
from tests.aws import Account, new_pem
from tests.simulation.answers import status_of
from tests.simulation.edges import Edges
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


def _pem_of(key: Any) -> str:
    text: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


def _deleted_reference(aws: Given) -> None:
    aws.delete(aws.upload("second"))
    aws.create_key(Name="second")
    aws.create_key(CallerReference="second", Name="third")


def _stale_etag(aws: Given) -> None:
    answer = aws.api.get_key_group(Id=aws.group)
    config = answer["KeyGroup"]["KeyGroupConfig"]
    for _ in range(2):
        aws.api.update_key_group(Id=aws.group, IfMatch=answer["ETag"], KeyGroupConfig=config)


_PEM = new_pem()
#: Texts other than an RSA 2048 or ECDSA P-256 key in PEM.
_NOT_VALID = {
    "RSA 1024": _pem_of(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - too small on purpose
    "P-384": _pem_of(ec.generate_private_key(ec.SECP384R1())),
    "private": PrivateKey.generate().to_pem().decode(),
    "broken": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    "no PEM": "not a key",
}
#: What is refused, with AWS's code before the colon.
_REFUSED: dict[str, Callable[[Given], object]] = {
    "InvalidArgument: a long comment": lambda aws: aws.create_key(Comment="x" * 129),
    "InvalidArgument: no reference": lambda aws: aws.create_key(CallerReference=""),
    "PublicKeyAlreadyExists: same name": lambda aws: aws.create_key(Name="first"),
    "PublicKeyAlreadyExists: same reference": lambda aws: aws.create_key(CallerReference="first"),
    "PublicKeyAlreadyExists: same key": lambda aws: [aws.upload(n, _PEM) for n in ("a", "b")],
    "PublicKeyAlreadyExists: reference of a deleted key": _deleted_reference,
    "TooManyPublicKeys: an eleventh key": lambda aws: [aws.upload(f"{n}") for n in range(10)],
    "CannotChangeImmutablePublicKeyFields: a name": lambda aws: aws.update_key(Name="new"),
    "PublicKeyInUse: a key in a group": lambda aws: aws.delete(aws.first),
    "InvalidIfMatchVersion: no ETag": lambda aws: aws.api.delete_public_key(Id=aws.first),
    "PreconditionFailed: ETag before the last change": _stale_etag,
    "NoSuchPublicKey: an unknown key": lambda aws: aws.delete("K1"),
    "InvalidArgument: a group without keys": lambda aws: aws.set_members(aws.group),
    "InvalidArgument: an unknown key in a group": lambda aws: aws.set_members(aws.group, "K1"),
    "InvalidArgument: a key twice": lambda aws: aws.set_members(aws.group, *[aws.first] * 2),
    "KeyGroupAlreadyExists: same name": lambda aws: aws.make_group(aws.first),
    "TooManyPublicKeysInKeyGroup: a sixth key": lambda aws: aws.set_members(
        aws.group, *(aws.upload(f"{n}") for n in range(6))
    ),
    "NoSuchResource: an unknown group": lambda aws: aws.group_config("0"),
    **{
        f"InvalidArgument: {kind}": partial(Given.upload, name="new", pem=pem)
        for kind, pem in _NOT_VALID.items()
    },
}


def test_refused() -> None:
    """Refuse what AWS refuses, with its code and its status."""
    for what, ask in _REFUSED.items():
        code = what.partition(":")[0]
        with pytest.raises(ClientError, match=rf"\({code}\)") as caught:
            ask(Given())

        status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
        assert (what, status) == (what, status_of(code))


def test_edges_learn_late() -> None:
    """Each edge learns of a change after its own delay, and none overtakes the one before."""
    now, delays = [1000.0], iter((5.0, 60.0, 1.0, 60.0))
    given = Given(clock=lambda: now[0])
    first, second = given.first, given.upload("second")
    edges = Edges(
        given.api, given.group, count=2, delay=lambda edge: next(delays), clock=lambda: now[0]
    )

    def seen(moment: float) -> list[list[str]]:
        return [list(edges.edge_keys(edge, moment)) for edge in range(2)]

    given.set_members(given.group, first, second)
    assert seen(1004.9) == [[first], [first]]
    assert seen(1005.0) == [[first, second], [first]]
    now[0] = 1002.0
    given.set_members(given.group, second)
    assert seen(1004.9) == [[first], [first]]
    assert seen(1005.0) == [[second], [first]]
    assert seen(1060.0) == [[second], [first, second]]
    assert seen(1062.0) == [[second], [second]]
    assert edges.edge_keys(0, 2000.0) == given.api.trusted_keys(given.group)
    assert edges.settled_at == 1062.0
    assert edges.knows(1, first, 1000.0, 1062.0)
    assert not edges.knows(1, second, 1059.9, 2000.0)
    assert not edges.knows(0, first, 1004.0, 1005.1)
