"""Find the stack that made a distribution, and refuse one that takes no change."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cfsigned_django.aws.client import Clients
from cfsigned_django.tools.stack.change_set import NOUNS
from cfsigned_django.tools.stack.existing import Stack, StackError, find_stack

DISTRIBUTION = "E1A2B3C4D5E6F7"


def clients_that_answer(*names: str, error: str = "") -> tuple[Clients, list[Any]]:
    """Return clients whose CloudFormation knows one stack, and what it is asked."""
    asked: list[Any] = []

    def describe_stack_resources(**given: Any) -> Any:
        asked.append(given)
        if error:
            raise ClientError({"Error": {"Code": error, "Message": "x"}}, "DescribeStackResources")
        return {
            "StackResources": [
                {"StackName": "media", "LogicalResourceId": each, "PhysicalResourceId": "x"}
                for each in names
            ]
        }

    def make(region: str) -> Any:
        asked.append(region)
        return SimpleNamespace(describe_stack_resources=describe_stack_resources)

    return Clients(cloudfront=None, s3=None, sts=None, cloudformation=make), asked


def test_stack_of_the_template() -> None:
    """Return its name and what it has made, by one call in the region of the bucket."""
    clients, asked = clients_that_answer(*NOUNS)

    found = find_stack(clients, "eu-west-1", DISTRIBUTION)

    assert found is not None
    assert (found.name, found.resources) == ("media", frozenset(NOUNS))
    assert asked == ["eu-west-1", {"PhysicalResourceId": DISTRIBUTION}]


@pytest.mark.parametrize("error", ["ValidationError", "AccessDenied", "Throttling", ""])
def test_no_stack(error: str) -> None:
    """Return None if no stack has made it, none of this template, or nobody may ask."""
    clients, _ = clients_that_answer("Distribution", "MediaBucket", error=error)

    assert find_stack(clients, "us-east-1", DISTRIBUTION) is None


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
