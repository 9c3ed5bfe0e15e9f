"""Stand between every boto3 client of this process and AWS: the last line of defense.

It also sees the calls of the package's own commands. What a call makes gets the mark of the run. A
call that changes or removes something is sent only if this process has made that, or AWS has shown
it with the mark. A call that is not in the tables below, and does not only read, is refused.

What a stack makes is the stack's: CloudFormation gives the tags of the stack to the bucket and to
the distribution, and removes all but the bucket with the stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from botocore.client import BaseClient

from acceptance.record import TAG, Record
from cfsigned_django.core.aws.client import make_client
from cfsigned_django.tools.account.reader import find_region
from cfsigned_django.tools.stack.template import BUCKET, MAKES_BUCKET, read_template

_READS: Final = ("Describe", "Get", "Head", "List")
_SERVICES: Final = ("cloudformation", "cloudfront", "s3")
#: What boto3 itself calls for credentials: of a role, of a web identity, of a person who logged in.
_CREDENTIALS: Final = (
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "CreateOAuth2Token",
    "CreateToken",
)
#: Operation -> the argument that describes what it makes or changes, and has the mark as a comment.
_MARKED: Final[Mapping[str, str]] = {
    "CreateKeyGroup": "KeyGroupConfig",
    "CreatePublicKey": "PublicKeyConfig",
    "UpdateKeyGroup": "KeyGroupConfig",
}
#: Operation -> kind, and the argument that names what is changed or removed.
_CHANGES: Final[Mapping[str, tuple[str, str]]] = {
    "CreateInvalidation": ("distribution", "DistributionId"),
    "DeleteBucket": ("bucket", "Bucket"),
    "DeleteChangeSet": ("change-set", "ChangeSetName"),
    "DeleteKeyGroup": ("key-group", "Id"),
    "DeleteObject": ("object", "Key"),
    "DeletePublicKey": ("public-key", "Id"),
    "DeleteStack": ("stack", "StackName"),
    "ExecuteChangeSet": ("change-set", "ChangeSetName"),
    "PutBucketPolicy": ("bucket", "Bucket"),
    "PutObject": ("bucket", "Bucket"),
    "UpdateDistribution": ("distribution", "Id"),
    "UpdateKeyGroup": ("key-group", "Id"),
    "UpdateTerminationProtection": ("stack", "StackName"),
}


class Refused(Exception):
    """The call was not sent: it would touch what this run did not make."""


@contextmanager
def guarding(record: Record) -> Iterator[Guard]:
    """Let the block call AWS for this run only."""
    guard = Guard(record)
    send: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]

    def make_api_call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        return guard.call(
            client, operation, arguments, lambda given: send(client, operation, given)
        )

    with patch.object(BaseClient, "_make_api_call", make_api_call):
        yield guard


class Guard:
    """What is of the run, as far as this process knows: by kind and ID."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._own = {("bucket", each) for each in record.places.values()}

    def ids(self) -> set[str]:
        """Return the IDs of everything but objects: no report shows them."""
        return {id for kind, id in self._own if kind != "object"}

    def has(self, kind: str, id: str) -> bool:
        """Return whether something is of the run."""
        return (kind, id) in self._own

    def call(
        self,
        client: Any,
        operation: str,
        arguments: dict[str, Any],
        send: Callable[[dict[str, Any]], Any],
    ) -> Any:
        """Send a call, or raise :exc:`Refused`."""
        is_read = operation.startswith(_READS) or operation in _CREDENTIALS
        if not is_read:
            self._check(client, operation, arguments)
            arguments = self._marked(operation, arguments)
        answer = send(arguments)
        self._note(operation, arguments, answer)
        return answer

    def _check(self, client: Any, operation: str, arguments: dict[str, Any]) -> None:
        if client.meta.service_model.service_name not in _SERVICES:
            raise Refused(f"{operation} is not of {', '.join(_SERVICES)}.")
        if operation == "CreateChangeSet":
            self._check_plan(client, arguments)
        elif operation in _CHANGES:
            kind, argument = _CHANGES[operation]
            if kind == "object":
                self._require("bucket", arguments["Bucket"], operation)
            self._require(kind, arguments[argument], operation)
        elif operation not in _MARKED:
            raise Refused(f"{operation} is not one of the calls that a run makes.")

    def _check_plan(self, client: Any, arguments: dict[str, Any]) -> None:
        """Refuse a change set that is not of the package's template, a stack and bucket of ours."""
        name = arguments["StackName"]
        if arguments.get("TemplateBody") != read_template():
            raise Refused(f"CreateChangeSet: {name!r} would have another template.")
        given = {
            each["ParameterKey"]: each.get("ParameterValue", "")
            for each in arguments["Parameters"]
            if not each.get("UsePreviousValue")
        }
        if arguments["ChangeSetType"] != "CREATE":
            self._require("stack", name, "CreateChangeSet")
            if {BUCKET, MAKES_BUCKET} & given.keys():
                raise Refused("CreateChangeSet: the stack would get another bucket.")
            return
        bucket = given[BUCKET]
        if given[MAKES_BUCKET] != "true" or self._record.places.get(name) != bucket:
            raise Refused(f"CreateChangeSet: no run makes {name!r} with the bucket {bucket!r}.")
        s3 = make_client("s3", region_name=client.meta.region_name)
        if find_region(s3, bucket) is not None:
            raise Refused(f"CreateChangeSet: the bucket {bucket!r} exists already.")

    def _require(self, kind: str, id: str, operation: str) -> None:
        if not self.has(kind, id):
            raise Refused(f"{operation}: this run made no {kind} {id!r}.")

    def _marked(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call, with the mark of the run on what it makes."""
        mark = self._record.mark
        if operation in _MARKED:
            name = _MARKED[operation]
            return {**arguments, name: {**arguments[name], "Comment": mark}}
        if operation == "PutObject":
            owner = {"ExpectedBucketOwner": self._record.account}
            return {**arguments, **owner, "Tagging": f"{TAG}={mark}"}
        if operation == "CreateChangeSet" and arguments["ChangeSetType"] == "CREATE":
            return {**arguments, "Tags": [self._record.tag]}
        return arguments

    def _note(self, operation: str, arguments: dict[str, Any], answer: Any) -> None:
        """Take from an answer what is of the run: what was made, and what carries the mark."""
        if operation == "CreateChangeSet":
            self._own |= {("change-set", answer["Id"]), ("stack", answer["StackId"])}
            self._own.add(("stack", arguments["StackName"]))
        elif operation == "DescribeStacks":
            for stack in answer["Stacks"]:
                if self._record.tag in stack.get("Tags", ()):
                    self._own |= {("stack", stack["StackId"]), ("stack", stack["StackName"])}
                    outputs = {each["OutputKey"]: each for each in stack.get("Outputs", ())}
                    if found := outputs.get("DistributionId"):
                        self._own.add(("distribution", found["OutputValue"]))
        elif operation == "GetObjectTagging" and self._record.tag in answer["TagSet"]:
            self._own.add(("object", arguments["Key"]))
        for kind, block in (("key-group", "KeyGroup"), ("public-key", "PublicKey")):
            if operation in (f"Create{block}", f"Get{block}"):
                one = answer[block]
                if one[f"{block}Config"].get("Comment") == self._record.mark:
                    self._own.add((kind, one["Id"]))
