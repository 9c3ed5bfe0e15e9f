"""Test the doctor: its checks one by one, and against a whole site as a value."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable

from django.core.management import call_command

from cfsigned_django.tools.catalog import Finding, Level


def ids(findings: Iterable[Finding]) -> list[str]:
    """Return the ids of findings."""
    return [each.id for each in findings]


def faults(findings: Iterable[Finding]) -> list[str]:
    """Return the ids of what is wrong."""
    return [each.id for each in findings if each.level is not Level.OK]


def run(*arguments: str) -> tuple[str, int]:
    """Run cfsigned_doctor; return what it printed, and its exit code."""
    stdout = io.StringIO()
    try:
        call_command("cfsigned_doctor", *arguments, stdout=stdout, no_color=True)
    except SystemExit as end:
        return stdout.getvalue(), int(end.code or 0)
    return stdout.getvalue(), 0


def levels(*arguments: str) -> tuple[dict[str, str], int]:
    """Run the command; return the level of each finding by its id, and the exit code."""
    text, code = run(*arguments, "--json")
    return {each["id"]: each["level"] for each in json.loads(text)}, code
