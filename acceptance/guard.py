"""Stand between every boto3 client of this process and AWS: the last line of defense.

It also sees the calls of the package's own commands. A call that makes something is written into
the ledger first, and gets the run as a tag where AWS keeps one; one that changes or removes
something is sent only if the ledger has it. A call that is not in the tables below, and does not
only read, is refused.

What a stack makes is the stack's: CloudFormation gives the tags of the stack to the bucket and to
the distribution, and removes all but the bucket with the stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from acceptance.ledger import BadLedger, Ledger, Resource
from cfsigned_django.aws.client import make_client
from cfsigned_django.tools.stack.existing_bucket import find_region
from cfsigned_django.tools.stack.parameters import BUCKET, MAKES_BUCKET
from cfsigned_django.tools.stack.template import read_template

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
#: Operation -> kind, the argument that describes what is made, the part of the answer with its ID.
_MAKES: Final[Mapping[str, tuple[str, str, str]]] = {
    "CreateKeyGroup": ("key-group", "KeyGroupConfig", "KeyGroup"),
    "CreatePublicKey": ("public-key", "PublicKeyConfig", "PublicKey"),
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
    "UpdateDistribution": ("distribution", "Id"),
    "UpdateKeyGroup": ("key-group", "Id"),
    "UpdateTerminationProtection": ("stack", "StackName"),
}


#: The key of the tag; its value is the mark of the run.
TAG: Final = "acceptance"


class Refused(Exception):
    """The call was not sent: it would touch what this run did not make."""


@contextmanager
def guarding(ledger: Ledger) -> Iterator[None]:
    """Let the block call AWS for this ledger only."""
    guard = _Guard(ledger)
    send: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]

    def make_api_call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        return guard.call(
            client, operation, arguments, lambda given: send(client, operation, given)
        )

    with patch.object(BaseClient, "_make_api_call", make_api_call):
        yield


class _Guard:
    """What a process has seen of the stacks of its run, beside the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        #: The ID of each change set, and the bucket that it makes, if it makes one.
        self._change_sets: dict[str, str] = {}
        self._distributions: set[str] = set()

    def call(
        self,
        client: Any,
        operation: str,
        arguments: dict[str, Any],
        send: Callable[[dict[str, Any]], Any],
    ) -> Any:
        """Send a call, or raise :exc:`Refused`."""
        if operation.startswith(_READS) or operation in _CREDENTIALS:
            answer = send(arguments)
            if operation == "DescribeStacks":
                self._note(answer["Stacks"])
            return answer
        if client.meta.service_model.service_name not in _SERVICES:
            raise Refused(f"{operation} is not of {', '.join(_SERVICES)}.")
        if operation == "CreateChangeSet":
            return self._plan(arguments, send)
        if operation == "PutObject":
            return self._write(arguments, send)
        if operation in _MAKES:
            kind, argument, part = _MAKES[operation]
            config = arguments[argument]
            if kind == "public-key":  # it has no tag, but keeps a comment
                config = {**config, "Comment": self._ledger.mark}
            resource = self._intend(
                operation, kind, config["Name"], config.get("CallerReference", "")
            )
            return self._make(resource, lambda: send({argument: config}), part, "Id")
        if operation not in _CHANGES:
            raise Refused(f"{operation} is not one of the calls that a run makes.")
        return self._change(client, operation, arguments, send)

    def _plan(self, arguments: dict[str, Any], send: Callable[[dict[str, Any]], Any]) -> Any:
        """Make a change set, of the package's template only. That of a new stack makes the stack.

        The stack has the run as a tag, and gives it to what it makes.
        """
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
            answer, bucket = send(arguments), ""
        else:
            bucket = given[BUCKET]
            if given[MAKES_BUCKET] != "true" or self._ledger.mark not in bucket:
                raise Refused(f"CreateChangeSet: this run does not make the bucket {bucket!r}.")
            # It may be in review already, with another change set.
            resource = self._named("stack", name) or self._intend("CreateChangeSet", "stack", name)
            tags = [{"Key": TAG, "Value": self._ledger.mark}]
            answer = self._make(resource, lambda: send({**arguments, "Tags": tags}), "", "StackId")
        self._change_sets[answer["Id"]] = bucket
        return answer

    def _write(self, arguments: dict[str, Any], send: Callable[[dict[str, Any]], Any]) -> Any:
        """Write an object into the bucket of the run, with the run as its tag."""
        name = arguments["Key"]
        self._require("bucket", arguments["Bucket"], "PutObject")
        tagged = {**arguments, "Tagging": f"{TAG}={self._ledger.mark}"}
        if self._ledger.find("object", name):  # written over, and with it the tags
            return send(tagged)
        resource = self._intend("PutObject", "object", name)
        return self._make(resource, lambda: send(tagged))

    def _make(
        self, resource: Resource, send: Callable[[], Any], part: str = "", member: str = ""
    ) -> Any:
        try:
            answer = send()
        except ClientError as error:
            if not resource.id and _is_final(error):
                self._ledger.removed(resource)
            raise
        found = answer[part] if part else answer
        self._ledger.made(resource, found[member] if member else resource.name)
        return answer

    def _change(
        self,
        client: Any,
        operation: str,
        arguments: dict[str, Any],
        send: Callable[[dict[str, Any]], Any],
    ) -> Any:
        kind, argument = _CHANGES[operation]
        if kind == "object":
            self._require("bucket", arguments["Bucket"], operation)
        resource = self._require(kind, arguments[argument], operation)
        if operation == "ExecuteChangeSet":
            self._announce_bucket(client, self._change_sets[arguments[argument]])
        answer = send(arguments)
        # A stack is gone when CloudFormation says so.
        if operation.startswith("Delete") and resource is not None and kind != "stack":
            self._ledger.removed(resource)
        return answer

    def _announce_bucket(self, client: Any, name: str) -> None:
        """Write down the bucket that CloudFormation will make. Refuse one that somebody has."""
        if not name or self._named("bucket", name):
            return
        s3 = make_client("s3", region_name=client.meta.region_name)
        if find_region(s3, name) is not None:
            raise Refused(f"ExecuteChangeSet: the bucket {name!r} exists already.")
        self._intend("ExecuteChangeSet", "bucket", name)

    def _note(self, stacks: Iterable[Mapping[str, Any]]) -> None:
        """Take from the outputs of the run's stacks what they have made."""
        for stack in stacks:
            outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}
            if outputs and self._ledger.find("stack", stack["StackId"]):
                self._distributions.add(outputs["DistributionId"])
                bucket = self._named("bucket", outputs[BUCKET])
                if bucket is not None and not bucket.id:
                    self._ledger.made(bucket, bucket.name)

    def _intend(self, operation: str, kind: str, name: str, reference: str = "") -> Resource:
        try:
            return self._ledger.intend(kind, name, reference)
        except BadLedger as error:
            raise Refused(f"{operation}: {error}") from None

    def _named(self, kind: str, name: str) -> Resource | None:
        return next((each for each in self._ledger.left(kind) if each.name == name), None)

    def _require(self, kind: str, id: str, operation: str) -> Resource | None:
        """Return the entry of the ledger; None for what belongs to a stack of the ledger."""
        if kind == "change-set" and id in self._change_sets:
            return None
        if kind == "distribution" and id in self._distributions:
            return None
        found = self._ledger.find(kind, id)
        if kind == "stack" and found is None:
            found = self._named(kind, id)
        if found is None or not found.id:
            raise Refused(f"{operation}: this run made no {kind} {id!r}.")
        return found


def _is_final(error: ClientError) -> bool:
    """Return whether AWS has certainly made nothing: it refused, and was asked only once."""
    answer = error.response.get("ResponseMetadata", {})
    return answer.get("HTTPStatusCode", 0) // 100 == 4 and answer.get("RetryAttempts") == 0
