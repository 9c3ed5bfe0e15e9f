"""Read the public keys of a key group: those whose signatures CloudFront accepts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from cfsigned_django.aws.client import call
from cfsigned_django.aws.listed_key import ListedPublicKey, PublicKeyApi, read_public_key
from cfsigned_django.signing import InvalidKey, PublicKey

logger = logging.getLogger("cfsigned_django.aws")


class ReadOnlyApi(PublicKeyApi, Protocol):
    """The calls that are made; the IAM action of each has the name of the call."""

    def get_key_group(self, *, Id: str) -> Mapping[str, Any]: ...


class KeyGroupReader:
    """Read one key group again and again; ``client`` is a boto3 client for CloudFront.

    A public key is asked for once: CloudFront lets nobody change the key under
    an id.
    """

    def __init__(self, client: ReadOnlyApi, key_group_id: str) -> None:
        self._client = client
        self._key_group_id = key_group_id
        self._known: dict[str, PublicKey | None] = {}

    def read(self) -> dict[str, PublicKey]:
        """Return the keys in the group, by key pair id; raise :exc:`AwsError`.

        A key that cannot verify anything here is left out and logged: others
        may have put it there, and ours must go on.
        """
        answer = call(
            self._client.get_key_group,
            f"read the key group {self._key_group_id}",
            "cloudfront:GetKeyGroup",
            Id=self._key_group_id,
        )
        found = {
            key_pair_id: self._find(key_pair_id)
            for key_pair_id in answer["KeyGroup"]["KeyGroupConfig"]["Items"]
        }
        return {key_pair_id: key for key_pair_id, key in found.items() if key is not None}

    def _find(self, key_pair_id: str) -> PublicKey | None:
        if key_pair_id not in self._known:
            found = read_public_key(self._client, key_pair_id)
            if found is None:
                return None  # removed and deleted since the group was read
            self._known[key_pair_id] = _load(found)
        return self._known[key_pair_id]


def _load(found: ListedPublicKey) -> PublicKey | None:
    try:
        return PublicKey.load(found.public_key_pem)
    except InvalidKey as error:
        logger.warning("The public key %s is left out: %s", found.key_pair_id, error)
        return None
