"""Find the stack that made a distribution, refuse one that takes no change, and follow one.

Modules: tools/stack/events.py
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError

from cfsigned_django.core.aws.client import Clients
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.tools.stack.change_set import NOUNS
from cfsigned_django.tools.stack.events import cause, follow
from cfsigned_django.tools.stack.existing import (
    Stack,
    StackError,
    StackResources,
    find_stack,
    resources_of,
)


def find(*names: str, error: str = "") -> tuple[StackResources | None, list[Any]]:
    """Return the stack that is found if CloudFormation knows one, and what it is asked."""
    asked: list[Any] = []

    def describe_stack_resources(**given: Any) -> Any:
        asked.append(given)
        if error:
            raise ClientError({"Error": {"Code": error, "Message": "x"}}, "DescribeStackResources")
        return {
            "StackResources": [{"StackName": "media", "LogicalResourceId": each} for each in names]
        }

    def make(region: str) -> Any:
        asked.append(region)
        return SimpleNamespace(describe_stack_resources=describe_stack_resources)

    clients = Clients(cloudfront=None, s3=None, sts=None, cloudformation=make)
    return find_stack(clients, "eu-west-1", "E1A2B3C4D5E6F7"), asked


def test_stack_of_the_template() -> None:
    """Return its name and what it has made, by one call in the region of the bucket."""
    found, asked = find(*NOUNS)

    assert found == StackResources(name="media", resources=frozenset(NOUNS))
    assert asked == ["eu-west-1", {"PhysicalResourceId": "E1A2B3C4D5E6F7"}]


def test_stack_with_managed_policies() -> None:
    """Know a stack that makes no policies, and take no larger one for it."""
    names = ["Distribution", "OriginAccessControl", "Bucket", "BucketPolicy"]
    managed = {"ManagedPolicies": "on"}

    assert find(*names)[0] == StackResources(name="media", resources=resources_of(managed))
    assert find(*names, "Queue")[0] is None
    assert find(*names[:2])[0] == StackResources(
        name="media", resources=resources_of({**managed, "MakeBucket": "false"})
    )


@pytest.mark.parametrize("error", ["ValidationError", "AccessDenied", "Throttling", ""])
def test_no_stack(error: str) -> None:
    """Return None if no stack has made it, none of this template, or nobody may ask."""
    assert find("Distribution", "MediaBucket", error=error)[0] is None


REPAIRS = {
    "ROLLBACK_COMPLETE": "delete-stack",
    "UPDATE_FAILED": "rollback-stack",
    "UPDATE_ROLLBACK_FAILED": "continue-update-rollback",
}
GOOD = ("CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS", "REVIEW_IN_PROGRESS")


def test_broken() -> None:
    """Name the state of a stack that takes no change, and the one command that helps."""

    def stack(status: str) -> Stack:
        return Stack(
            name="media", id="x", status=status, region="eu-west-1", parameters={}, outputs={}
        )

    for status, command in REPAIRS.items():
        words = f"{status}.* {command} --stack-name media --region eu-west-1"
        with pytest.raises(StackError, match=words):
            stack(status).refuse_broken()
    for status in GOOD:
        stack(status).refuse_broken()


#: Number, resource, state, physical ID and reason of the events of a creation, the newest first,
#: and the last one of what was before.
EVENTS = [
    (7, "CachePolicy", "CREATE_FAILED", "", "too many policies"),
    (6, "Distribution", "CREATE_FAILED", "", "no such certificate"),
    (5, "OriginAccessControl", "CREATE_FAILED", "", "Resource creation cancelled"),
    (4, "Bucket", "CREATE_COMPLETE", "b", ""),
    (3, "Bucket", "CREATE_IN_PROGRESS", "b", ""),
    (2, "Bucket", "CREATE_IN_PROGRESS", "", ""),
    (1, "media", "CREATE_IN_PROGRESS", "id", ""),
    (0, "Bucket", "DELETE_COMPLETE", "a", ""),
]


def test_events() -> None:
    """Show each event once, in its order, though AWS throttles; then name the first failure."""
    client, lines = MagicMock(), list[str]()
    names = ("EventId", "LogicalResourceId", "ResourceStatus", "PhysicalResourceId")
    events = [dict(zip((*names, "ResourceStatusReason"), each, strict=True)) for each in EVENTS]
    pages = {"": {"StackEvents": events[:4], "NextToken": "4"}, "4": {"StackEvents": events[4:]}}
    client.describe_stack_events = lambda StackName, NextToken="": pages[NextToken]
    begun, ended = (
        {"Stacks": [{"StackName": "media", "StackId": "id", "StackStatus": each}]}
        for each in ("CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE")
    )
    codes = ("Throttling", "ValidationError", "AccessDenied")
    throttled, gone, denied = (
        ClientError({"Error": {"Code": each, "Message": "it does not exist"}}, "DescribeStacks")
        for each in codes
    )
    client.describe_stacks.side_effect = [begun, throttled, ended, gone, denied]
    options: dict[str, Any] = {"show": lines.append, "sleep": lambda seconds: None}

    assert follow(client, "id", **options).status == "ROLLBACK_COMPLETE"
    assert lines == [
        "making   the bucket",
        "made     the bucket",
        f"failed   {NOUNS['OriginAccessControl']}: Resource creation cancelled",
        "failed   the distribution: no such certificate",
        f"failed   {NOUNS['CachePolicy']}: too many policies",
    ]
    assert cause(client, "id") == "the distribution: no such certificate"
    for error in (StackError, AwsError):
        with pytest.raises(error):
            follow(client, "id", **options)
