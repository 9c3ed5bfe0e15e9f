"""What all commands have in common: they print nothing that a terminal obeys, ask, and stop."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, OutputWrapper, no_translations

from cfsigned_django.terminal import printable


class CfsignedCommand(BaseCommand):
    """A command that a person may interrupt: every step of every command can be repeated.

    What it prints may repeat a row of the table, an answer of AWS or the name of a file.
    """

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

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command. No control character reaches a terminal, nor is one in an error."""
        before = self.stdout, self.stderr
        self.stdout, self.stderr = _Printable(self.stdout), _Printable(self.stderr)
        try:
            self.run(options)
        except CommandError as error:
            error.args = (printable(str(error)),)
            raise
        finally:
            self.stdout, self.stderr = before  # Django prints a CommandError, in red

    def run(self, options: dict[str, Any]) -> None:
        """Do what the options say. Raise :exc:`CommandError` if it fails."""
        raise NotImplementedError

    def ask(self, question: str, *, otherwise: str = "") -> str:
        """Return what a person types, or "" if there is nobody to ask.

        Raise :exc:`CommandError` in that case if there is an advice: ``otherwise``.
        """
        # input() would write the question to stdout, where --json prints.
        self.stderr.write(question, ending="")
        self.stderr.flush()
        try:
            return input()
        except EOFError:
            if not otherwise:
                return ""
            raise CommandError(
                f"Cannot ask for confirmation: the input has ended. {otherwise}"
            ) from None


class _Printable(OutputWrapper):
    """Write to a stream of a command, without control characters; a style adds its own.

    What a command says on stderr, such as a plan and a question, is no error: it is not red.
    """

    def __init__(self, stream: OutputWrapper) -> None:
        super().__init__(cast("TextIO", stream))
        self._stream = stream

    def write(  # type: ignore[override]
        self,
        msg: str = "",
        style_func: Callable[[str], str] | None = None,
        ending: str | None = None,
    ) -> None:
        self._stream.write(printable(msg), style_func or str, ending)
