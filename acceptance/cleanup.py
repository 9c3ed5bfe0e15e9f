"""Remove what a run made: only what its ledger has, and only if AWS confirms that it is that.

What confirms it, besides the exact name and the ID:

- distribution: the tag of the run and the caller reference
- public key: the caller reference, and the run in its comment
- function, bucket, object: the tag of the run
- key group, origin access control, response headers policy: nothing; AWS keeps neither a tag nor a
  caller reference of these. If the answer with the ID was lost, the name alone decides.

It can be repeated: what was removed is noted, and what could not be removed yet is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from acceptance.guard import TAG, Refused
from acceptance.ledger import Ledger, Resource
from cfsigned_django.aws.client import Clients, call, list_items
from cfsigned_django.aws.errors import AwsError

#: How long to wait for a deployment. AWS says minutes; half an hour has been seen.
DEPLOY_SECONDS: Final = 45 * 60


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
    "headers-policy": _Kind(
        method="response_headers_policy",
        methods="response_headers_policies",
        block="ResponseHeadersPolicy",
        is_wrapped=True,
        given={"Type": "custom"},
    ),
}


#: What is in use comes after what uses it.
_ORDER: Final = (
    "distribution",
    "function",
    "key-group",
    "public-key",
    "access-control",
    "headers-policy",
    "object",
    "bucket",
)


#: How long AWS may take to show what a call without an answer made.
_UNANSWERED: Final = timedelta(minutes=15)


class NotConfirmed(Exception):
    """What AWS has is not what the ledger has: it is left alone."""


class NotMarked(NotConfirmed):
    """It has the name and the caller reference, but not, or not yet, the mark of the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUp:
    """Remove what is left of a run. ``tell`` is called with each line for the person."""

    ledger: Ledger
    clients: Clients
    tell: Callable[[str], object] = print
    sleep: Callable[[float], object] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    look_again: float = 15.0
    #: Numbers of what AWS did not find at the first look: it may show late what was just made.
    _missing: set[int] = field(default_factory=set)
    #: Numbers of what was waited for in vain: the next attempt looks only once.
    _waited: set[int] = field(default_factory=set)

    def run(self) -> list[str]:
        """Return a line for each thing that may be left: empty if there is nothing."""
        left = self._remove_all()
        if self._missing:
            self.sleep(self.look_again)
            left = self._remove_all()
        return left

    def _remove_all(self) -> list[str]:
        left = []
        for kind in _ORDER:
            for resource in self.ledger.left(kind):
                try:
                    self._remove(resource)
                except (AwsError, NotConfirmed, Refused) as error:
                    left.append(f"{resource}: {error}")
        unknown = [each for each in self.ledger.left() if not each.id]
        return left + [
            f"{each}: its call had no answer; nothing of it shows. Look again in 15 minutes."
            for each in unknown
            if not any(line.startswith(f"{each}: ") for line in left)
        ]

    def _remove(self, resource: Resource) -> None:
        match resource.kind:
            case "function":
                self._remove_function(resource)
            case "object" | "bucket" if any(each.id for each in self.ledger.left("distribution")):
                raise NotConfirmed("the distribution is left, and would have no bucket.")
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
            except NotConfirmed as error:
                if resource.id or isinstance(error, NotMarked):
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
        found, version = self._read(resource.kind, id or resource.id)
        config = found[f"{_KINDS[resource.kind].block}Config"]
        if (_name_in(config), config.get("CallerReference", "")) != (
            resource.name,
            resource.reference,
        ):
            raise NotConfirmed(
                "its name or caller reference is not that of the ledger. It is not touched."
            )
        if resource.kind == "distribution":
            self._require_tag(found["ARN"])
        if resource.kind == "public-key" and config.get("Comment") != self.ledger.mark:
            raise NotMarked("its comment is not that of the run. It is not touched.")
        return version

    def _require_tag(self, arn: str) -> None:
        method = self.clients.cloudfront.list_tags_for_resource
        try:
            answer = self._call(method, f"read the tags of {arn}", Resource=arn)
        except AwsError as error:
            raise NotMarked(str(error)) from None
        self._check_tags(answer["Tags"].get("Items", ()))

    def _check_tags(self, tags: Iterable[Mapping[str, str]]) -> None:
        if {"Key": TAG, "Value": self.ledger.mark} not in tags:
            raise NotMarked("it does not have the tag of the run. It is not touched.")

    def _read(self, kind: str, id: str) -> tuple[dict[str, Any], str]:
        method = getattr(self.clients.cloudfront, f"get_{_KINDS[kind].method}")
        answer = self._call(method, f"read {id}", Id=id)
        return answer[_KINDS[kind].block], answer["ETag"]

    def _disable(self, resource: Resource) -> None:
        found, version = self._read(resource.kind, resource.id)
        config = found["DistributionConfig"]
        if config["Enabled"]:
            self._call(
                self.clients.cloudfront.update_distribution,
                f"disable {resource.id}",
                Id=resource.id,
                IfMatch=version,
                DistributionConfig={**config, "Enabled": False},
            )
            self.tell(f"Disabled distribution {resource.id}; CloudFront needs some minutes.")
        looks = int(DEPLOY_SECONDS / max(self.look_again, 1))
        for _ in range(1 if resource.number in self._waited else looks):
            found, _version = self._read(resource.kind, resource.id)
            if found["Status"] == "Deployed":
                return
            self.sleep(self.look_again)
        self._waited.add(resource.number)

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
        self._require_tag(answer["FunctionSummary"]["FunctionMetadata"]["FunctionARN"])
        if not resource.id:
            self.ledger.made(resource, resource.name)
        self._call(
            cloudfront.delete_function,
            f"delete {resource.name}",
            Name=resource.name,
            IfMatch=answer["ETag"],
        )
        self.tell(f"Removed function {resource.name}.")

    def _remove_object(self, resource: Resource) -> None:
        s3 = self.clients.s3
        for bucket in self.ledger.left("bucket"):
            place = {"Bucket": bucket.name, "Key": resource.name}
            if bucket.id and self._has(resource, s3.get_object_tagging, **place):
                self._delete(s3.delete_object, resource, **place)
                return
        self._note_missing(resource)

    def _remove_bucket(self, resource: Resource) -> None:
        s3 = self.clients.s3
        if not self._has(resource, s3.get_bucket_tagging, Bucket=resource.name):
            self._note_missing(resource)
            return
        self._delete(s3.delete_bucket, resource, Bucket=resource.name)
        self.tell(f"Removed bucket {resource.name}.")

    def _delete(self, method: Callable[..., Any], resource: Resource, **place: str) -> None:
        if not resource.id:
            self.ledger.made(resource, resource.name)
        owner = self.ledger.account
        self._call(method, f"delete {resource.name}", **place, ExpectedBucketOwner=owner)

    def _has(self, resource: Resource, tags: Callable[..., Any], **place: str) -> bool:
        """Return whether this account has the bucket, or object, that the run made."""
        owner = self.ledger.account
        try:
            answer = self._call(
                tags, f"read the tags of {resource.name}", **place, ExpectedBucketOwner=owner
            )
        except AwsError as error:
            if error.code not in ("NoSuchBucket", "NoSuchKey", "NoSuchTagSet"):
                raise
            if error.code != "NoSuchTagSet":
                return False
            answer = {"TagSet": []}
        self._check_tags(answer["TagSet"])
        return True

    def _note_missing(self, resource: Resource) -> None:
        """Note at the second look that it is gone; later, if its call had no answer."""
        is_late = self.now() - resource.at > _UNANSWERED
        if resource.number in self._missing and (resource.id or is_late):
            self.ledger.removed(resource)
        self._missing.add(resource.number)

    def _call(self, method: Callable[..., Any], what: str, **arguments: Any) -> Any:
        return call(method, what, "", **arguments)


def _name_in(config: Mapping[str, Any]) -> Any:
    """Return the name, as the guard wrote it into the ledger: a distribution has a comment."""
    return config.get("Name") or config.get("Comment")
