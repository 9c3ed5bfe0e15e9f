"""Deploy the stack of the demo in an emulator, also where a start was killed."""

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


@pytest.fixture
def state(ministack: MinistackHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DemoState:
    """Return the state of a demo whose emulator is empty."""
    emptied(ministack)
    monkeypatch.setattr(
        stack, "owners_client", lambda state, name: ministack.client(name, account=ACCOUNT)
    )
    monkeypatch.setattr(stack, "_WAIT", {"Delay": 0, "MaxAttempts": 200})
    return DemoState.open(tmp_path)


def test_killed_before_the_ids_were_saved(state: DemoState) -> None:
    """Find the stack that is there, and change nothing of it."""
    told: list[str] = []
    first = stack.deploy(state, told.append)
    assert "made     the distribution" in told
    told.clear()

    assert stack.deploy(state, told.append) == first
    assert [each for each in told if "distribution" in each] == [
        f"distribution {first.distribution_id}, key group {first.key_group_id}"
    ]
    assert stack.deploy(first, told.append) == first


def test_killed_while_the_stack_was_created(ministack: MinistackHere, state: DemoState) -> None:
    """Make the stack again: the emulator that was killed never ends what it had begun."""
    stack.deploy(state, lambda line: None)
    stacks: Any = import_module("ministack.services.cloudformation")._stacks
    for each in stacks._data.values():
        each["StackStatus"] = "CREATE_IN_PROGRESS"

    again = stack.deploy(state, lambda line: None)

    [found] = ministack.client("cloudformation", account=ACCOUNT).describe_stacks()["Stacks"]
    assert found["StackStatus"] == "CREATE_COMPLETE"
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}
    assert again.distribution_id == outputs["DistributionId"]
