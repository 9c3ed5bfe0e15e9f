"""Say on the terminal what the demo is doing, in colour where the terminal has any."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_BOLD, _DIM, _GREEN, _RED = "1", "2", "32", "31"


class Console:
    """Print steps, and lines that servers write meanwhile, without mixing them up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Announce a step, and say how long it took when it is done."""
        started = time.monotonic()
        self.line(f"  {self._style('..', _DIM)} {what}")
        yield
        seconds = self._style(f"{time.monotonic() - started:.1f} s", _DIM)
        self.line(f"  {self._style('ok', _GREEN)} {what}  {seconds}")

    def detail(self, text: str) -> None:
        """Print a line that belongs to the step at hand."""
        self.line(f"     {self._style(text, _DIM)}")

    def title(self, text: str) -> None:
        """Print a heading."""
        self.line(f"\n{self._style(text, _BOLD)}")

    def error(self, text: str) -> None:
        """Print what went wrong, on standard error."""
        with self._lock:
            print(f"\n{self._style('The demo stopped.', _RED)} {text}", file=sys.stderr, flush=True)

    def line(self, text: str = "") -> None:
        """Print one whole line."""
        with self._lock:
            print(text, flush=True)

    def _style(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._coloured else text
