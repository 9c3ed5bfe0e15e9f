"""Run contenders in turns, so that whatever slows the machine down slows all of them down."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

#: Takes part in a round, by its number, and returns what it measured, by title: microseconds.
Turn: TypeAlias = Callable[[int], Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Hold the mean time of each round, in microseconds for one thing."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Return the time of the middle round."""
        return statistics.median(self.rounds)

    @property
    def fastest(self) -> float:
        """Return the time of the fastest round: the one that other programs disturbed least."""
        return min(self.rounds)

    @property
    def spread(self) -> tuple[float, float]:
        """Return the quartiles: half of all rounds lie between them."""
        if len(self.rounds) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.rounds, n=4, method="inclusive")
        return low, high

    def ratio_to(self, other: Times) -> float:
        """Return how many times as long as the other this takes: the middle of all rounds."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Take a turn: do the work for each item of a round.

    ``clock`` counts nanoseconds: by default of this process alone, so that
    other programs do not count.
    """

    title: str
    work: Callable[[Any], object]
    #: What a round is given, by its number.
    items: Callable[[int], Sequence[Any]]
    clock: Callable[[], int] = time.process_time_ns

    def __call__(self, number: int) -> dict[str, float]:
        """Return the mean time for one item, in microseconds."""
        items, work, clock = self.items(number), self.work, self.clock
        start = clock()
        for item in items:
            work(item)
        return {self.title: (clock() - start) / len(items) / 1000}


def measure(turns: Sequence[Turn], *, rounds: int) -> dict[str, Times]:
    """Return the times by title, after a round that does not count.

    Each round begins with another one of the turns.
    """
    found: dict[str, list[float]] = {}
    order = list(turns)
    gc.disable()
    try:
        for number in range(-1, rounds):
            for turn in order:
                for title, spent in turn(number).items():
                    times = found.setdefault(title, [])
                    if number >= 0:
                        times.append(spent)
            order.append(order.pop(0))
            gc.collect()
    finally:
        gc.enable()
    return {title: Times(rounds=tuple(spent)) for title, spent in found.items()}
