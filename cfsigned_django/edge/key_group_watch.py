"""Follow a key group while it changes, as late as an edge of CloudFront does.

A change of a key group reaches the edges some time after the API has taken
it. How long that takes is not documented; whoever rotates keys has to wait for
it, and here the wait can be seen.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self, TypeAlias

from cfsigned_django.signing.keys import PublicKey

logger = logging.getLogger("cfsigned_django.edge")

#: Id of a public key -> the key.
TrustedKeys: TypeAlias = Mapping[str, PublicKey]

#: How many seconds lie between two looks.
INTERVAL = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What the key group held, and from when on the edge goes by it."""

    keys: TrustedKeys
    counts_from: float


class KeyGroupWatch:
    """Know the public keys of a key group; a change counts ``propagation`` seconds after it.

    ``read`` asks for the keys that the group holds now. It is called first
    here, and what it raises then is raised; the keys of that moment count at
    once. Later on, a failure is logged once, and the edge goes on with the
    keys that it knows. ``clock`` returns seconds and never goes back.
    """

    def __init__(
        self,
        read: Callable[[], TrustedKeys],
        *,
        propagation: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if propagation < 0:
            raise ValueError(f"propagation is {propagation!r}: seconds are wanted, 0 or more.")
        self._read = read
        self._propagation = propagation
        self._clock = clock
        self._views = deque([_View(keys=dict(read()), counts_from=clock())])
        self._lock = threading.Lock()
        self._is_failing = False

    def trusted_keys(self) -> TrustedKeys:
        """Return the keys that the edge trusts at this moment."""
        now = self._clock()
        with self._lock:
            while len(self._views) > 1 and self._views[1].counts_from <= now:
                self._views.popleft()
            return self._views[0].keys

    def look(self) -> None:
        """Ask for the keys once, and note when what has changed will count."""
        try:
            keys = dict(self._read())
        except Exception as error:
            # Whatever it is: an edge that forgot its keys would break every link.
            if not self._is_failing:
                logger.error(
                    "The key group could not be read; the edge goes on with %s. %s",
                    _names(self._views[-1].keys),
                    error,
                )
            self._is_failing = True
            return
        if self._is_failing:
            logger.info("The key group can be read again.")
        self._is_failing = False
        self._note(keys)

    @contextmanager
    def running(self, interval: float = INTERVAL) -> Iterator[Self]:
        """Look every ``interval`` seconds in a thread, for as long as the block runs."""
        stop = threading.Event()

        def look_again_and_again() -> None:
            while not stop.wait(interval):
                self.look()

        thread = threading.Thread(target=look_again_and_again, name="key group", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()

    def _note(self, keys: TrustedKeys) -> None:
        if keys == self._views[-1].keys:
            return
        logger.info(
            "The key group holds %s now; the edge goes by it in %g s.",
            _names(keys),
            self._propagation,
        )
        with self._lock:
            counts_from = self._clock() + self._propagation
            self._views.append(_View(keys=keys, counts_from=counts_from))


def _names(keys: TrustedKeys) -> str:
    return ", ".join(sorted(keys)) or "no key"
