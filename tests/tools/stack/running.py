"""Run cfsigned_setup as a person and as a machine would, on the emulator."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import botocore.session
import pytest
from django.core.management import CommandError, call_command

APPLY = ("--apply", "--yes")


def _asks_why() -> bool:
    """Return whether boto3 can ask what an update would undo, and why a deployment failed."""
    model = botocore.session.get_session().get_service_model("cloudformation")
    return "DescribeEvents" in model.operation_names


#: An older boto3 creates stacks, but the command refuses to change one: test_older_boto3.
newer_boto3 = pytest.mark.skipif(not _asks_why(), reason="this boto3 is too old to change a stack")


def run(*arguments: str, code: int = 0) -> str:
    """Return what the command prints, on both streams; it must end with this exit code."""
    output = StringIO()
    _run(output, output, *arguments, code=code)
    return output.getvalue()


def report(*arguments: str, code: int = 0) -> Any:
    """Return the JSON that the command prints."""
    output = StringIO()
    _run(output, StringIO(), *arguments, "--json", code=code)
    return json.loads(output.getvalue())


def _run(stdout: StringIO, stderr: StringIO, *arguments: str, code: int) -> None:
    ended = 0
    try:
        call_command("cfsigned_setup", "--stack", "media", *arguments, stdout=stdout, stderr=stderr)
    except SystemExit as end:
        ended = int(end.code or 0)
    except CommandError as error:
        stderr.write(f"{error}\n")
        ended = error.returncode
    assert ended == code, stdout.getvalue() + stderr.getvalue()


def errors(found: Any) -> list[str]:
    """Return the IDs of what the proof finds wrong."""
    return [each["id"] for each in found["proof"] if each["level"] != "ok"]
