"""What all commands have in common."""

from __future__ import annotations

import sys

from django.core.management.base import BaseCommand


class CfsignedCommand(BaseCommand):
    """A command that a person may interrupt: every step of every command can be repeated."""

    #: What a person does after Ctrl-C.
    resume = "run the same command again"

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command; after Ctrl-C, print one line and exit with 130, as a shell does.

        Called from Python, by ``call_command()``, the KeyboardInterrupt is the caller's.
        """
        try:
            super().run_from_argv(argv)
        except KeyboardInterrupt:
            begin = "\n" if self.stderr.isatty() else ""  # the terminal has written ^C
            self.stderr.write(f"{begin}Interrupted. Nothing is lost: {self.resume}.")
            sys.exit(130)
