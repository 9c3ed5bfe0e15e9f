"""Remove what a run made: all that AWS shows with its mark, and nothing else.

It can be repeated, and starts from nothing but the record of the run: the guard refuses to remove
what AWS has not shown with the mark. A bucket is the run's by its name, which has the mark.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from acceptance.clients import Clients
from acceptance.guard import Guard, Refused
from acceptance.record import Record
from cfsigned_django.core.aws.client import call, list_items
from cfsigned_django.core.aws.errors import AwsError

#: How long to wait for CloudFormation, which waits for a deployment. AWS says minutes; half an hour
#: has been seen.
DEPLOY_SECONDS: Final = 45 * 60
#: How often AWS is looked through: it may show late what was just made, and what was in use a
#: moment ago may still count as such.
_ATTEMPTS: Final = 4


@dataclass(slots=True, kw_only=True)
class CleanUp:
    """Remove what is left of a run. ``tell`` is called with each line for the person."""

    record: Record
    clients: Clients
    guard: Guard
    tell: Callable[[str], object] = print
    sleep: Callable[[float], object] = time.sleep
    look_again: float = 15.0
    #: How long CloudFormation was waited for, in all attempts.
    _waited: float = field(default=0, init=False)

    def run(self) -> list[str]:
        """Look at least twice; return a line for each thing that is left: empty if nothing is."""
        left = self._remove_all()
        for _ in range(_ATTEMPTS - 1):
            self.sleep(self.look_again)
            if not (left := self._remove_all()):
                break
        return left

    def found(self) -> list[str]:
        """Return a line for each thing that is to be removed."""
        buckets = [*self._buckets()]
        return [
            *(f"stack {each}" for each in self.record.places if self._stack(each)),
            *(f"{kind} {id}" for kind in ("key-group", "public-key") for id, _ in self._own(kind)),
            *(f"object {key}" for each in buckets for key in self._objects(each)),
            *(f"bucket {each}" for each in buckets),
        ]

    def _remove_all(self) -> list[str]:
        left = [line for each in self.record.places for line in self._remove_stack(each)]
        if left:  # it needs the rest
            return left
        cloudfront, s3 = self.clients.cloudfront, self.clients.s3
        for kind, method in (
            ("key-group", cloudfront.delete_key_group),
            ("public-key", cloudfront.delete_public_key),
        ):
            for id, version in self._own(kind):
                left += self._remove(kind, id, method, Id=id, IfMatch=version)
        for bucket in self._buckets():
            place = {"Bucket": bucket, "ExpectedBucketOwner": self.record.account}
            for key in self._objects(bucket):
                left += self._remove("object", key, s3.delete_object, Key=key, **place)
            left += self._remove("bucket", bucket, s3.delete_bucket, **place)
        return left

    def _remove(
        self, kind: str, id: str, method: Callable[..., Any], **arguments: str
    ) -> Iterator[str]:
        try:
            self._call(method, id, **arguments)
        except (AwsError, Refused) as error:
            yield f"{kind} {id}: {error}"
        else:
            self.tell(f"Removed {kind} {id}.")

    def _remove_stack(self, name: str) -> Iterator[str]:
        """Take the protection off, delete the stack, and wait until CloudFormation has done it."""
        stack = self._stack_when(name, lambda status: not _is_at_work(status))
        if stack is None:
            return
        if not self.guard.has("stack", stack["StackId"]):
            yield f"stack {name}: it does not have the tag of the run. It is not touched."
            return
        cloudformation, id = self.clients.cloudformation, stack["StackId"]
        try:
            if stack.get("EnableTerminationProtection"):
                unprotected = {"StackName": id, "EnableTerminationProtection": False}
                self._call(cloudformation.update_termination_protection, name, **unprotected)
            self._call(cloudformation.delete_stack, name, StackName=id)
        except AwsError as error:
            yield f"stack {name}: {error}"
            return
        self.tell(f"CloudFormation deletes the stack {name}; it needs some minutes.")
        self.sleep(self.look_again)
        stack = self._stack_when(name, lambda status: status == "DELETE_FAILED")
        if stack is None:
            self.tell(f"Removed stack {name}.")
        else:
            reason = stack.get("StackStatusReason") or stack["StackStatus"]
            yield f"stack {name}: CloudFormation has not deleted it: {reason}"

    def _stack(self, name: str) -> dict[str, Any] | None:
        """Return the stack with that name, if it exists."""
        try:
            answer = self._call(self.clients.cloudformation.describe_stacks, name, StackName=name)
        except AwsError as error:
            # CloudFormation has no separate code for it.
            if error.code == "ValidationError" and "does not exist" in error.detail:
                return None
            raise
        return dict(answer["Stacks"][0])

    def _stack_when(self, name: str, is_so: Callable[[str], bool]) -> dict[str, Any] | None:
        """Return the stack when its status is so, or after the longest wait; None if it is gone."""
        while (found := self._stack(name)) and not is_so(found["StackStatus"]):
            if self._waited >= DEPLOY_SECONDS:
                break
            self.sleep(self.look_again)
            self._waited += max(self.look_again, 1)
        return found

    def _own(self, kind: str) -> Iterator[tuple[str, str]]:
        """Yield ID and version of each key or key group with the mark of the run."""
        cloudfront = self.clients.cloudfront
        block, list_all, get = {
            "key-group": ("KeyGroup", cloudfront.list_key_groups, cloudfront.get_key_group),
            "public-key": ("PublicKey", cloudfront.list_public_keys, cloudfront.get_public_key),
        }[kind]
        listed = list_items(list_all, f"{block}List", f"list each {kind}", "")
        for id in [each.get(block, each)["Id"] for each in listed]:
            try:
                answer = self._call(get, id, Id=id)
            except AwsError as error:
                if not error.code.startswith("NoSuch"):  # the list is late
                    raise
            else:
                if self.guard.has(kind, id):
                    yield id, answer["ETag"]

    def _buckets(self) -> Iterator[str]:
        for each in self.record.places.values():
            place = {"Bucket": each, "ExpectedBucketOwner": self.record.account}
            try:
                self._call(self.clients.s3.head_bucket, each, **place)
            except AwsError as error:
                if error.code not in ("404", "NoSuchBucket"):
                    raise
            else:
                yield each

    def _objects(self, bucket: str) -> Iterator[str]:
        """Yield the keys of a bucket's objects with the tag of the run; the others stay."""
        s3, place = self.clients.s3, {"Bucket": bucket, "ExpectedBucketOwner": self.record.account}
        # A run writes some twenty: all are on the first page.
        for each in self._call(s3.list_objects_v2, bucket, **place).get("Contents", ()):
            self._call(s3.get_object_tagging, each["Key"], **place, Key=each["Key"])
            if self.guard.has("object", each["Key"]):
                yield each["Key"]

    def _call(self, method: Callable[..., Any], id: str, **arguments: Any) -> Any:
        return call(method, f"read or remove {id}", "", **arguments)


def _is_at_work(status: str) -> bool:
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"
