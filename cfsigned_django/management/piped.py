"""End a command in silence when whoever reads its output has gone, as in ``| head -1``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final, TextIO, cast

from django.core.management.base import BaseCommand, OutputWrapper

#: What a shell says of a program that SIGPIPE has ended: 128 and the signal's number. The signal
#: itself would end a command also where AWS closes a connection.
READER_GONE: Final = 141


class PipedCommand(BaseCommand):
    """A command that ends like other Unix tools where its output is read no further.

    Where it ends otherwise than well, that counts: its exit code is the one it
    has with a reader.
    """

    def run_from_argv(self, argv: list[str]) -> None:
        """Run from the command line; see the class."""
        stdout = _Piped(cast("TextIO", self.stdout._out))
        errors = _PipedErrors(cast("TextIO", self.stderr._out))
        errors.style_func = self.stderr.style_func
        self.stdout, self.stderr = stdout, errors
        # What is still in the buffer at the end is flushed here: Python itself would do so only
        # when it exits, with a traceback.
        try:
            super().run_from_argv(argv)
        except BrokenPipeError:
            stdout.flush()  # ends here if it is this pipe, and no other one
            raise
        except BaseException:
            stdout.flush_or_drop()
            raise
        stdout.flush()


class _Piped(OutputWrapper):
    """A stream of a command that may be closed at its other end."""

    # Django's class does not keep to the signature of its own base.
    def write(  # type: ignore[override]
        self,
        msg: str = "",
        style_func: Callable[[str], str] | None = None,
        ending: str | None = None,
    ) -> None:
        try:
            super().write(msg, style_func, ending)
        except BrokenPipeError:
            self._leave()

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            self._leave()

    def flush_or_drop(self) -> None:
        """Write what is in the buffer, or drop it where nobody reads it."""
        try:
            super().flush()
        except BrokenPipeError:
            self._drop()

    def _leave(self) -> None:
        self._drop()
        sys.exit(READER_GONE)

    def _drop(self) -> None:
        # Python flushes once more at its end: that must go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


class _PipedErrors(_Piped):
    """Errors and progress; unread, they end nothing that is under way in AWS."""

    def _leave(self) -> None:
        self._drop()
