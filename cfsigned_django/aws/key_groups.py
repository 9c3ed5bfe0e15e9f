"""Change which public keys a key group holds: whose signatures CloudFront accepts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from cfsigned_django.aws.client import AwsError
from cfsigned_django.aws.public_keys import PublicKeys

logger = logging.getLogger("cfsigned_django.aws")

#: ``AwsError.code`` where the only key of a key group was to be removed.
LAST_PUBLIC_KEY: Final = "LastPublicKey"
#: "Public keys in a single key group", unless raised (Developer Guide, Quotas).
KEYS_PER_GROUP: Final = 5

KeyPairIds: TypeAlias = tuple[str, ...]


class KeyGroups(PublicKeys):
    """Change the key groups of one AWS account, and the public keys that go into them.

    What else is in a group, such as keys of other people, is left alone.
    """

    def members(self, key_group_id: str) -> KeyPairIds:
        """Return the key pair ids in the key group, in its order."""
        config, _ = self._read(key_group_id)
        return tuple(config["Items"])

    def check_room(
        self, key_group_id: str, quota: int = KEYS_PER_GROUP, *, key_pair_id: str | None = None
    ) -> None:
        """Raise :exc:`AwsError` if the key group has no place for one more key.

        A step that is repeated names its ``key_pair_id``: a key that is in the
        group already needs no place. CloudFront has the last word, in
        :meth:`add`.
        """
        members = self.members(key_group_id)
        if len(members) >= quota and key_pair_id not in members:
            raise _no_room(f"add a public key to the key group {key_group_id}", members)

    def add(self, key_group_id: str, key_pair_id: str) -> KeyPairIds:
        """Put a public key into the key group; return the ids that are in it then."""

        def with_key(items: KeyPairIds) -> KeyPairIds:
            return items if key_pair_id in items else (*items, key_pair_id)

        return self._edit(key_group_id, with_key, f"add {key_pair_id} to the key group")

    def remove(self, key_group_id: str, key_pair_id: str) -> KeyPairIds:
        """Take a public key out of the key group; return the ids that are left.

        A key group keeps at least one key: raise :exc:`AwsError` with the code
        :data:`LAST_PUBLIC_KEY` where this is the only one.
        """
        what = f"remove {key_pair_id} from the key group"

        def without_key(items: KeyPairIds) -> KeyPairIds:
            if items == (key_pair_id,):
                raise AwsError(
                    what=f"{what} {key_group_id}",
                    reason="it is the only one there, and CloudFront wants at least one",
                    next_step="Add another public key first.",
                    code=LAST_PUBLIC_KEY,
                )
            return tuple(each for each in items if each != key_pair_id)

        return self._edit(key_group_id, without_key, what)

    def _read(self, key_group_id: str) -> tuple[dict[str, Any], str]:
        """Return the key group's whole configuration, and its ETag."""
        answer = self._call(
            self._client.get_key_group,
            f"read the key group {key_group_id}",
            "cloudfront:GetKeyGroup",
            Id=key_group_id,
        )
        return dict(answer["KeyGroup"]["KeyGroupConfig"]), answer["ETag"]

    def _edit(
        self, key_group_id: str, change: Callable[[KeyPairIds], KeyPairIds], what: str
    ) -> KeyPairIds:
        """Change the list of keys as nobody else changes the group in between.

        UpdateKeyGroup replaces everything, so all that was read is sent back.
        Where an answer was lost, the ETag is stale, and the next look finds the
        change made.
        """
        attempt = 0
        while True:
            config, etag = self._read(key_group_id)
            before = tuple(config["Items"])
            after = change(before)
            if after == before:
                return after
            try:
                self._call(
                    self._client.update_key_group,
                    f"{what} {key_group_id}",
                    "cloudfront:UpdateKeyGroup",
                    Id=key_group_id,
                    IfMatch=etag,
                    KeyGroupConfig={**config, "Items": list(after)},
                )
            except AwsError as error:
                if error.code == "TooManyPublicKeysInKeyGroup":
                    raise _no_room(f"{what} {key_group_id}", before) from None
                self._pause_or_raise(error, attempt)
                attempt += 1
            else:
                logger.info("Changed the key group %s: %s, was %s.", key_group_id, after, before)
                return after


def _no_room(what: str, members: KeyPairIds) -> AwsError:
    return AwsError(
        what=what,
        reason=f"it holds {len(members)} public keys, as many as its quota allows",
        next_step="Remove one that signs nothing any more. Or have the quota raised (Service "
        "Quotas, CloudFront), and set AWS_CLOUDFRONT_KEY_GROUP_QUOTA to it.",
        code="TooManyPublicKeysInKeyGroup",
    )
