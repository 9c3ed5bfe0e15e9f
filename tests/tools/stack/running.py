"""Run cfsigned_setup as a person and as a machine would, on the emulator."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest

from tests.management import run_as_program

APPLY = ("--apply", "--yes")


def _asks_why() -> bool:
    """Return whether boto3 can ask what an update would undo, and why a deployment failed."""
    model = botocore.session.get_session().get_service_model("cloudformation")
    return "DescribeEvents" in model.operation_names


#: An older boto3 creates stacks, but the command refuses to change one: test_older_boto3.
newer_boto3 = pytest.mark.skipif(not _asks_why(), reason="this boto3 is too old to change a stack")


def run(*arguments: str, code: int = 0) -> str:
    """Return what the command prints, on both streams; it must end with this exit code."""
    output, errors, ended = run_as_program("cfsigned_setup", "--stack", "media", *arguments)
    assert ended == code, output + errors
    return output + errors


def report(*arguments: str, code: int = 0) -> Any:
    """Return the JSON that the command prints."""
    output, errors, ended = run_as_program(
        "cfsigned_setup", "--stack", "media", "--json", *arguments
    )
    assert ended == code, output + errors
    return json.loads(output)


def errors(found: Any) -> list[str]:
    """Return the IDs of what the proof finds wrong."""
    return [each["id"] for each in found["proof"] if each["level"] != "ok"]
