"""Judge a simulated schedule: whether the invariants of lifecycle.py held at every instant.

It knows what happened, by the true time, and none of the rules by which the
code decides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from cfsigned_django.lifecycle import KeyStatus
from cfsigned_django.models import KeyPair


class Violation(AssertionError):
    """Report that an invariant did not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedUrl:
    """A URL as a viewer got it; moments are true Unix seconds."""

    url: str
    key_pair_id: str
    issued_at: float
    #: The expiry that stands in it.
    expires: int


class Oracle:
    """Follow what happens to keys; raise :exc:`Violation` where it must not."""

    def __init__(self, propagation: int) -> None:
        self._propagation = propagation
        self.urls: list[IssuedUrl] = []
        #: Since when the API has had a key in the group, without a break.
        self.member_since: dict[str, float] = {}
        #: When it was recorded that a probe was refused.
        self.refused_at: dict[UUID, float] = {}
        #: When a key was revoked: its URLs may be refused from then on.
        self.revoked_at: dict[str, float] = {}
        #: Keys that signed at once, since another was revoked: their URLs may
        #: be refused until every edge knows them.
        self.hasty: set[str] = set()
        self._moves: Counter[tuple[UUID, str]] = Counter()
        self._steps: dict[UUID, tuple[object, float]] = {}

    def see_members(self, members: set[str], now: float) -> None:
        """Learn what the API has in the group now."""
        for gone in self.member_since.keys() - members:
            del self.member_since[gone]
        for key_pair_id in members:
            self.member_since.setdefault(key_pair_id, now)

    def see_moves(self, moves: list[KeyPair], now: float, *, revoking: bool) -> None:
        """Judge the moves of a transaction that is committed."""
        for key_pair in moves:
            self._moves[key_pair.pk, key_pair.status] += 1
            if self._moves[key_pair.pk, key_pair.status] > 1:
                raise Violation(f"{key_pair} became {key_pair.status} twice.")
            name = str(key_pair)
            if key_pair.status == KeyStatus.REVOKED:
                self.revoked_at[name] = now
            if key_pair.status == KeyStatus.ACTIVE and key_pair.trusted_at is not None:
                if revoking:
                    self.hasty.add(name)
                else:
                    self._judge_activation(key_pair, now)

    def _judge_activation(self, key_pair: KeyPair, now: float) -> None:
        since = self.member_since.get(str(key_pair))
        if since is None or now < since + self._propagation:
            raise Violation(f"{key_pair} signs, in the group since {since}, now {now}.")
        refused_at = self.refused_at.get(key_pair.pk, float("-inf"))
        if now < refused_at + self._propagation:
            raise Violation(f"{key_pair} signs {now - refused_at} s after a refused probe.")

    def see_active(self, number: int) -> None:
        """Judge how many key pairs are ACTIVE."""
        if number > 1:
            raise Violation(f"{number} key pairs are ACTIVE.")

    def begin_step(self, key: UUID, process: object, now: float) -> None:
        """Learn that a process begins to call CloudFront for a key."""
        other, until = self._steps.get(key, (process, now))
        # Less a millisecond: the database counts microseconds, and rounds.
        if other is not process and now < until - 0.001:
            raise Violation("Two processes are at the same step.")

    def hold_step(self, key: UUID, process: object, until: float) -> None:
        """Learn until when it has the step to itself."""
        self._steps[key] = (process, until)

    def end_step(self, key: UUID, process: object) -> None:
        """Learn that a process is done, or dead."""
        if self._steps.get(key, (None, 0))[0] is process:
            del self._steps[key]
