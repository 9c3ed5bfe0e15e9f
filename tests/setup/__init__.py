"""Run cfsigned_setup as a person and as a machine would."""

from __future__ import annotations

import json
import re
import shlex
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.pages import read_commands

PAGE = "https://a.example.com"
APPLY = ("--create", "--apply", "--yes")


def run(*arguments: str) -> str:
    """Return what the command prints."""
    output = StringIO()
    call_command("cfsigned_setup", *arguments, stdout=output, stderr=StringIO())
    return output.getvalue()


def report(*arguments: str) -> Any:
    """Return the JSON that the command prints."""
    return json.loads(run(*arguments, "--json"))


def failing_report(*arguments: str) -> Any:
    """Return the JSON of a command that exits with 1."""
    output = StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("cfsigned_setup", *arguments, "--json", stdout=output, stderr=StringIO())
    assert caught.value.code == 1
    return json.loads(output.getvalue())


def states(found: Any) -> dict[str, str]:
    """Return the state of each step of a report."""
    return {each["name"]: each["state"] for each in found["steps"]}


def proof(found: Any) -> dict[str, str]:
    """Return the level of each finding of a report's proof."""
    return {each["id"]: each["level"] for each in found["proof"]}


def commands_of(page: Path) -> list[str]:
    """Return the arguments of each call of the command that a page shows, in their order."""
    return re.findall(
        r"^ *\$ python manage\.py cfsigned_setup (.*)$", read_commands(page), re.MULTILINE
    )


def run_shown(line: str, *, bucket: str, distribution_id: str) -> tuple[str, int]:
    """Run a command of a page in this account; return what a person sees, and the exit code."""
    shown = line.replace("media-example", bucket).replace("E1A2B3C4D5E6F7", distribution_id)
    output, code = StringIO(), 0
    arguments = [*shlex.split(shown), "--yes"]
    try:
        call_command("cfsigned_setup", *arguments, stdout=output, stderr=output)
    except SystemExit as end:
        code = int(end.code or 0)
    return output.getvalue(), code
