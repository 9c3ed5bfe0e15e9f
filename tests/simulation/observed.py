"""Watch a rotation: tell the oracle what it does, as it does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.store import Claim, KeyPairStore
from cfsigned_django.signing import PrivateKey
from tests.simulation.oracle import Rule, Violation
from tests.simulation.processes import Process

if TYPE_CHECKING:
    from tests.simulation.site import Site


@dataclass(kw_only=True)
class ObservedClaim(Claim):
    """A claim that tells until when it is renewed."""

    see_renewal: Callable[[datetime], None]

    def renew(self) -> None:
        """Tell that the step is kept for longer."""
        super().renew()
        assert self.until is not None
        self.see_renewal(self.until)


@dataclass(frozen=True, kw_only=True)
class ObservedStore(KeyPairStore):
    """A store that tells the oracle what is recorded."""

    site: Site
    process: Process
    #: When the run began, by the true time.
    began_at: float
    #: The keys that are about to sign.
    activating: list[KeyPair]
    #: Whether a person changes CloudFront.
    by_hand: bool = False
    #: The moves of the transaction that is under way.
    moves: list[KeyPair] = field(default_factory=list)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Tell of the moves once they are committed."""
        self.moves.clear()
        with super().transaction():
            yield
            if self.moves:
                self.site.while_committing()
        if self.moves:
            self.site.see_moves(self)

    @contextmanager
    def claim(self, key_pair: KeyPair) -> Iterator[Claim]:
        """Tell who is at the step of a key."""
        oracle, world = self.site.oracle, self.site.world
        with super().claim(key_pair) as claim:
            assert claim.until is not None
            until = world.true_time(claim.until)
            oracle.begin_step(key_pair.pk, self.process, until, world.now)
            observed = ObservedClaim(
                store=self,
                key_pair=key_pair,
                status=claim.status,
                until=claim.until,
                see_renewal=self._see_renewal,
            )
            try:
                yield observed
            finally:
                claim.until = observed.until
                oracle.end_step(self.process)

    def create(self, private_key: PrivateKey, *, now: datetime, **fields: Any) -> KeyPair:
        """Tell of a key that is created where there is no room for it."""
        world = self.site.world
        if "next_in" in fields and world.full_since < self.began_at:
            raise Violation(Rule.ROOM_FIRST, "A rotation starts, and the group was full before.")
        return super().create(private_key, now=now, **fields)

    def _see_renewal(self, until: datetime) -> None:
        world = self.site.world
        self.site.oracle.hold_step(self.process, world.true_time(until), world.now)


@dataclass(frozen=True, kw_only=True)
class ObservedRotation(Rotation):
    """A rotation that tells the oracle what it does."""

    store: ObservedStore

    def activate(self, key_pair: KeyPair, *, now: datetime) -> KeyPair | None:
        """Tell that a key is about to sign."""
        self.store.activating.append(key_pair)
        try:
            return super().activate(key_pair, now=now)
        finally:
            self.store.activating.remove(key_pair)

    def check(self, key_pair: KeyPair, *, now: datetime) -> ProbeResult:
        """Tell of a key that was restored, too: it counts as refused."""
        asked_at = self.store.site.world.now
        return self._tell(key_pair, asked_at, super().check(key_pair, now=now))

    def record_probe(self, key_pair: KeyPair, *, now: datetime) -> ProbeResult:
        """Tell of refused probes once they are recorded: who dies before cannot tell anyone."""
        asked_at = self.store.site.world.now
        return self._tell(key_pair, asked_at, super().record_probe(key_pair, now=now))

    def _tell(self, key_pair: KeyPair, asked_at: float, result: ProbeResult) -> ProbeResult:
        if result in (ProbeResult.UNKNOWN_KEY, ProbeResult.WRONG_KEY):
            self.store.site.oracle.see_refused(key_pair, asked_at)
        return result

    def remember_waits(self, key_pairs: Iterable[KeyPair]) -> None:
        """Tell that it is recorded how long URLs may live."""
        super().remember_waits(key_pairs)
        self.store.site.remembers_waits = True
