"""Remove what a run made: only what its ledger has, and only if AWS confirms that it is that.

What AWS has under an ID must have the name and the caller reference of the ledger. It can be
repeated: what was removed is noted, and what could not be removed yet is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from acceptance.guard import Refused
from acceptance.ledger import Ledger, Resource
from cfsigned_django.aws.client import Clients, call, list_items
from cfsigned_django.aws.errors import AwsError

#: AWS says that deploying takes minutes; half an hour has been seen.
_DEPLOY_SECONDS: Final = 45 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How CloudFront names the calls and the answers of one kind of resource."""

    #: As in get_key_group, list_key_groups and delete_key_group.
    method: str
    methods: str
    #: As in KeyGroup and KeyGroupConfig.
    block: str
    #: What each item of the list is in, besides its ID.
    is_wrapped: bool = False
    #: What the call that lists needs.
    given: Mapping[str, str] = field(default_factory=dict)


_KINDS: Final[Mapping[str, _Kind]] = {
    "distribution": _Kind(method="distribution", methods="distributions", block="Distribution"),
    "key-group": _Kind(method="key_group", methods="key_groups", block="KeyGroup", is_wrapped=True),
    "public-key": _Kind(method="public_key", methods="public_keys", block="PublicKey"),
    "access-control": _Kind(
        method="origin_access_control",
        methods="origin_access_controls",
        block="OriginAccessControl",
    ),
    **{
        kind: _Kind(
            method=method,
            methods=f"{method[:-1]}ies",
            block=block,
            is_wrapped=True,
            given={"Type": "custom"},
        )
        for kind, method, block in (
            ("cache-policy", "cache_policy", "CachePolicy"),
            ("request-policy", "origin_request_policy", "OriginRequestPolicy"),
            ("headers-policy", "response_headers_policy", "ResponseHeadersPolicy"),
        )
    },
}


#: What is in use comes after what uses it.
_ORDER: Final = (
    "distribution",
    "function",
    "key-group",
    "public-key",
    "access-control",
    "cache-policy",
    "request-policy",
    "headers-policy",
    "object",
    "bucket",
)


class NotConfirmed(Exception):
    """What AWS has is not what the ledger has: it is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUp:
    """Remove what is left of a run. ``tell`` is called with each line for the person."""

    ledger: Ledger
    clients: Clients
    tell: Callable[[str], object] = print
    sleep: Callable[[float], object] = time.sleep
    look_again: float = 15.0

    def run(self) -> list[str]:
        """Return a line for each thing that could not be removed: empty if nothing is left."""
        left = []
        for kind in _ORDER:
            for resource in self.ledger.left(kind):
                try:
                    self._remove(resource)
                except (AwsError, NotConfirmed, Refused) as error:
                    left.append(f"{kind} {resource.id or resource.name}: {error}")
        return left

    def _remove(self, resource: Resource) -> None:
        match resource.kind:
            case "function":
                self._remove_function(resource)
            case "object":
                self._remove_object(resource)
            case "bucket":
                self._remove_bucket(resource)
            case _:
                self._remove_configured(resource)

    def _remove_configured(self, resource: Resource) -> None:
        """Remove what has an ID and a configuration."""
        found = self._find(resource)
        if found is None:
            self._note_missing(resource)
            return
        if not resource.id:
            resource = self.ledger.made(resource, found)
        if resource.kind == "distribution":
            self._disable(resource)
        version = self._confirmed(resource)
        method = getattr(self.clients.cloudfront, f"delete_{_KINDS[resource.kind].method}")
        self._call(method, f"delete {resource.id}", Id=resource.id, IfMatch=version)
        self.tell(f"Removed {resource.kind} {resource.id}.")

    def _find(self, resource: Resource) -> str | None:
        """Return the ID of what the ledger means, if it exists."""
        candidates = [resource.id] if resource.id else self._ids_by_name(resource)
        for each in candidates:
            try:
                self._confirmed(resource, each)
            except AwsError as error:
                if not error.code.startswith("NoSuch"):
                    raise
            except NotConfirmed:
                if resource.id:
                    raise
            else:
                return each
        return None

    def _ids_by_name(self, resource: Resource) -> Iterator[str]:
        """Yield the IDs of what has exactly this name, in case no ID was written down."""
        kind = _KINDS[resource.kind]
        method = getattr(self.clients.cloudfront, f"list_{kind.methods}")
        what = f"list the {kind.methods.replace('_', ' ')}"
        for item in list_items(method, f"{kind.block}List", what, "", **kind.given):
            block = item[kind.block] if kind.is_wrapped else item
            config = block.get(f"{kind.block}Config", block)
            if _name_in(config) == resource.name:
                yield block["Id"]

    def _confirmed(self, resource: Resource, id: str = "") -> str:
        """Return the version, if what has the ID is what the ledger means."""
        config, version = self._config(resource.kind, id or resource.id)
        found = _name_in(config), config.get("CallerReference", "")
        if found != (resource.name, resource.reference):
            raise NotConfirmed(
                "its name or caller reference is not that of the ledger. It is not touched."
            )
        return version

    def _config(self, kind: str, id: str) -> tuple[dict[str, Any], str]:
        method = getattr(self.clients.cloudfront, f"get_{_KINDS[kind].method}")
        answer = self._call(method, f"read {id}", Id=id)
        block = _KINDS[kind].block
        return answer[block][f"{block}Config"], answer["ETag"]

    def _disable(self, resource: Resource) -> None:
        config, version = self._config(resource.kind, resource.id)
        if config["Enabled"]:
            self._call(
                self.clients.cloudfront.update_distribution,
                f"disable {resource.id}",
                Id=resource.id,
                IfMatch=version,
                DistributionConfig={**config, "Enabled": False},
            )
            self.tell(f"Disabled distribution {resource.id}; CloudFront needs some minutes.")
        for _ in range(int(_DEPLOY_SECONDS / max(self.look_again, 1))):
            answer = self._call(
                self.clients.cloudfront.get_distribution, f"read {resource.id}", Id=resource.id
            )
            if answer["Distribution"]["Status"] == "Deployed":
                return
            self.sleep(self.look_again)

    def _remove_function(self, resource: Resource) -> None:
        cloudfront = self.clients.cloudfront
        try:
            answer = self._call(
                cloudfront.describe_function,
                f"read {resource.name}",
                Name=resource.name,
                Stage="DEVELOPMENT",
            )
        except AwsError as error:
            if not error.code.startswith("NoSuch"):
                raise
            self._note_missing(resource)
            return
        if answer["FunctionSummary"]["FunctionConfig"]["Comment"] != self.ledger.run:
            raise NotConfirmed("its comment is not the run. It is not touched.")
        self.ledger.made(resource, resource.name)
        self._call(
            cloudfront.delete_function,
            f"delete {resource.name}",
            Name=resource.name,
            IfMatch=answer["ETag"],
        )
        self.tell(f"Removed function {resource.name}.")

    def _remove_object(self, resource: Resource) -> None:
        for bucket in self.ledger.left("bucket"):
            place = {"Bucket": bucket.name, "Key": resource.name}
            if self._has(bucket) and self._exists(self.clients.s3.head_object, **place):
                self.ledger.made(resource, resource.name)
                self._call(
                    self.clients.s3.delete_object,
                    f"delete {resource.name}",
                    **place,
                    ExpectedBucketOwner=self.ledger.account,
                )
                return
        self._note_missing(resource)

    def _remove_bucket(self, resource: Resource) -> None:
        if not self._has(resource):
            self._note_missing(resource)
            return
        self._call(
            self.clients.s3.delete_bucket,
            f"delete {resource.name}",
            Bucket=resource.name,
            ExpectedBucketOwner=self.ledger.account,
        )
        self.tell(f"Removed bucket {resource.name}.")

    def _has(self, bucket: Resource) -> bool:
        """Return whether this account has the bucket that the run made.

        Nobody had it before: the guard looked. Its name contains the run, and is its identity.
        """
        if not self._exists(self.clients.s3.head_bucket, Bucket=bucket.name):
            return False
        if self.ledger.run not in bucket.name:
            raise NotConfirmed("its name does not contain the run. It is not touched.")
        if not bucket.id:
            self.ledger.made(bucket, bucket.name)
        return True

    def _exists(self, head: Callable[..., Any], **place: str) -> bool:
        """Return whether this account has a bucket or an object."""
        what = f"find {place.get('Key', place['Bucket'])}"
        try:
            self._call(head, what, **place, ExpectedBucketOwner=self.ledger.account)
        except AwsError as error:
            if error.code not in ("404", "NoSuchBucket", "NoSuchKey"):
                raise
            return False
        return True

    def _note_missing(self, resource: Resource) -> None:
        """Note that it is gone; of a call without an answer, a later look may still find it."""
        if resource.id:
            self.ledger.removed(resource)

    def _call(self, method: Callable[..., Any], what: str, **arguments: Any) -> Any:
        return call(method, what, "", **arguments)


def _name_in(config: Mapping[str, Any]) -> Any:
    """Return the name, as the guard wrote it into the ledger: a distribution has a comment."""
    return config.get("Name") or config.get("Comment")
