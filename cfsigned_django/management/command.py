"""What all commands have in common: they print nothing that a terminal obeys, ask, and stop."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TextIO, cast

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    OutputWrapper,
    no_translations,
)

from cfsigned_django.core.text import printable


class CfsignedCommand(BaseCommand):
    """A command that a person may interrupt: every step of every command can be repeated.

    What it prints may repeat a row of the table, an answer of AWS or the name of a file.
    """

    #: What a person does after Ctrl-C.
    resume: str = "run the same command again"
    #: The arguments of the example that ends the help.
    example = ""
    stdout: OutputWrapper
    stderr: OutputWrapper

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return the parser, whose help ends with an example."""
        epilog = f"example: %(prog)s {self.example}"
        return super().create_parser(prog_name, subcommand, epilog=epilog, **kwargs)

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


# Options of several commands


def add_json(parser: CommandParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for machines")


def add_storage(parser: CommandParser) -> None:
    text = 'alias in STORAGES of the storage. Default: "default"'
    parser.add_argument("--storage", default="default", metavar="ALIAS", help=text)


#: Option -> what pages of these origins do.
_ORIGINS = {
    "--cors-origin": "read files by script, also with cookies, such as https://app.example.com",
    "--upload-origin": "upload files to S3",
}


def add_origins(add: Callable[..., object], option: str, **how: Any) -> None:
    """Declare an option for the origins of pages; ``add`` is a parser's ``add_argument``."""
    text = f"origin whose pages {_ORIGINS[option]}. May be repeated"
    add(option, action="append", metavar="ORIGIN", help=text, **how)


def add_yes(parser: CommandParser, before: str) -> None:
    """Declare the option that leaves out the questions before an option does something."""
    text = f"do not ask for confirmation before {before}"
    parser.add_argument("--yes", "--no-input", action="store_true", help=text)


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def read_duration(text: str) -> timedelta:
    """Read a duration such as 90d, 12h, 30m or 45s."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if match is None:
        raise ArgumentTypeError(
            f"{text!r} is not a valid duration. Use one such as 90d, 12h, 30m or 45s"
        )
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


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
