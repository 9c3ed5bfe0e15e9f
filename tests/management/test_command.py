"""What all commands have in common."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError

from cfsigned_django.management.command import CfsignedCommand


def test_colors_of_a_terminal() -> None:
    """Print what a command is doing as it is, and an error alone in red.

    A terminal obeys nothing that either of them repeats.
    """

    class Refusing(CfsignedCommand):
        requires_system_checks = ()

        def run(self, options: dict[str, Any]) -> None:
            self.stderr.write("doing     bucket\x07")
            raise CommandError("Nothing was changed in \x9b1m.")

    terminal: Any = StringIO()
    terminal.isatty = lambda: True
    with pytest.raises(SystemExit):
        Refusing(stderr=terminal, force_color=True).run_from_argv(["manage.py", "refusing"])

    told, error = terminal.getvalue().splitlines()[:2]
    assert told == "doing     bucket\\u0007"
    assert error.startswith("\x1b[")
    assert "\\u009b1m" in error
