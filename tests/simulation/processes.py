"""Run programs in turns, each held wherever it says so: one at a time, in a known order."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread

from django.db import connections


class Killed(BaseException):
    """The process ended here. Nothing in the code under test can catch it."""


class Process:
    """A place where one program runs at a time, in a thread that shares the database connection.

    The thread runs only while :meth:`begin` or :meth:`resume` waits for it, so
    that a schedule can be repeated exactly.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        # Each is released by one thread when the other one's turn comes.
        self._go, self._back = Lock(), Lock()
        self._go.acquire()
        self._back.acquire()
        self._program: Callable[[], None] | None = None
        self._error: BaseException | None = None
        self._is_killed = False
        #: Whether a program is in the midst of its run.
        self.is_held = False
        self._connection = connections["default"]
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def begin(self, program: Callable[[], None]) -> None:
        """Run a program until it ends or is held; raise what it raised."""
        self._program = program
        self._switch()

    def resume(self, *, kill: bool = False) -> None:
        """Let the program go on, or die, where it was held."""
        self._is_killed = kill
        self._switch()

    def hold(self) -> None:
        """Hold the program that calls this, until it is resumed. Raise :exc:`Killed` if it dies."""
        self.is_held = True
        self._back.release()
        self._go.acquire()
        self.is_held = False
        if self._is_killed:
            self._is_killed = False
            raise Killed

    def close(self) -> None:
        """End the thread."""
        if self.is_held:
            self.resume(kill=True)
        self._program = None
        self._go.release()
        self._thread.join()

    def _switch(self) -> None:
        self._go.release()
        self._back.acquire()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _serve(self) -> None:
        connections["default"] = self._connection
        while True:
            self._go.acquire()
            if self._program is None:
                return
            try:
                self._program()
            except Killed:
                pass
            except BaseException as error:
                self._error = error
            self._back.release()
