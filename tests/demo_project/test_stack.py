"""Deploy the stack of the demo in an emulator that was killed while it made it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from demo_project import stack
from demo_project.state import DemoState
from tests.ministack_server import MinistackHere
from tests.plugins_aws import ministack as ministack
from tests.tools.stack.conftest import emptied

ACCOUNT = "000000000000"


def test_killed_while_the_stack_was_created(
    ministack: MinistackHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Make the stack again: the emulator that was killed never ends what it had begun."""
    emptied(ministack)
    monkeypatch.setattr(
        stack, "owners_client", lambda state, name: ministack.client(name, account=ACCOUNT)
    )
    monkeypatch.setattr(stack, "_WAIT", {"Delay": 0, "MaxAttempts": 200})
    state = DemoState.open(tmp_path)
    stack.deploy(state, lambda line: None)
    stacks: Any = import_module("ministack.services.cloudformation")._stacks
    for each in stacks._data.values():
        each["StackStatus"] = "CREATE_IN_PROGRESS"

    again = stack.deploy(state, lambda line: None)

    [found] = ministack.client("cloudformation", account=ACCOUNT).describe_stacks()["Stacks"]
    assert found["StackStatus"] == "CREATE_COMPLETE"
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}
    assert again.distribution_id == outputs["DistributionId"]
