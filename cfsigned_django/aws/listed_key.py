"""Say what CloudFront has under the id of a public key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cfsigned_django.aws.client import AwsError, call


class PublicKeyApi(Protocol):
    """The call that is made; its IAM action has the name of the call."""

    def get_public_key(self, *, Id: str) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPublicKey:
    """A public key as CloudFront lists it: without its caller reference."""

    key_pair_id: str
    name: str
    public_key_pem: str
    comment: str
    created_at: datetime | None = None

    def holds(self, public_key_pem: str) -> bool:
        """Tell whether this is the same key, whatever its line ends are."""
        return self.public_key_pem.split() == public_key_pem.split()


def as_listed(item: Mapping[str, Any]) -> ListedPublicKey:
    """Return what an item of ListPublicKeys says."""
    return ListedPublicKey(
        key_pair_id=item["Id"],
        name=item["Name"],
        public_key_pem=item["EncodedKey"],
        comment=item.get("Comment", ""),
        created_at=item.get("CreatedTime"),
    )


def read_public_key(client: PublicKeyApi, key_pair_id: str) -> ListedPublicKey | None:
    """Return the public key with that id; None where the account has none.

    Raise :exc:`AwsError` where it cannot be read.
    """
    try:
        answer = call(
            client.get_public_key,
            f"read the public key {key_pair_id}",
            "cloudfront:GetPublicKey",
            Id=key_pair_id,
        )
    except AwsError as error:
        if error.code == "NoSuchPublicKey":
            return None
        raise
    found = answer["PublicKey"]
    return as_listed({**found, **found["PublicKeyConfig"]})
