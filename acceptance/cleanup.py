"""Remove what a run made: only what its ledger has, and only if AWS confirms that it is that.

What confirms it, besides the exact name and the ID:

- stack, object: the tag of the run
- bucket: CloudFormation lists it as what a stack of the run made
- public key: the caller reference, and the run in its comment
- key group: nothing; AWS keeps neither a tag nor a caller reference of it. If the answer with the
  ID was lost, the name alone decides.

It can be repeated: what was removed is noted, and what could not be removed yet is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from acceptance.clients import Clients
from acceptance.guard import TAG, Refused
from acceptance.ledger import Ledger, Resource
from cfsigned_django.aws.client import call, list_items
from cfsigned_django.aws.errors import AwsError

#: How long to wait for CloudFormation, which waits for a deployment. AWS says minutes; half an hour
#: has been seen.
DEPLOY_SECONDS: Final = 45 * 60
#: How CloudFront names the calls and the answers of a kind.
_METHODS: Final[Mapping[str, str]] = {"key-group": "key_group", "public-key": "public_key"}
_BLOCKS: Final[Mapping[str, str]] = {"key-group": "KeyGroup", "public-key": "PublicKey"}
#: What is in use comes after what uses it.
_ORDER: Final = ("stack", "key-group", "public-key", "object", "bucket")
#: How long AWS may take to show what a call without an answer made.
_UNANSWERED: Final = timedelta(minutes=15)


class NotConfirmed(Exception):
    """What AWS has is not what the ledger has, or is not to be removed yet: it is left alone."""


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
        if resource.kind != "stack" and any(each.id for each in self.ledger.left("stack")):
            raise NotConfirmed("a stack of the run is left, and needs it.")
        match resource.kind:
            case "stack":
                self._remove_stack(resource)
            case "object":
                self._remove_object(resource)
            case "bucket":
                self._remove_bucket(resource)
            case _:
                self._remove_configured(resource)

    def _remove_stack(self, resource: Resource) -> None:
        """Take the protection off, delete the stack, and wait until CloudFormation has done it."""
        # By its ID, CloudFormation also finds a stack that is gone: it deletes one that failed.
        stack = self._stack(resource.name) or (self._stack(resource.id) if resource.id else None)
        if stack is None:
            self._note_missing(resource)
            return
        self._check_tags(stack.get("Tags", ()))
        id = stack["StackId"]
        if resource.id != id:  # its answer was lost, or it was made again
            resource = self.ledger.made(resource, id)
        cloudformation = self.clients.cloudformation
        stack = self._wait_while(resource, id, _is_at_work)
        self._note_bucket(id)
        if stack["StackStatus"] != "DELETE_COMPLETE":
            if stack.get("EnableTerminationProtection"):
                self._call(
                    cloudformation.update_termination_protection,
                    f"take the protection off {resource.name}",
                    StackName=id,
                    EnableTerminationProtection=False,
                )
            self._call(cloudformation.delete_stack, f"delete {resource.name}", StackName=id)
            self.tell(f"CloudFormation deletes the stack {resource.name}; it needs some minutes.")
            self.sleep(self.look_again)
            stack = self._wait_while(resource, id, _is_being_deleted)
        if stack["StackStatus"] != "DELETE_COMPLETE":
            reason = stack.get("StackStatusReason") or stack["StackStatus"]
            raise NotConfirmed(f"CloudFormation has not deleted it: {reason}")
        self.ledger.removed(resource)
        self.tell(f"Removed stack {resource.name}.")

    def _note_bucket(self, stack_id: str) -> None:
        """Note the bucket that a stack has made, while CloudFormation can be asked about it."""
        unknown = {each.name: each for each in self.ledger.left("bucket") if not each.id}
        if not unknown:
            return
        method = self.clients.cloudformation.describe_stack_resources
        answer = self._ask_cloudformation(method, stack_id)
        for each in (answer or {}).get("StackResources", ()):
            status, name = each["ResourceStatus"], each.get("PhysicalResourceId")
            if name in unknown and status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
                self.ledger.made(unknown[name], name)

    def _stack(self, name: str) -> dict[str, Any] | None:
        """Return the stack with that name or ID, if it exists."""
        answer = self._ask_cloudformation(self.clients.cloudformation.describe_stacks, name)
        if answer is None:
            return None
        [found] = answer["Stacks"]
        is_gone = found["StackStatus"] == "DELETE_COMPLETE" and name != found["StackId"]
        return None if is_gone else dict(found)

    def _ask_cloudformation(self, method: Callable[..., Any], name: str) -> Any:
        """Return the answer about a stack; None if there is no such stack."""
        try:
            return self._call(method, f"read the stack {name}", StackName=name)
        except AwsError as error:
            # CloudFormation has no separate code for it.
            if error.code == "ValidationError" and "does not exist" in error.detail:
                return None
            raise

    def _wait_while(
        self, resource: Resource, id: str, is_so: Callable[[str], bool]
    ) -> dict[str, Any]:
        """Return the stack when its status is another, or after the longest wait."""
        looks = int(DEPLOY_SECONDS / max(self.look_again, 1))
        gone: dict[str, Any] = {"StackStatus": "DELETE_COMPLETE"}
        for _ in range(1 if resource.number in self._waited else looks):
            found = self._stack(id) or gone
            if not is_so(found["StackStatus"]):
                return found
            self.sleep(self.look_again)
        self._waited.add(resource.number)
        return self._stack(id) or gone

    def _remove_configured(self, resource: Resource) -> None:
        """Remove what has an ID and a configuration."""
        found = self._find(resource)
        if found is None:
            self._note_missing(resource)
            return
        if not resource.id:
            resource = self.ledger.made(resource, found)
        version = self._confirmed(resource)
        method = getattr(self.clients.cloudfront, f"delete_{_METHODS[resource.kind]}")
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
        method, block = f"list_{_METHODS[resource.kind]}s", _BLOCKS[resource.kind]
        what = f"list each {resource.kind}"
        listed = list_items(getattr(self.clients.cloudfront, method), f"{block}List", what, "")
        for item in listed:
            one = item.get(block, item)
            if one.get(f"{block}Config", one)["Name"] == resource.name:
                yield one["Id"]

    def _confirmed(self, resource: Resource, id: str = "") -> str:
        """Return the version, if what has the ID is what the ledger means."""
        id, block = id or resource.id, _BLOCKS[resource.kind]
        method = getattr(self.clients.cloudfront, f"get_{_METHODS[resource.kind]}")
        answer = self._call(method, f"read {id}", Id=id)
        config = answer[block][f"{block}Config"]
        if (config["Name"], config.get("CallerReference", "")) != (
            resource.name,
            resource.reference,
        ):
            raise NotConfirmed(
                "its name or caller reference is not that of the ledger. It is not touched."
            )
        if resource.kind == "public-key" and config.get("Comment") != self.ledger.mark:
            raise NotMarked("its comment is not that of the run. It is not touched.")
        version: str = answer["ETag"]
        return version

    def _check_tags(self, tags: Iterable[Mapping[str, str]]) -> None:
        if {"Key": TAG, "Value": self.ledger.mark} not in tags:
            raise NotMarked("it does not have the tag of the run. It is not touched.")

    def _remove_object(self, resource: Resource) -> None:
        s3 = self.clients.s3
        for bucket in self.ledger.left("bucket"):
            place = {"Bucket": bucket.name, "Key": resource.name}
            answer = self._ask_s3(resource, s3.get_object_tagging, place) if bucket.id else None
            if answer is not None:
                self._check_tags(answer["TagSet"])
                if not resource.id:
                    self.ledger.made(resource, resource.name)
                self._ask_s3(resource, s3.delete_object, place)
                return
        self._note_missing(resource)

    def _remove_bucket(self, resource: Resource) -> None:
        s3, place = self.clients.s3, {"Bucket": resource.name}
        if self._ask_s3(resource, s3.head_bucket, place) is None:
            self._note_missing(resource)
        elif not resource.id:
            raise NotConfirmed("no stack of the run is known to have made it. It is not touched.")
        else:
            self._ask_s3(resource, s3.delete_bucket, place)
            self.tell(f"Removed bucket {resource.name}.")

    def _ask_s3(
        self, resource: Resource, method: Callable[..., Any], place: Mapping[str, str]
    ) -> Any:
        """Return the answer about a bucket of this account; None if there is no such thing."""
        owner = self.ledger.account
        try:
            return self._call(
                method, f"read or delete {resource.name}", **place, ExpectedBucketOwner=owner
            )
        except AwsError as error:
            if error.code in ("404", "NoSuchBucket", "NoSuchKey"):
                return None
            raise

    def _note_missing(self, resource: Resource) -> None:
        """Note at the second look that it is gone; later, if its call had no answer.

        A bucket is made by a stack, and that is gone by now.
        """
        is_late = resource.kind == "bucket" or self.now() - resource.at > _UNANSWERED
        if resource.number in self._missing and (resource.id or is_late):
            self.ledger.removed(resource)
        self._missing.add(resource.number)

    def _call(self, method: Callable[..., Any], what: str, **arguments: Any) -> Any:
        return call(method, what, "", **arguments)


def _is_at_work(status: str) -> bool:
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def _is_being_deleted(status: str) -> bool:
    return not status.startswith("DELETE_") or status == "DELETE_IN_PROGRESS"
