"""Read a stack as it is: its parameters, its outputs, and what can be done in its state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cfsigned_django.core.aws.client import Clients, perform
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.tools.stack.template import (
    BUCKET,
    KEY_GROUP,
    MAKES_BUCKET,
    MANAGED_POLICIES,
    read_template,
)

#: Resources that every stack of the template has, and those that it may have.
_ALWAYS: Final = frozenset({"Distribution", "OriginAccessControl"})
_OF_BUCKET: Final = frozenset({"Bucket", "BucketPolicy"})
_POLICIES: Final = frozenset({"CachePolicy", "ResponseHeadersPolicy"})
#: Nothing of the stack exists yet: a change set was made and never executed.
_REVIEW: Final = "REVIEW_IN_PROGRESS"
_GONE: Final = "DELETE_COMPLETE"
#: A change set can be executed, and the resources are those of the template.
_GOOD: Final = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}
)


class StackError(Exception):
    """What a stack cannot do; the message says what is there and the next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    name: str
    id: str
    status: str
    region: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    is_protected: bool = False

    @property
    def is_review(self) -> bool:
        """Return whether there is nothing but a change set."""
        return self.status == _REVIEW

    @property
    def is_under_way(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and not self.is_review

    @property
    def is_complete(self) -> bool:
        """Return whether the last change ended well, or was rolled back to one that had."""
        return self.status in _GOOD

    def refuse_broken(self) -> None:
        """Raise :exc:`StackError` if the stack takes no change, with the command that helps."""
        if self.is_complete or self.is_under_way or self.is_review:
            return
        repairs = {
            "UPDATE_FAILED": "rollback-stack",
            "UPDATE_ROLLBACK_FAILED": "continue-update-rollback",
        }
        words = repairs.get(self.status, "delete-stack")
        raise StackError(
            f"The stack {self.name} is in {self.status}, and takes no change. Run aws "
            f"cloudformation {words} --stack-name {self.name} --region {self.region}, then run "
            "this again."
        )

    def refuse_other(self, given: Mapping[str, str]) -> None:
        """Raise :exc:`StackError` for a stack of another template, bucket or key group."""
        if BUCKET not in self.parameters or KEY_GROUP not in self.parameters:
            raise StackError(
                f"The stack {self.name} was made by another template: it has no parameter "
                f"{BUCKET} or {KEY_GROUP}. Choose another name with --stack."
            )
        for name, options, why in (
            (BUCKET, "--bucket or AWS_STORAGE_BUCKET_NAME", "files do not move along"),
            (KEY_GROUP, "--key-group or AWS_CLOUDFRONT_KEY_GROUP_ID", "every URL that is out ends"),
        ):
            wanted, present = given.get(name, ""), self.parameters[name]
            if wanted and wanted != present:
                raise StackError(
                    f"The stack {self.name} has {present}, not {wanted} ({options}): {why}. "
                    f"Name {present} there, or choose another name with --stack."
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResources:
    """The names, in the template, of what a stack has made."""

    name: str
    resources: frozenset[str]


def resources_of(parameters: Mapping[str, str]) -> frozenset[str]:
    """Return the names, in the template, of what a stack with these parameters has made."""
    found = _ALWAYS if parameters.get(MAKES_BUCKET) == "false" else _ALWAYS | _OF_BUCKET
    return found if parameters.get(MANAGED_POLICIES) == "on" else found | _POLICIES


def find_stack(clients: Clients, region: str, distribution_id: str) -> StackResources | None:
    """Return the stack of this template, in a region, that has made a distribution, or None.

    None too if these credentials may not ask.
    """
    try:
        found = perform(
            clients.cloudformation(region),
            "cloudformation:DescribeStackResources",
            f"find the stack of {distribution_id}",
            PhysicalResourceId=distribution_id,
        )["StackResources"]
    except AwsError:
        return None
    resources = frozenset(each["LogicalResourceId"] for each in found)
    if not _ALWAYS <= resources <= _ALWAYS | _OF_BUCKET | _POLICIES:
        return None
    return StackResources(name=found[0]["StackName"], resources=resources)


def read_stack(client: Any, name: str) -> Stack | None:
    """Return the stack with that name or ID, or None if there is none.

    Raise :exc:`AwsError` if it cannot be read.
    """
    try:
        what = f"read the stack {name}"
        answer = perform(client, "cloudformation:DescribeStacks", what, StackName=name)
    except AwsError as error:
        # CloudFormation has no separate code for it.
        if error.code == "ValidationError" and "does not exist" in error.detail:
            return None
        raise
    [found] = answer["Stacks"]
    stack = Stack(
        name=found["StackName"],
        id=found["StackId"],
        status=found["StackStatus"],
        region=client.meta.region_name,
        parameters={
            each["ParameterKey"]: each.get("ParameterValue", "")
            for each in found.get("Parameters", ())
        },
        outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())},
        tags={each["Key"]: each["Value"] for each in found.get("Tags", ())},
        is_protected=bool(found.get("EnableTerminationProtection")),
    )
    return None if stack.status == _GONE and name != stack.id else stack


def pages(client: Any, action: str, what: str, **given: Any) -> Iterator[Mapping[str, Any]]:
    """Yield each page of an answer of CloudFormation. Raise :exc:`AwsError` if a call fails."""
    more: dict[str, str] = {}
    while True:
        page = perform(client, action, what, **given, **more)
        yield page
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def has_this_template(client: Any, stack: Stack) -> bool:
    """Return whether the last deployment had the template of this version of the package.

    If not, it was that of another version, or one that somebody has changed and owns.
    """
    what = f"read the template of the stack {stack.name}"
    given = {"StackName": stack.id, "TemplateStage": "Original"}
    answer = perform(client, "cloudformation:GetTemplate", what, **given)
    return str(answer["TemplateBody"]).strip() == read_template().strip()


def protect(client: Any, stack: Stack) -> None:
    """Turn termination protection on, if it is off. Raise :exc:`AwsError` if that fails."""
    if not stack.is_protected:
        perform(
            client,
            "cloudformation:UpdateTerminationProtection",
            f"protect the stack {stack.name} from deletion",
            StackName=stack.id,
            EnableTerminationProtection=True,
        )
