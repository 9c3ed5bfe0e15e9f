"""Let a run die, or be throttled, at one of its calls to AWS."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from cfsigned_django.management.commands import cfsigned_setup
from tests.simulation.faults import Fault, Killed, UnreliableCloudFront
from tests.tools.stack.conftest import Aws


@dataclass(slots=True)
class Calls:
    """Count the calls of a run; at one of them, something happens."""

    number: int = 0
    #: On which side of the call the process is killed: not even its ``finally`` reaches AWS.
    killed: str = ""
    fault: Fault = Fault.NONE
    is_dead: bool = False
    names: list[str] = field(default_factory=list)

    def client(self, client: Any) -> Any:
        """Return a client whose calls are counted."""
        counted: Any = UnreliableCloudFront(client, choose_fault=self._choose, boundary=self._pass)
        counted.meta = client.meta
        return counted

    def _pass(self, name: str, side: str) -> None:
        if side == "before" and not self.is_dead:
            self.names.append(name)
        self.is_dead |= len(self.names) == self.number and side == self.killed
        if self.is_dead:
            raise Killed

    def _choose(self, name: str) -> Fault:
        return self.fault if len(self.names) == self.number else Fault.NONE


def count(aws: Aws, calls: Calls, patch: pytest.MonkeyPatch) -> None:
    """Count the calls of the command from now on."""
    names = ("cloudfront", "s3", "sts")
    clients = replace(
        aws.clients, **{name: calls.client(getattr(aws.clients, name)) for name in names}
    )
    made = {"s3": clients.s3, "cloudformation": calls.client(aws.cloudformation)}
    patch.setattr(cfsigned_setup, "make_client", lambda name, **given: made[name])
    patch.setattr(cfsigned_setup, "make_clients", lambda **given: clients)
