"""Ask CloudFormation what it would change, and let it do that."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from cfsigned_django.core.aws.client import perform
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.tools.stack.existing import Stack, StackError, pages, read_stack
from cfsigned_django.tools.stack.template import as_sent, read_template

#: What the names of change sets begin with that this package makes.
_PREFIX: Final = "cfsigned-"
#: What a change set says that has nothing to change; it counts as failed.
_NOTHING: Final = ("didn't contain changes", "No updates are to be performed")
_PAUSE: Final = 2.0

#: What each resource of the template is, for people.
NOUNS: Final[Mapping[str, str]] = {
    "Bucket": "the bucket",
    "BucketPolicy": "the policy of the bucket",
    "OriginAccessControl": "how CloudFront signs its requests to S3",
    "CachePolicy": "what CloudFront caches, and for how long",
    "ResponseHeadersPolicy": "the headers of each response",
    "Distribution": "the distribution",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of one resource.

    ``action`` is "add", "change", "replace" or "remove". ``before`` are the
    properties of the last deployment, ``after`` those of this one, if
    CloudFormation tells them.
    """

    action: str
    resource: str
    physical_id: str = ""
    before: Mapping[str, Any] | None = field(default=None, repr=False)
    after: Mapping[str, Any] | None = field(default=None, repr=False)

    def as_text(self, reasons: Iterable[tuple[str, str]]) -> str:
        """Return the row of a table; ``reasons`` are the parameters that change, by resource."""
        noun = NOUNS.get(self.resource, self.resource)
        words = [sentence for resource, sentence in reasons if resource == self.resource]
        if self.action == "change" and not words:
            words = ["as another change, or the newer template, needs it"]
        return f"{self.action:<8} {noun}" + (f": {'; '.join(words)}" if words else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """What CloudFormation would do to a stack; no changes mean that all is as it should be."""

    id: str
    stack_id: str
    changes: tuple[Change, ...]

    @property
    def named(self) -> dict[str, str]:
        """Return how a call names it: with its stack, which is what IAM policies can allow."""
        return {"StackName": self.stack_id.split("/")[1], "ChangeSetName": self.id}


def create(
    client: Any,
    name: str,
    *,
    stack: Stack | None,
    given: Mapping[str, str],
    tags: Mapping[str, str] | None = None,
    sleep: Callable[[float], None],
    reverts_drift: bool = False,
) -> ChangeSet:
    """Make a change set and wait for it; the stack need not exist.

    Raise :exc:`StackError` if CloudFormation refuses the parameters, and :exc:`AwsError` if a call
    fails. What is left then is removed.
    """
    is_new = stack is None or stack.is_review
    more: dict[str, Any] = {"OnStackFailure": "DELETE"} if is_new else {}
    if reverts_drift:
        more["DeploymentMode"] = "REVERT_DRIFT"
    present = stack.parameters if stack is not None and not is_new else {}
    # The list is the whole of them: a tag that is left out would be removed.
    if tagged := {**(stack.tags if stack is not None else {}), **(tags or {})}:
        more["Tags"] = [{"Key": key, "Value": value} for key, value in tagged.items()]
    try:
        answer = perform(
            client,
            "cloudformation:CreateChangeSet",
            f"plan the stack {name}",
            StackName=name,
            ChangeSetName=f"{_PREFIX}{uuid.uuid4()}",
            ChangeSetType="CREATE" if is_new else "UPDATE",
            TemplateBody=read_template(),
            Parameters=as_sent(given, present),
            **more,
        )
    except AwsError as error:
        if error.code == "ValidationError":
            raise StackError(f"CloudFormation refuses this: {error.detail}") from None
        raise
    made = ChangeSet(id=answer["Id"], stack_id=answer["StackId"], changes=())
    try:
        return _wait(client, made, sleep)
    except BaseException:
        # Also after Ctrl-C: nothing of a plan stays.
        with suppress(AwsError):
            discard(client, made)
        raise


def delete(client: Any, made: ChangeSet) -> None:
    perform(client, "cloudformation:DeleteChangeSet", "delete the change set", **made.named)


def discard(client: Any, made: ChangeSet) -> None:
    """Delete a change set, and the stack if it consists of nothing else."""
    delete(client, made)
    stack = read_stack(client, made.stack_id)
    if stack is None or not stack.is_review:
        return
    what, of_stack = "list the change sets", {"StackName": made.stack_id}
    listed = perform(client, "cloudformation:ListChangeSets", what, **of_stack)
    # One of somebody else may be in review. Ours that are left are of runs that were killed.
    if all(each["ChangeSetName"].startswith(_PREFIX) for each in listed.get("Summaries", ())):
        perform(client, "cloudformation:DeleteStack", "remove the empty stack", **of_stack)


def execute(client: Any, made: ChangeSet) -> None:
    """Let CloudFormation begin. Raise :exc:`AwsError` if it does not."""
    given = {**made.named, "ClientRequestToken": f"{_PREFIX}{uuid.uuid4()}"}
    perform(client, "cloudformation:ExecuteChangeSet", "change the stack", **given)


def _wait(client: Any, made: ChangeSet, sleep: Callable[[float], None]) -> ChangeSet:
    action, what = "cloudformation:DescribeChangeSet", "read the change set"
    # It tells the properties of the last deployment, too.
    given: dict[str, Any] = {**made.named, "IncludePropertyValues": True}
    while True:
        found = list(pages(client, action, what, **given))
        status, reason = found[0]["Status"], found[0].get("StatusReason") or ""
        if status == "CREATE_COMPLETE":
            listed = [each["ResourceChange"] for page in found for each in page["Changes"]]
            is_replaced = any(each.get("Replacement") == "True" for each in listed)
            changes = [_change(each) for each in listed if is_replaced or not _only_refers(each)]
            return ChangeSet(id=made.id, stack_id=made.stack_id, changes=tuple(changes))
        if status == "FAILED":
            if any(each in reason for each in _NOTHING):
                return made
            raise StackError(f"CloudFormation cannot plan this: {reason}")
        sleep(_PAUSE)


def _only_refers(found: Mapping[str, Any]) -> bool:
    """Return whether a resource is listed only since it refers to one that changes.

    It is not sent unless that one gets another ID.
    """
    details = found.get("Details") or ()
    return found["Action"] == "Modify" and all(
        each.get("ChangeSource") in ("ResourceReference", "ResourceAttribute") for each in details
    )


def _change(found: Mapping[str, Any]) -> Change:
    action = "change" if found["Action"] == "Modify" else found["Action"].lower()
    if action == "change" and found.get("Replacement") == "True":
        action = "replace"
    return Change(
        action=action,
        resource=found["LogicalResourceId"],
        physical_id=found.get("PhysicalResourceId", ""),
        before=_properties(found.get("BeforeContext")),
        after=_properties(found.get("AfterContext")),
    )


def _properties(context: str | None) -> Mapping[str, Any] | None:
    if not context:
        return None
    found: Mapping[str, Any] = json.loads(context).get("Properties", {})
    return found
