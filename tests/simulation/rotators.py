"""Rotate in a simulated site: what one run of a command or one click does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import Error

from cfsigned_django.aws.client import AwsError
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.lifecycle import KeyStatus
from cfsigned_django.models import KeyPair
from cfsigned_django.probe import ProbeResult
from cfsigned_django.record import Claim
from cfsigned_django.rotation import Rotation, RotationError
from cfsigned_django.rotation_steps import advance
from cfsigned_django.signing import Denied, KeyAlgorithm, PrivateKey, Signer, Verifier
from tests.simulation.oracle import Rule, Violation
from tests.simulation.plan import SKEW
from tests.simulation.processes import Process

if TYPE_CHECKING:
    from tests.simulation.site import Site

#: How a run may fail: everything else is a bug.
FAILURES = (AwsError, CannotUnseal, Error, RotationError)


@dataclass(frozen=True, kw_only=True)
class ObservedRotation(Rotation):
    """A rotation that tells the oracle what it does."""

    site: Site
    process: Process
    revokes: bool = False
    #: When the run began, by the true time.
    began_at: float
    #: The keys that are about to sign.
    activating: list[KeyPair]
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
            self.site.see_moves(self.moves, revoking=self.revokes)

    @contextmanager
    def claim(self, key_pair: KeyPair) -> Iterator[Claim]:
        """Tell who is at the step of a key."""
        oracle, world = self.site.oracle, self.site.world
        since = world.now
        with super().claim(key_pair) as claim:
            oracle.begin_step(key_pair.pk, self.process, world.now)
            oracle.hold_step(key_pair.pk, self.process, since + self.claim_seconds)
            try:
                yield claim
            finally:
                oracle.end_step(key_pair.pk, self.process)

    def activate(self, key_pair: KeyPair, *, now: datetime) -> None:
        """Tell that a key is about to sign."""
        self.activating.append(key_pair)
        try:
            super().activate(key_pair, now=now)
        finally:
            self.activating.remove(key_pair)

    def create(self, private_key: PrivateKey, *, now: datetime, **fields: Any) -> KeyPair:
        """Tell of a key that is created where there is no room for it."""
        world = self.site.world
        if "next_in" in fields and world.full_since < self.began_at:
            raise Violation(Rule.ROOM_FIRST, "A rotation starts, and the group was full before.")
        return super().create(private_key, now=now, **fields)

    def check(self, key_pair: KeyPair, *, now: datetime) -> ProbeResult:
        """Tell of refused probes once they are recorded: who dies before cannot tell anyone."""
        asked_at = self.site.world.now
        result = super().check(key_pair, now=now)
        if result in (ProbeResult.UNKNOWN_KEY, ProbeResult.WRONG_KEY):
            self.site.oracle.see_refused(key_pair, asked_at)
        return result


class Rotator:
    """A machine on which commands and clicks rotate keys, one at a time."""

    def __init__(self, site: Site, process: Process) -> None:
        random = site.world.random
        self._site = site
        self.process = process
        self._skew = random.choice((-SKEW, 0, SKEW))
        #: The command takes its time from the database, the admin from its machine.
        self._uses_database_clock = random.random() < 0.5
        self._edge = random.randrange(site.plan.edges)
        self._activating: list[KeyPair] = []

    @property
    def is_activating(self) -> bool:
        """Tell whether it is about to let a key sign."""
        return bool(self._activating)

    def now(self) -> datetime:
        """Return what this machine takes for the present."""
        world = self._site.world
        if self._uses_database_clock:
            return world.database_clock()
        return datetime.fromtimestamp(world.now + self._skew, UTC)

    def advance(self) -> None:
        """Do the next legal step."""
        spare = KeyAlgorithm.ECDSA_P256 if self._site.plan.keeps_spare else None
        rotation = self._rotation()

        def do_next() -> str | None:
            done = advance(rotation, now=self.now(), spare_algorithm=spare)
            if done is None:
                self._site.remembers_waits = True
            return done

        self._attempt("advance", do_next)

    def start(self) -> None:
        """Begin a rotation."""
        rotation = self._rotation()
        self._attempt(
            "start", lambda: rotation.start(algorithm=KeyAlgorithm.ECDSA_P256, now=self.now())
        )

    def import_key(self) -> None:
        """Take the key of the settings into the database."""
        signer = self._site.world.settings_signer
        if signer is not None:
            rotation, key = self._rotation(), signer.private_key
            self._attempt(
                "import", lambda: rotation.import_key(key, signer.key_pair_id, now=self.now())
            )

    def revoke(self) -> None:
        """Revoke any key pair."""
        rotation = self._rotation(revokes=True)

        def revoke_any() -> str:
            rows = [row for row in rotation.key_pairs() if row.status != KeyStatus.RETIRED]
            if not rows:
                return "nothing to revoke"
            row = self._site.world.random.choice(rows)
            rotation.revoke(row, now=self.now(), reason="")
            return str(row)

        self._attempt("revoke", revoke_any)

    def _attempt(self, what: str, step: Callable[[], object]) -> None:
        world = self._site.world
        try:
            result = step()
        except FAILURES as error:
            world.note(
                f"{self.process.name}, {what}: {type(error).__name__} {error}",
                type(error).__name__,
            )
        else:
            world.note(f"{self.process.name}, {what}: {result}")

    def _rotation(self, *, revokes: bool = False) -> ObservedRotation:
        world = self._site.world
        moves: list[KeyPair] = []
        return ObservedRotation(
            key_group_id=world.key_group_id,
            waits=self._site.waits,
            key_groups=world.key_groups(),
            probe=self._probe,
            claim_seconds=world.plan.claim_seconds,
            on_move=moves.append,
            clock=world.database_clock,
            site=self._site,
            process=self.process,
            began_at=world.now,
            activating=self._activating,
            revokes=revokes,
            moves=moves,
        )

    def _probe(self, signer: Signer) -> ProbeResult:
        """Ask the edge next to this machine; a request may stay without an answer."""
        world = self._site.world
        if not world.is_calm and world.random.random() < world.plan.faults:
            return ProbeResult.NO_ANSWER
        now = int(world.now) + world.edge_skews[self._edge]
        url = signer.sign_url("https://d.example/probe", date_less_than=now + 600)
        try:
            Verifier(world.edges.edge_keys(self._edge, world.now)).verify(url, now=now)
        except Denied as denied:
            unknown = denied.code == "InvalidKey"
            return ProbeResult.UNKNOWN_KEY if unknown else ProbeResult.WRONG_KEY
        self._site.oracle.see_good(signer.key_pair_id, world.now)
        return ProbeResult.GOOD
