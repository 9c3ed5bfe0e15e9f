"""Test the calls to AWS's API, over the strict simulation and over the emulator."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from cfsigned_django.core.aws.key_groups import KeyGroups
from cfsigned_django.signing import PrivateKey
from tests.simulation.faults import Boundary, UnreliableCloudFront


class Body(BytesIO):
    """The body of an answer, as botocore gets it from urllib3."""

    def stream(self, **_: Any) -> Any:
        """Return the body in one piece."""
        yield self.read()


def new_pem() -> str:
    """Return the PEM text of a new public key."""
    return PrivateKey.generate().public_key.to_pem()


def ensure(key_groups: KeyGroups, name: str, pem: str) -> str:
    """Ensure a public key whose caller reference is its name; return its id."""
    return key_groups.ensure_public_key(caller_reference=name, name=name, public_key_pem=pem)


@dataclass(slots=True)
class Account:
    """An AWS account: ``api`` is what a person does there by hand, ``key_groups`` what is tested.

    ``pauses`` has the seconds that the tested code wanted to sleep.
    """

    api: Any
    pauses: list[float] = field(default_factory=list)

    @property
    def key_groups(self) -> KeyGroups:
        """Return key groups with a network that never fails."""
        return self.over(self.api)

    def over(self, api: Any) -> KeyGroups:
        """Return key groups that call ``api``, with pauses that take no time."""
        return KeyGroups(api, sleep=self.pauses.append, jitter=lambda: 1.0)

    def with_boundary(self, boundary: Boundary) -> KeyGroups:
        """Return key groups that run ``boundary`` before and after each call."""
        return self.over(UnreliableCloudFront(self.api, boundary=boundary))

    def upload(self, name: str, pem: str | None = None) -> str:
        """Create a public key by hand; return its id."""
        config = {"CallerReference": name, "Name": name, "EncodedKey": pem or new_pem()}
        created = self.api.create_public_key(PublicKeyConfig=config)
        key_pair_id: str = created["PublicKey"]["Id"]
        return key_pair_id

    def make_group(self, *key_pair_ids: str, name: str = "media") -> str:
        """Create a key group by hand; return its id."""
        created = self.api.create_key_group(
            KeyGroupConfig={"Name": name, "Comment": "ours", "Items": list(key_pair_ids)}
        )
        key_group_id: str = created["KeyGroup"]["Id"]
        return key_group_id

    def set_members(self, key_group_id: str, *key_pair_ids: str) -> None:
        """Replace the keys of a key group by hand."""
        answer = self.api.get_key_group(Id=key_group_id)
        config = {**answer["KeyGroup"]["KeyGroupConfig"], "Items": list(key_pair_ids)}
        self.api.update_key_group(Id=key_group_id, IfMatch=answer["ETag"], KeyGroupConfig=config)

    def delete(self, key_pair_id: str) -> None:
        """Delete a public key, which is in no key group, by hand."""
        etag = self.api.get_public_key(Id=key_pair_id)["ETag"]
        self.api.delete_public_key(Id=key_pair_id, IfMatch=etag)

    def group_config(self, key_group_id: str) -> dict[str, Any]:
        """Return the whole configuration of a key group."""
        config: dict[str, Any] = self.api.get_key_group(Id=key_group_id)["KeyGroup"][
            "KeyGroupConfig"
        ]
        return config

    def names(self) -> list[str]:
        """Return the names of all public keys, sorted."""
        listed = self.api.list_public_keys()["PublicKeyList"]
        return sorted(item["Name"] for item in listed.get("Items", ()))
