"""One step of a setup: its state, the reason, and what would be sent."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.state.facts import Fact

#: Stands in a document for an ID that AWS assigns when something is created.
NOT_YET: Final = "(known when it is made)"


class StepState(StrEnum):
    """The state of a step."""

    DONE = "done"
    TODO = "todo"
    #: A person must decide, or must do it.
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the AWS API, with its arguments."""

    service: Literal["cloudfront", "s3", "kms"]
    operation: str
    arguments: Document = field(repr=False)
    #: The IAM action, if S3 names it differently from the operation.
    action: str = ""

    @property
    def permission(self) -> str:
        """Return the IAM action that the call needs."""
        return f"{self.service}:{self.action or self.operation}"

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupStep:
    """One step: its name, its state, and the reason.

    ``before`` and ``after`` are the document as it is and as it would be sent.
    ``blocks``: as long as this conflict exists, nothing at all may be changed.
    """

    name: str
    state: StepState
    why: str
    call: Call | None = None
    before: Any = None
    after: Any = None
    blocks: bool = False

    @property
    def diff(self) -> str:
        """Return the change of the document as a unified diff; empty if nothing changes."""
        if self.state is StepState.DONE or self.before == self.after:
            return ""
        lines = difflib.unified_diff(_lines(self.before), _lines(self.after), n=2, lineterm="")
        return "\n".join(list(lines)[2:])


def done(name: str, why: str) -> SetupStep:
    """Return a step that is done."""
    return SetupStep(name=name, state=StepState.DONE, why=why)


def todo(
    name: str, why: str, *, call: Call | None = None, before: Any = None, after: Any = None
) -> SetupStep:
    """Return a step that is to be done."""
    return SetupStep(
        name=name, state=StepState.TODO, why=why, call=call, before=before, after=after
    )


def create(name: str, why: str, operation: str, arguments: Document) -> SetupStep:
    """Return the step that creates what the one document in the arguments describes."""
    (config,) = arguments.values()
    call = Call(service="cloudfront", operation=operation, arguments=arguments)
    return todo(name, why, call=call, after=config)


def conflict(name: str, why: str, *, blocks: bool = False) -> SetupStep:
    """Return a step that a person must decide."""
    return SetupStep(name=name, state=StepState.CONFLICT, why=why, blocks=blocks)


def decision(found: Fact, *, blocks: bool = False) -> SetupStep:
    """Return the step that asks a person about a fact, in the words of the fact."""
    ways = [found.type.fix, f"Or {found.type.option} does it." if found.type.option else ""]
    why = " ".join(filter(None, (found.what, *ways)))
    return conflict(found.type.step, why.removesuffix("."), blocks=blocks)


def _lines(document: Any) -> list[str]:
    if document is None:
        return []
    return json.dumps(document, indent=2, ensure_ascii=False).splitlines()
