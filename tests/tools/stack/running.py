"""Run cfsigned_setup as a person and as a machine would, on the emulator."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command

APPLY = ("--apply", "--yes")


def run(*arguments: str, code: int = 0) -> str:
    """Return what the command prints, on both streams; it must end with this exit code."""
    output = StringIO()
    ended = 0
    try:
        call_command("cfsigned_setup", "--stack", "media", *arguments, stdout=output, stderr=output)
    except SystemExit as end:
        ended = int(end.code or 0)
    except CommandError as error:
        output.write(f"{error}\n")
        ended = error.returncode
    assert ended == code, output.getvalue()
    return output.getvalue()


def report(*arguments: str, code: int = 0) -> Any:
    """Return the JSON that the command prints."""
    output = StringIO()
    ended = 0
    try:
        call_command(
            "cfsigned_setup",
            "--stack",
            "media",
            *arguments,
            "--json",
            stdout=output,
            stderr=StringIO(),
        )
    except SystemExit as end:
        ended = int(end.code or 0)
    assert ended == code, output.getvalue()
    return json.loads(output.getvalue())


def errors(found: Any) -> list[str]:
    """Return the IDs of what the proof finds wrong."""
    return [each["id"] for each in found["proof"] if each["level"] != "ok"]
