"""End a command in silence when whoever reads its output has gone, as in ``| head -1``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final, NoReturn, TextIO, cast

from django.core.management.base import BaseCommand, OutputWrapper

#: What a shell says of a program that SIGPIPE has ended: 128 and the signal's number. The signal
#: itself would end a command also where AWS closes a connection.
READER_GONE: Final = 141


class PipedCommand(BaseCommand):
    """A command that ends like other Unix tools where its output is read no further."""

    def run_from_argv(self, argv: list[str]) -> None:
        """Run from the command line; see the class."""
        self.stdout = _Piped(cast("TextIO", self.stdout._out))
        errors = _Piped(cast("TextIO", self.stderr._out))
        errors.style_func = self.stderr.style_func
        self.stderr = errors
        try:
            super().run_from_argv(argv)
        except BrokenPipeError:
            self.stdout.flush()  # ends here if it is this pipe, and no other one
            raise
        finally:
            # What is still in the buffer would be tried only when Python exits, with a traceback.
            self.stdout.flush()


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

    def _leave(self) -> NoReturn:
        # Python flushes once more at its end: that must go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        sys.exit(READER_GONE)
