"""Run cfsigned_setup as a person and as a machine would."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command


def run(*arguments: str) -> str:
    """Return what the command prints."""
    output = StringIO()
    call_command("cfsigned_setup", *arguments, stdout=output, stderr=StringIO())
    return output.getvalue()


def run_to_exit(*arguments: str) -> tuple[str, int]:
    """Return what the command prints, and its exit code where that is not 0."""
    output = StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("cfsigned_setup", *arguments, stdout=output, stderr=StringIO())
    return output.getvalue(), int(str(caught.value.code))


def states(text: str) -> dict[str, str]:
    """Return the state of each step of a JSON report."""
    return {each["name"]: each["state"] for each in json.loads(text)["steps"]}
