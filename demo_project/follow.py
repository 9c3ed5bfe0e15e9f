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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self, TypeAlias

from cfsigned_django.signing.keys import PublicKey
from cfsigned_django.tools.edge.behavior import Behavior

logger = logging.getLogger("cfsigned_django.tools.edge")

#: Seconds between two reads of the distribution.
INTERVAL = 1.0
#: Public key ID -> the key.
TrustedKeys: TypeAlias = Mapping[str, PublicKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of a distribution for its viewers.

    ``behaviors`` are as in :class:`Distribution`. ``key_groups`` has the keys
    of each key group that they trust, by the group's id. ``left_out`` names the
    features of the distribution that this edge does not have.
    """

    behaviors: tuple[Behavior, ...]
    key_groups: Mapping[str, TrustedKeys]
    left_out: tuple[str, ...] = ()

    def describe_keys(self) -> str:
        """Return the ids of all trusted keys as text."""
        return key_names(
            {name: key for keys in self.key_groups.values() for name, key in keys.items()}
        )

    def describe_behaviors(self) -> list[str]:
        """Return the behaviors in their order as text."""
        return [_describe(each) for each in self.behaviors]


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


def key_names(keys: TrustedKeys) -> str:
    """Return the ids of the keys as text."""
    return ", ".join(sorted(keys)) or "no key"


def _describe(behavior: Behavior) -> str:
    name = "Default (*)" if behavior.is_default else behavior.path_pattern.removeprefix("/")
    if behavior.foreign_origin:
        return f"{name}: not served here, it reads from {behavior.foreign_origin}"
    groups = " and ".join(behavior.trusted_key_groups)
    return f"{name}: signed by {groups}" if groups else f"{name}: open to everybody"


def _changes(before: Rules, after: Rules) -> Iterator[str]:
    for group, keys in after.key_groups.items():
        if group in before.key_groups and keys != before.key_groups[group]:
            yield f"The key group {group} now has {key_names(keys)}"
    if after.behaviors != before.behaviors:
        yield f"The behaviors are now, in order: {'; '.join(after.describe_behaviors())}"
    if new := [each for each in after.left_out if each not in before.left_out]:
        yield f"The distribution now has {', '.join(new)}, which this edge leaves out"
