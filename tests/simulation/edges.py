"""Simulate edges, which learn of a key group's members some time after the API."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from cfsigned_django.signing import PublicKey


class Edges:
    """Follow one key group at ``count`` edges, each with its own delay for each change.

    ``cloudfront`` has ``trusted_keys()`` and ``listen()``, as the strict one does, and ``delay``
    takes the number of an edge and returns the seconds of its next change. An edge never goes
    back to an older state, and starts with the one of the moment when it is made. How long AWS
    takes is not documented.
    """

    def __init__(
        self,
        cloudfront: Any,
        key_group_id: str,
        *,
        count: int,
        delay: Callable[[int], float],
        clock: Callable[[], float],
    ) -> None:
        self._key_group_id = key_group_id
        self._delay = delay
        self._clock = clock
        now = clock()
        members = cloudfront.trusted_keys(key_group_id)
        self._arrivals = [[now] for _ in range(count)]
        self._states = [[members] for _ in range(count)]
        cloudfront.listen(self._receive)

    def edge_keys(self, edge: int, now: float) -> dict[str, PublicKey]:
        """Return the keys that the edge trusts at the moment, by key pair id."""
        place = bisect_right(self._arrivals[edge], now) - 1
        return dict(self._states[edge][max(place, 0)])

    def times_known(self, edge: int, key_pair_id: str) -> list[tuple[float, float]]:
        """Return from when till when, as far as is known now, the edge trusts a key."""
        arrivals, states = list(self._arrivals[edge]), self._states[edge]
        times: list[tuple[float, float]] = []
        for start, end, keys in zip(arrivals, [*arrivals[1:], inf], states, strict=False):
            if key_pair_id not in keys or start == end:
                continue
            if times and times[-1][1] == start:
                start = times.pop()[0]
            times.append((start, end))
        return times

    def knows(self, edge: int, key_pair_id: str, since: float, until: float) -> bool:
        """Return whether the edge trusts a key from one moment to another, without a break."""
        times = self.times_known(edge, key_pair_id)
        return since >= until or any(start <= since and until <= end for start, end in times)

    @property
    def settled_at(self) -> float:
        """Return when the last change so far has reached, or will reach, every edge."""
        return max(arrivals[-1] for arrivals in self._arrivals)

    def _receive(self, key_group_id: str, members: Mapping[str, PublicKey]) -> None:
        if key_group_id != self._key_group_id:
            return
        now = self._clock()
        for edge, (arrivals, states) in enumerate(zip(self._arrivals, self._states, strict=True)):
            if members != states[-1]:
                # In this order: another thread may ask meanwhile.
                states.append(dict(members))
                arrivals.append(max(arrivals[-1], now + self._delay(edge)))
