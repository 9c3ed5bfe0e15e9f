"""Run cfsigned_setup as a person and as a machine would, on the emulator."""

from __future__ import annotations

import json
from typing import Any

from tests.management import run_as_program

APPLY = ("--apply", "--yes")


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
