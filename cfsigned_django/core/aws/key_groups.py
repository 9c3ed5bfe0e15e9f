"""Key groups and their public keys: the keys whose signatures CloudFront accepts."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, ParamSpec, Self, TypeAlias, TypeVar

from cfsigned_django.core.aws.client import call, list_items
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.text import Phrase, Phrase as _
from cfsigned_django.signing.keys import PublicKey

logger: Final = logging.getLogger("cfsigned_django.aws")

P = ParamSpec("P")
T = TypeVar("T")

# Enough for a dozen writers that change the same key group in the same second.
_ATTEMPTS = 12
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0

#: ``AwsError.code`` if CloudFront has no public key with that ID.
NO_SUCH_PUBLIC_KEY: Final = "NoSuchPublicKey"
#: ``AwsError.code`` for an attempt to remove the only key of a key group.
LAST_PUBLIC_KEY: Final = "LastPublicKey"

KeyPairIds: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPublicKey:
    """A public key as CloudFront lists it, without its caller reference."""

    key_pair_id: str
    name: str
    public_key_pem: str
    created_at: datetime | None = None

    def holds(self, public_key_pem: str) -> bool:
        """Return whether this is the same key, regardless of line endings."""
        return self.public_key_pem.split() == public_key_pem.split()


@dataclass(frozen=True, slots=True)
class KeyGroups:
    """Change the key groups of one AWS account, and the public keys that go into them.

    ``client`` is a boto3 client for CloudFront. Other keys in a group are left alone.
    Every method is idempotent, whatever happened to an earlier call: a response may be
    lost, and a process may die before it records one. Every method raises :exc:`AwsError`.
    """

    client: Any
    #: Wait for some seconds, and return a number from 0 to 1: they space the attempts if others
    #: change the same key group.
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    #: Called before each request.
    before_call: Callable[[], None] = lambda: None

    def before_each_call(self, do: Callable[[], None]) -> Self:
        """Return a copy that calls ``do`` before each request to AWS.

        An exception in ``do`` ends the method. A request takes at most 21 s, with
        less than 3 s between two requests: see client.py.
        """
        return replace(self, before_call=do)

    # Key groups

    def members(self, key_group_id: str) -> KeyPairIds:
        """Return the public key IDs in the key group, in its order."""
        config, _etag = self._read(key_group_id)
        return tuple(config["Items"])

    def add(self, key_group_id: str, key_pair_id: str) -> KeyPairIds:
        """Add a public key to the key group; return the IDs that are then in it."""

        def with_key(items: KeyPairIds) -> KeyPairIds:
            return items if key_pair_id in items else (*items, key_pair_id)

        return self._edit(key_group_id, with_key, adding(key_pair_id, key_group_id))

    def remove(self, key_group_id: str, key_pair_id: str) -> KeyPairIds:
        """Remove a public key from the key group; return the IDs that are left.

        A key group must have at least one key: raise :exc:`AwsError` with the code
        :data:`LAST_PUBLIC_KEY` if this is the only one.
        """
        what = _("remove {key} from the key group {group}", key=key_pair_id, group=key_group_id)

        def without_key(items: KeyPairIds) -> KeyPairIds:
            if items == (key_pair_id,):
                raise AwsError(
                    what=what,
                    reason=_("it is the only key there, and CloudFront requires at least one"),
                    next_step=_("Add another public key first."),
                    code=LAST_PUBLIC_KEY,
                )
            return tuple(each for each in items if each != key_pair_id)

        return self._edit(key_group_id, without_key, what)

    # Public keys

    def public_keys(self) -> Iterator[ListedPublicKey]:
        def page(**marker: str) -> Mapping[str, Any]:
            self.before_call()
            found: Mapping[str, Any] = self.client.list_public_keys(**marker)
            return found

        what = _("list the public keys")
        for item in list_items(page, "PublicKeyList", what, "cloudfront:ListPublicKeys"):
            yield ListedPublicKey(
                key_pair_id=item["Id"],
                name=item["Name"],
                public_key_pem=item["EncodedKey"],
                created_at=item.get("CreatedTime"),
            )

    def ensure_public_key(self, *, caller_reference: str, name: str, public_key_pem: str) -> str:
        """Return the ID (``K...``) of the public key; create the key if it is missing.

        ``caller_reference`` and ``name`` must be unique to this key. Raise
        :exc:`cfsigned_django.signing.InvalidKey` if the PEM is not a public key,
        and :exc:`AwsError` also if another key has the name, or if the key exists
        under another name.
        """
        # Loaded first, so that a private key is never sent by mistake.
        pem = PublicKey.load(public_key_pem).to_pem()
        what = _("create the public key {name}", name=name)
        for each in self.public_keys():  # names are unique in CloudFront
            if each.name == name:
                return _same_key(each, pem, what)
        try:
            created = self._call(
                self.client.create_public_key,
                what,
                "cloudfront:CreatePublicKey",
                PublicKeyConfig={
                    "CallerReference": caller_reference,
                    "Name": name,
                    "EncodedKey": pem,
                },
            )
        except AwsError as error:
            if error.code != "PublicKeyAlreadyExists":
                raise
        else:
            key_pair_id: str = created["PublicKey"]["Id"]
            logger.info("Created the public key %s (%s).", key_pair_id, name)
            return key_pair_id
        return self._find_existing(name, pem, what)

    def _find_existing(self, name: str, pem: str, what: str) -> str:
        """Return the ID of a key that CloudFront has just reported as existing."""
        listed = list(self.public_keys())
        for each in listed:
            if each.name == name:
                return _same_key(each, pem, what)
        for each in listed:
            if each.holds(pem):
                raise _conflict(
                    what=what,
                    reason=_(
                        "CloudFront has this key under another name: {name}, {id}",
                        name=each.name,
                        id=each.key_pair_id,
                    ),
                    next_step=_("Use that ID, or delete that public key if nothing uses it."),
                )
        raise _conflict(
            what=what,
            reason=_("CloudFront reports that it exists, but does not list it"),
            next_step=_(
                "Try again in a minute. If this error remains, the public key existed once and "
                "was deleted: start with a new key pair."
            ),
            is_temporary=True,
        )

    def delete_public_key(self, key_pair_id: str) -> None:
        """Delete a public key that is in no key group; do nothing if it is already gone."""
        what = _("delete the public key {key}", key=key_pair_id)

        def delete() -> None:
            found = self._call(
                self.client.get_public_key, what, "cloudfront:GetPublicKey", Id=key_pair_id
            )
            self._call(
                self.client.delete_public_key,
                what,
                "cloudfront:DeletePublicKey",
                Id=key_pair_id,
                IfMatch=found["ETag"],
            )

        try:
            self._until_fastest(delete)
        except AwsError as error:
            if error.code != NO_SUCH_PUBLIC_KEY:
                raise
        else:
            logger.info("Deleted the public key %s.", key_pair_id)

    # For both

    def _read(self, key_group_id: str) -> tuple[dict[str, Any], str]:
        """Return the key group's whole configuration, and its ETag."""
        answer = self._call(
            self.client.get_key_group,
            _("read the key group {group}", group=key_group_id),
            "cloudfront:GetKeyGroup",
            Id=key_group_id,
        )
        return dict(answer["KeyGroup"]["KeyGroupConfig"]), answer["ETag"]

    def _edit(
        self, key_group_id: str, change: Callable[[KeyPairIds], KeyPairIds], what: str
    ) -> KeyPairIds:
        """Change the list of keys without losing a concurrent change of the group.

        UpdateKeyGroup replaces everything, so everything that was read is sent back.
        If a response was lost, the ETag is stale, and the next read shows that the
        change was made.
        """

        def edit() -> KeyPairIds:
            config, etag = self._read(key_group_id)
            before = tuple(config["Items"])
            after = change(before)
            if after == before:
                return after
            try:
                self._call(
                    self.client.update_key_group,
                    what,
                    "cloudfront:UpdateKeyGroup",
                    Id=key_group_id,
                    IfMatch=etag,
                    KeyGroupConfig={**config, "Items": list(after)},
                )
            except AwsError as error:
                if error.code == "TooManyPublicKeysInKeyGroup":
                    raise _no_room(what, before) from None
                raise
            logger.info("Changed the key group %s: %s, was %s.", key_group_id, after, before)
            return after

        return self._until_fastest(edit)

    def _call(
        self, method: Callable[P, T], what: str, permission: str, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        self.before_call()
        return call(method, what, permission, *args, **kwargs)

    def _until_fastest(self, change: Callable[[], T]) -> T:
        """Make a change again as long as another writer is faster; raise after many attempts."""
        for attempt in range(_ATTEMPTS - 1):
            try:
                return change()
            except AwsError as error:
                if error.code != "PreconditionFailed":
                    raise
            self.sleep(self.jitter() * min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt))
        return change()


def adding(key_pair_id: str, key_group_id: str) -> Phrase:
    """Return what adding a public key to a key group is called in an error."""
    return _("add {key} to the key group {group}", key=key_pair_id, group=key_group_id)


def _no_room(what: str, members: KeyPairIds) -> AwsError:
    return AwsError(
        what=what,
        reason=_(
            "the group holds as many public keys as its quota allows: {keys}",
            keys=", ".join(members),
        ),
        next_step=_(
            "Remove one that no site needs (CloudFront > Key groups), but none that is ACTIVE or "
            "RETIRING here. Or request a higher quota (Service Quotas, CloudFront). Then repeat "
            "this step."
        ),
        code="TooManyPublicKeysInKeyGroup",
    )


def _same_key(found: ListedPublicKey, pem: str, what: str) -> str:
    if found.holds(pem):
        return found.key_pair_id
    raise _conflict(
        what=what,
        reason=_("another key, {id}, has that name", id=found.key_pair_id),
        next_step=_(
            "Delete it under CloudFront > Public keys if nothing uses it, or choose another name."
        ),
    )


_conflict = partial(AwsError, code="PublicKeyAlreadyExists")
