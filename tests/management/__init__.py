"""Test the commands, and run them as manage.py does."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any, NamedTuple

from django.core.management import load_command_class
from django.core.management.base import OutputWrapper


class Ran(NamedTuple):
    """What a command printed on both streams, and its exit code."""

    out: str
    err: str
    code: int

    @property
    def report(self) -> Any:
        """Return the JSON that was printed."""
        return json.loads(self.out)


def run_as_program(name: str, *arguments: str) -> Ran:
    """Run a command."""
    command: Any = load_command_class("cfsigned_django", name)
    output, errors, code = StringIO(), StringIO(), 0
    command.stdout, command.stderr = OutputWrapper(output), OutputWrapper(errors)
    try:
        command.run_from_argv(["manage.py", name, *arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    return Ran(output.getvalue(), errors.getvalue(), code)
