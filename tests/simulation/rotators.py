"""Rotate in a simulated site: what one run of a command or one click does, told to the oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db import Error

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.encryption import CannotDecrypt
from cfsigned_django.rotation.importing import import_key
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.removal import Removal
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.steps import advance
from cfsigned_django.rotation.store import Claim, KeyPairStore, RotationError
from cfsigned_django.signing import Denied, KeyAlgorithm, Signer, Verifier
from tests.simulation.schedules import SKEW
from tests.simulation.world import Process

if TYPE_CHECKING:
    from tests.simulation.site import Site

#: How a run may fail: everything else is a bug.
FAILURES = (AwsError, CannotDecrypt, Error, RotationError)


@dataclass(kw_only=True)
class ObservedClaim(Claim):
    """A claim that tells until when it is renewed."""

    store: ObservedStore

    def renew(self) -> None:
        """Report that the claim was extended."""
        super().renew()
        self.store.hold_step(self)


@dataclass(frozen=True, kw_only=True)
class ObservedStore(KeyPairStore):
    """A store that tells the oracle what is recorded."""

    site: Site
    rotator: Rotator
    #: When the run began, by the true time.
    began_at: float
    #: Whether a person changes CloudFront.
    by_hand: bool = False
    #: The moves of the transaction that is under way.
    moves: list[KeyPair] = field(default_factory=list)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Report the transitions once they are committed."""
        self.moves.clear()
        with super().transaction():
            yield
            if self.moves:
                self.site.while_committing()
        if self.moves:
            self.site.see_moves(self)

    @contextmanager
    def claim(self, key_pair: KeyPair) -> Iterator[Claim]:
        """Report who has claimed the step of a key."""
        with super().claim(key_pair) as claim:
            observed = ObservedClaim(
                store=self, key_pair=key_pair, status=claim.status, until=claim.until
            )
            self.site.oracle.begin_step(key_pair.pk, self.rotator.process)
            self.hold_step(observed)
            try:
                yield observed
            finally:
                claim.until = observed.until
                self.site.oracle.end_step(self.rotator.process)

    def hold_step(self, claim: Claim) -> None:
        """Report until when the step is claimed."""
        assert claim.until is not None
        world = self.site.world
        self.site.oracle.hold_step(self.rotator.process, world.true_time(claim.until), world.now)


@dataclass(frozen=True, kw_only=True)
class ObservedRotation(Rotation):
    """A rotation that tells the oracle what it does."""

    store: ObservedStore

    def activate(self, key_pair: KeyPair, *, now: datetime) -> KeyPair | None:
        """Report that a key is about to sign."""
        self.store.rotator.activating.append(key_pair)
        try:
            return super().activate(key_pair, now=now)
        finally:
            self.store.rotator.activating.remove(key_pair)

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


class Rotator:
    """A machine on which commands and clicks rotate keys, one at a time."""

    def __init__(self, site: Site, number: int) -> None:
        random = site.world.random
        self._site = site
        self.process = Process(f"Rotator {number}")
        self._skew = random.choice((-SKEW, 0, SKEW))
        #: The command takes its time from the database, the admin from its machine.
        self._uses_database_clock = random.random() < 0.5
        self._edge = 1 + random.randrange(site.plan.edges)
        #: The keys that are about to sign.
        self.activating: list[KeyPair] = []

    def now(self) -> datetime:
        """Return the time by this machine's clock."""
        world = self._site.world
        if self._uses_database_clock:
            return world.database_clock()
        return datetime.fromtimestamp(world.now + self._skew, UTC)

    def advance(self) -> None:
        """Do the step that is due."""
        rotation = self._rotation()

        self._attempt("advance", lambda: advance(rotation, now=self.now()))

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
                "import",
                lambda: import_key(rotation, key, signer.key_pair_id, now=self.now()),
            )

    def correct(self) -> None:
        """Give the id of a TRUSTED key as a person does; a wrong one, unless all is calm."""
        world, rotation = self._site.world, self._rotation()

        def give_any() -> str:
            row = KeyPair.objects.filter(status=KeyStatus.TRUSTED).first()
            listed = world.cloudfront.list_public_keys()["PublicKeyList"].get("Items", [])
            ids = [each["Id"] for each in listed if row and each["EncodedKey"] == row.public_key]
            if row is None or not ids:
                return "nothing to correct"
            if not world.is_calm:
                ids += ["KWRONG", *world.foreign]
            key_pair_id = world.random.choice(ids)
            rotation.trust(row, now=self.now(), key_pair_id=key_pair_id)
            return f"{row} is given as {key_pair_id}"

        self._attempt("correct", give_any)

    def revoke(self) -> None:
        """Revoke any key pair; a person does so by hand, and leaves the rest to a rotator."""
        rotation = self._rotation(by_hand=self._site.world.random.random() < 0.3)

        def revoke_any() -> str:
            rows = [row for row in rotation.store.key_pairs() if row.status != KeyStatus.RETIRED]
            if not rows:
                return "nothing to revoke"
            row = self._site.world.random.choice(rows)
            Removal(rotation=rotation, key_pair=row, now=self.now()).revoke("")
            return str(row)

        self._attempt("revoke", revoke_any)

    def _attempt(self, what: str, step: Callable[[], object]) -> None:
        world = self._site.world
        try:
            result = step()
        except FAILURES as error:
            world.note(f"{self.process.name}, {what}: {type(error).__name__} {error}")
        else:
            world.note(f"{self.process.name}, {what}: {result}")

    def _rotation(self, *, by_hand: bool = False) -> ObservedRotation:
        world = self._site.world
        moves: list[KeyPair] = []
        store = ObservedStore(
            key_group_id=world.key_group_id,
            claim_seconds=world.plan.claim_seconds,
            on_move=moves.append,
            clock=world.database_clock,
            site=self._site,
            rotator=self,
            began_at=world.now,
            by_hand=by_hand,
            moves=moves,
        )
        return ObservedRotation(
            store=store,
            waits=self._site.waits,
            key_groups=None if by_hand else world.key_groups(),
            probe=self._probe,
        )

    def _probe(self, signer: Signer) -> ProbeResult:
        """Ask the edge next to this machine; a request may stay without an answer."""
        world = self._site.world
        if not world.is_calm and world.random.random() < world.plan.faults:
            return ProbeResult.NO_ANSWER
        if world.is_open:
            return ProbeResult.UNRESTRICTED
        now = int(world.now) + world.edge_skews[self._edge]
        url = signer.sign_url("https://d.example/probe", date_less_than=now + 600)
        try:
            Verifier(world.edges.edge_keys(self._edge, world.now)).verify(url, now=now)
        except Denied as denied:
            unknown = denied.code == "InvalidKey"
            return ProbeResult.UNKNOWN_KEY if unknown else ProbeResult.WRONG_KEY
        self._site.oracle.see_good(signer.key_pair_id, world.now)
        return ProbeResult.GOOD
