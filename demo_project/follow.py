"""Follow a distribution in CloudFront's API, with the delay of a CloudFront edge.

A change reaches the edges some time after the API has accepted it. AWS does not
document how long that takes. A rotation must wait for that time, and this edge
shows the wait.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from demo_project.rules import Rules, key_names

logger = logging.getLogger(__name__)

#: Seconds between two reads of the distribution.
INTERVAL = 1.0


class DistributionWatch:
    """Watches the rules of a distribution, and applies a change ``propagation`` seconds later.

    ``read`` returns the current rules. The constructor calls it once: errors
    are raised, and the rules apply at once. If a later call fails, the failure
    is logged once, and the edge keeps the rules that it knows. ``clock``
    returns seconds and never goes back.
    """

    def __init__(
        self,
        read: Callable[[], Rules],
        *,
        propagation: float = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if propagation < 0:
            raise ValueError(f"propagation is {propagation!r}. It must be seconds, 0 or more.")
        self._read = read
        self._propagation = propagation
        self._clock = clock
        #: From when the edge applies rules, and the rules: those of now, and later ones.
        self._views = deque([(clock(), read())])
        self._lock = threading.Lock()
        self._is_failing = False

    def current(self) -> Rules:
        """Return the rules that the edge applies now."""
        now = self._clock()
        with self._lock:
            while len(self._views) > 1 and self._views[1][0] <= now:
                self._views.popleft()
            return self._views[0][1]

    def look(self) -> None:
        """Read the rules once, and note when a change will apply."""
        try:
            rules = self._read()
        except Exception as error:
            # Catches any error: an edge that forgot its keys would refuse every signed URL.
            if not self._is_failing:
                logger.error(
                    "The distribution could not be read. The edge still trusts %s. %s",
                    self._views[-1][1].describe_keys(),
                    error,
                )
            self._is_failing = True
            return
        if self._is_failing:
            logger.info("The distribution can be read again.")
        self._is_failing = False
        self._note(rules)

    @contextmanager
    def running(self, interval: float = INTERVAL) -> Iterator[Self]:
        """Read the rules every ``interval`` seconds in a thread, while the block runs."""
        stop = threading.Event()

        def look_again_and_again() -> None:
            while not stop.wait(interval):
                self.look()

        thread = threading.Thread(target=look_again_and_again, name="The distribution", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()

    def _note(self, rules: Rules) -> None:
        before = self._views[-1][1]
        if rules == before:
            return
        for sentence in _changes(before, rules):
            logger.info("%s. The edge applies this in %g s.", sentence, self._propagation)
        with self._lock:
            self._views.append((self._clock() + self._propagation, rules))


def _changes(before: Rules, after: Rules) -> Iterator[str]:
    for group, keys in after.key_groups.items():
        if group in before.key_groups and keys != before.key_groups[group]:
            yield f"The key group {group} now has {key_names(keys)}"
    if after.describe_behaviors() != before.describe_behaviors():
        yield f"The behaviors are now, in order: {after.describe_behaviors()}"
    elif after.behaviors != before.behaviors:
        yield "The policies of the behaviors have changed"
