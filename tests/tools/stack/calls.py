"""Let a run die, or be throttled, at one of its calls to AWS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from cfsigned_django.management.commands import cfsigned_setup
from tests.simulation.answers import refusal
from tests.tools.stack.conftest import Aws


class Died(BaseException):
    """The process was killed: not even its ``finally`` reaches AWS."""


@dataclass(slots=True)
class Calls:
    """Count the calls of a run; at one of them, something happens."""

    number: int = 0
    fault: str = ""
    is_dead: bool = False
    names: list[str] = field(default_factory=list)

    def make(self, name: str, call: Callable[..., Any], given: dict[str, Any]) -> Any:
        """Make a call, unless the process is dead."""
        if self.is_dead:
            raise Died
        self.names.append(name)
        is_this = len(self.names) == self.number
        if is_this and self.fault == "throttled":
            raise refusal("Throttling", name, "Rate exceeded")
        if is_this and self.fault == "killed before":
            self.is_dead = True
            raise Died
        answer = call(**given)
        if is_this and self.fault == "killed after":
            self.is_dead = True
            raise Died
        if is_this and self.fault == "lost":
            raise refusal("InternalError", name, "no answer")
        return answer


class Counted:
    """A boto3 client whose calls are counted."""

    def __init__(self, client: Any, calls: Calls) -> None:
        self._client = client
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "meta" or not callable(found):
            return found
        return lambda **given: self._calls.make(name, found, given)


def count(aws: Aws, calls: Calls, patch: pytest.MonkeyPatch) -> None:
    """Count the calls of the command from now on."""
    clients = replace(
        aws.clients,
        cloudfront=Counted(aws.clients.cloudfront, calls),
        s3=Counted(aws.clients.s3, calls),
        sts=Counted(aws.clients.sts, calls),
    )
    made = {"s3": clients.s3, "cloudformation": Counted(aws.cloudformation, calls)}
    patch.setattr(cfsigned_setup, "make_client", lambda name, **given: made[name])
    patch.setattr(cfsigned_setup, "make_clients", lambda **given: clients)
