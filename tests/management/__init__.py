"""Test the commands, and run them as manage.py does."""

from __future__ import annotations

from io import StringIO
from typing import Any

from django.core.management import load_command_class
from django.core.management.base import OutputWrapper


def run_as_program(name: str, *arguments: str) -> tuple[str, str, int]:
    """Return what a command prints on both streams, and its exit code."""
    command: Any = load_command_class("cfsigned_django", name)
    output, errors, code = StringIO(), StringIO(), 0
    command.stdout, command.stderr = OutputWrapper(output), OutputWrapper(errors)
    try:
        command.run_from_argv(["manage.py", name, *arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    return output.getvalue(), errors.getvalue(), code
