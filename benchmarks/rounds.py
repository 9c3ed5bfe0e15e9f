"""Run contenders in turns, so that whatever slows the machine down slows all of them down."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

#: Does the work for one name.
Contender: TypeAlias = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Hold the mean time of each round, in microseconds for one name."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Return the time of the middle round."""
        return statistics.median(self.rounds)

    @property
    def spread(self) -> tuple[float, float]:
        """Return the quartiles: half of all rounds lie between them."""
        low, _, high = statistics.quantiles(self.rounds, n=4)
        return low, high

    def ratio_to(self, other: Times) -> float:
        """Return how many times as long as the other this takes: the middle of all rounds."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)


def measure(
    contenders: Mapping[str, Contender],
    names: Sequence[str],
    *,
    rounds: int,
    clock: Callable[[], int] = time.process_time_ns,
) -> dict[str, Times]:
    """Return the times of each contender, after a round that does not count.

    Each round gives the same names to all of them, and begins with another
    one. ``clock`` counts nanoseconds: by default of this process alone, so
    that other programs do not count.
    """
    found: dict[str, list[float]] = {title: [] for title in contenders}
    order = list(contenders)
    gc.disable()
    try:
        for number in range(-1, rounds):
            for title in order:
                spent = _spend(contenders[title], names, clock)
                if number >= 0:
                    found[title].append(spent)
            order.append(order.pop(0))
            gc.collect()
    finally:
        gc.enable()
    return {title: Times(rounds=tuple(spent)) for title, spent in found.items()}


def _spend(contender: Contender, names: Sequence[str], clock: Callable[[], int]) -> float:
    """Return the mean time for one name, in microseconds."""
    start = clock()
    for name in names:
        contender(name)
    return (clock() - start) / len(names) / 1000
