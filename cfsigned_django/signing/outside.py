"""Ask something outside of this process, such as a secret store, and remember the answer."""

from __future__ import annotations

import asyncio
import copy
import math
import os
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

V = TypeVar("V")

#: For how many seconds an error counts: a store that does not answer is not asked for each URL.
RETRY = 5


class Answers(Generic[V]):
    """The answers to questions of one kind. One thread asks at a time, never in an event loop.

    An answer counts for the life of the process, an error for :data:`RETRY` seconds.
    """

    def __init__(self) -> None:
        #: Question -> until when the answer counts, by a monotonic clock, and the answer.
        self._known: dict[Hashable, tuple[float, V | Exception]] = {}
        self._renew_lock()
        if hasattr(os, "register_at_fork"):  # The thread that asks is not in the child.
            os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.RLock()  # To answer, one may ask another question.

    def find(self, question: Hashable) -> V | Exception | None:
        """Return the answer, or the error, if it is known and still counts; else None."""
        until, answer = self._known.get(question, (-math.inf, None))
        return answer if time.monotonic() < until else None

    def get(self, question: Hashable, ask: Callable[[], V]) -> V:
        """Return the answer, or raise what ``ask`` raised."""
        answer = self.find(question)
        if answer is None:
            ask_once = partial(self._ask, question, ask)
            with ThreadPoolExecutor(max_workers=1) as pool:
                answer = pool.submit(ask_once).result() if runs_event_loop() else ask_once()
        if isinstance(answer, Exception):
            raise copy.copy(answer)  # each raise adds its frames
        return answer

    def _ask(self, question: Hashable, ask: Callable[[], V]) -> V | Exception:
        with self._lock:
            if (known := self.find(question)) is not None:  # Another thread has asked meanwhile.
                return known
            answer: V | Exception
            seconds = math.inf
            try:
                answer = ask()
            except Exception as error:
                answer, seconds = error.with_traceback(None), RETRY
            now = time.monotonic()
            kept = {each: known for each, known in self._known.items() if known[0] > now}
            self._known = {**kept, question: (now + seconds, answer)}
            return answer


def runs_event_loop() -> bool:
    """Return whether this thread runs an event loop, in which Django allows no queries."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
