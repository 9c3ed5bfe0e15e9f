"""Follow a stack until CloudFormation has ended, and say why it failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from cfsigned_django.core.aws.client import perform
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.tools.stack.change_set import NOUNS
from cfsigned_django.tools.stack.existing import Stack, StackError, pages, read_stack

_PAUSE: Final = 5.0
#: With one of these, an operation begins; all that follows belongs to it.
_BEGINNINGS: Final = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
_DID: Final[Mapping[str, str]] = {
    "CREATE_COMPLETE": "made",
    "UPDATE_COMPLETE": "changed",
    "DELETE_COMPLETE": "removed",
    "DELETE_SKIPPED": "kept",
}


def follow(
    client: Any, stack_id: str, *, show: Callable[[str], object], sleep: Callable[[float], None]
) -> Stack:
    """Return the stack when CloudFormation has ended; ``show`` gets a line for each event.

    A throttle, or an answer that does not come, is asked for again: the stack goes on anyway.
    """
    shown: set[str] = set()
    while True:
        try:
            stack = read_stack(client, stack_id)
            for each in reversed(list(operation(client, stack_id))):
                if each["EventId"] not in shown:
                    shown.add(each["EventId"])
                    if line := _line(each):
                        show(line)
        except AwsError as error:
            if not error.is_temporary:
                raise
        else:
            if stack is None:
                raise StackError("The stack is gone. Somebody has deleted it: run this again.")
            if not stack.is_under_way and not stack.is_review:
                return stack
        sleep(_PAUSE)


def operation(client: Any, stack_id: str) -> Iterator[Mapping[str, Any]]:
    """Yield the events of the last operation of a stack, the newest first.

    A failed creation is deleted by CloudFormation itself, and that belongs to the creation.
    """
    action, what = "cloudformation:DescribeStackEvents", "read the events of the stack"
    for page in pages(client, action, what, StackName=stack_id):
        for each in page["StackEvents"]:
            yield each
            is_of_stack = each.get("PhysicalResourceId") == stack_id
            if is_of_stack and each.get("ResourceStatus") in _BEGINNINGS:
                return


def cause(client: Any, stack_id: str) -> str:
    """Return why the last operation of a stack failed, in CloudFormation's words; else "".

    ``stack_id`` must be the ID: a stack that was deleted after it failed is found by nothing else.
    """
    found = list(operation(client, stack_id))
    failed = [
        each
        for each in found
        if each.get("ResourceStatus", "").endswith("_FAILED")
        and "cancelled" not in each.get("ResourceStatusReason", "").lower()
        and each.get("PhysicalResourceId") != stack_id
    ]
    if failed:
        first = failed[-1]
        noun = NOUNS.get(first["LogicalResourceId"], first["LogicalResourceId"])
        return f"{noun}: {first.get('ResourceStatusReason', 'no reason given')}"
    states = [each.get("ResourceStatus", "") for each in found]
    if any(each.endswith("_FAILED") or "ROLLBACK" in each for each in states):
        return _validation(client, stack_id) or "CloudFormation gives no reason"
    return ""  # Somebody has deleted it.


def _validation(client: Any, stack_id: str) -> str:
    """Return what CloudFormation found before it began; no stack event says it."""
    given = {"StackName": stack_id, "Filters": {"FailedEvents": True}}
    answer = perform(client, "cloudformation:DescribeEvents", "read why the stack failed", **given)
    found = answer.get("OperationEvents", ())
    wrong = [each for each in found if each.get("EventType") == "VALIDATION_ERROR"]
    for each in wrong or found:
        reason = each.get("ValidationStatusReason") or each.get("ResourceStatusReason")
        if reason:
            logical_id = each.get("LogicalResourceId", "")
            return f"{NOUNS.get(logical_id, logical_id)}: {reason}"
    return ""


def _line(event: Mapping[str, Any]) -> str:
    """Return what an event says; empty for one that only begins or belongs to the whole stack."""
    resource, status = event["LogicalResourceId"], event.get("ResourceStatus", "")
    if resource not in NOUNS:
        return ""
    if status.endswith("_FAILED"):
        return f"failed   {NOUNS[resource]}: {event.get('ResourceStatusReason', '')}"
    if status == "CREATE_IN_PROGRESS" and not event.get("PhysicalResourceId"):
        return f"making   {NOUNS[resource]}"
    return f"{_DID[status]:<8} {NOUNS[resource]}" if status in _DID else ""
