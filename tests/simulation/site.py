"""Run one schedule: let its events happen to a site, and let the oracle judge all of it."""

from __future__ import annotations

from math import inf
from random import Random

from cfsigned_django.keyring import Found
from cfsigned_django.rotation.active import find_active_signer
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from tests.simulation.happenings import Happenings
from tests.simulation.observed import ObservedStore
from tests.simulation.oracle import Committed, IssuedUrl, Rule, Violation
from tests.simulation.processes import Process
from tests.simulation.rotators import Rotator
from tests.simulation.schedules import BUSY_KINDS, Schedule
from tests.simulation.verdict import judge_urls
from tests.simulation.workers import Worker
from tests.simulation.world import World


class Site:
    """A site with its workers and rotators, in a world."""

    def __init__(self, schedule: Schedule, processes: list[Process]) -> None:
        self.plan = plan = schedule.plan
        self.world = World(plan, Random(schedule.seed), processes)
        self.oracle = self.world.oracle
        self.waits, self.max_expire = plan.waits, plan.max_expire
        #: Whether a rotator has run once since ``waits`` became longer.
        self.remembers_waits = True
        #: What the database says to anyone who asks: looked up after each commit.
        self.committed = Found()
        self._schedule = schedule
        self._depth = 0
        self.workers = [Worker(self) for _ in range(plan.workers)]
        self.rotators = [Rotator(self, each) for each in self.world.processes]
        self._happenings = Happenings(self)

    def play(self) -> None:
        """Play the whole schedule. Raise :exc:`Violation` where a rule did not hold."""
        random = self.world.random
        with self.world:
            self._begin()
            for event in self._schedule.events:
                random.seed(event.seed)
                self._happenings.happen(event.kind)
            random.seed(self._schedule.seed)
            finish(self)
        judge_urls(self.world)

    def _begin(self) -> None:
        """Bring the key of the settings into the database, where the plan says so."""
        world = self.world
        self._remember_committed()
        if self.plan.is_imported:
            world.is_calm = True
            rotator = self.rotators[0]
            world.run(rotator.process, rotator.import_key, kill=False)
            world.is_calm = False

    def issue(self, issued: IssuedUrl) -> None:
        """Take a URL that a worker handed out; every edge must accept it from now on."""
        self.oracle.urls.append(issued)
        self.world.note(f"URL of {issued.key_pair_id} until {issued.expires}", "URL")

    def see_moves(self, store: ObservedStore) -> None:
        """Pass on what was just committed."""
        world, moves, signed = self.world, store.moves, self.committed.signer
        for each in moves:
            world.note(f"  {each} is {each.status}", str(each.status))
        with world.apart():
            self.oracle.see_moves(
                moves,
                world.now,
                activating=store.activating,
                slowest_edge=-max(world.edge_skews),
            )
            rows = KeyPair.objects.order_by().values_list("status", "encrypted_private_key")
            self.oracle.see_committed(
                [Committed(status=status, has_private_key=bool(key)) for status, key in rows]
            )
            self._remember_committed()
        if signed is not None and self.committed.signer is None:
            self._judge_end_of_signing(store)

    def _judge_end_of_signing(self, store: ObservedStore) -> None:
        """See that another key could not sign: no room, revoked as well, or all is done by hand."""
        if store.by_hand:
            return
        began_at, names = store.began_at, {str(each) for each in store.moves}
        had_no_room = self.world.full_since != inf or self.world.full_until >= began_at
        revoked = self.oracle.revoked_at.items()
        others = [name for name, moment in revoked if moment >= began_at and name not in names]
        if not had_no_room and not others:
            raise Violation(Rule.REPLACED, f"{names} signs no more, and nothing does.")

    def while_committing(self) -> None:
        """Let a commit take long, during which others see what was there before."""
        world = self.world
        if world.is_calm or world.random.random() > 0.3:
            return
        with world.apart():
            world.is_committing = True
            world.note("  a commit takes long", "slow commit")
            for _ in range(2):
                world.pass_time(world.random.choice((0, 5, 200)))
                world.random.choice(self.workers).sign()
            world.is_committing = False

    def let_others_act(self) -> None:
        """Let time pass and others act, while somebody waits for an answer."""
        if self._depth < 2:
            self._depth += 1
            for _ in range(2):
                self._happenings.happen(self.world.random.choice(BUSY_KINDS))
            self._depth -= 1

    def due(self) -> list[float]:
        """Return when something changes: a wait ends, a cache is old, an edge learns."""
        moments = self.steps_due()
        for worker in self.workers:
            moments += [worker.old_at, worker.old_at + self.plan.interval]
        return moments

    def steps_due(self) -> list[float]:
        """Return when a step may become possible, the latest change of the group included."""
        world, waits = self.world, self.waits
        moments = [world.edges.settled_at]
        rows = KeyPair.objects.order_by().values_list(
            "status", "verified_since", "retiring_at", "retirement_seconds", "claimed_until"
        )
        for status, verified_since, retiring_at, retirement, claimed_until in rows:
            if status == KeyStatus.TRUSTED and verified_since:
                moments.append(world.true_time(verified_since) + waits.propagation)
            if status == KeyStatus.RETIRING and retiring_at:
                moments.append(world.true_time(retiring_at) + max(waits.retirement, retirement))
            if claimed_until:
                moments.append(world.true_time(claimed_until))
        return moments

    def _remember_committed(self) -> None:
        self.committed = find_active_signer(self.world.key_group_id, None, self.committed.signer)


#: After so many rounds without any fault, every rotation must be over.
_ROUNDS = 30


def finish(site: Site) -> None:
    """Let one rotator do what is left to do, while time passes; judge what is there then."""
    world = site.world
    world.is_calm = True
    world.note("From here on, nothing goes wrong.")
    for each in site.rotators:
        if each.process.is_held:
            world.run(each.process, None, kill=False)
    world.is_open = False
    while len(world.foreign) > 1:
        world.remove_foreign_key()
    rotator = site.rotators[0]
    world.run(rotator.process, rotator.correct, kill=False)
    for _ in range(_ROUNDS):
        world.run(rotator.process, rotator.advance, kill=False)
        site.workers[0].sign()
        if not _is_under_way(world):
            break
        due = [moment for moment in site.steps_due() if moment > world.now]
        world.pass_time(max(1, min(due, default=world.now + 61) - world.now) + 1)
    else:
        raise Violation(Rule.ENDS, "The rotation does not come to its end.")
    _judge_leftovers(world)


def _is_under_way(world: World) -> bool:
    members = world.members()
    return any(
        row.status in (KeyStatus.PENDING, KeyStatus.RETIRING)
        or (row.status == KeyStatus.TRUSTED and not row.is_spare)
        or (row.status == KeyStatus.TRUSTED and str(row) not in members)
        or (row.status == KeyStatus.REVOKED and row.removed_at is None)
        for row in KeyPair.objects.all()
    )


def _judge_leftovers(world: World) -> None:
    """See that CloudFront holds what is in use, and what belongs to others."""
    ours = {str(row) for row in KeyPair.objects.filter(status__in=("active", "trusted"))}
    imported = world.settings_signer and KeyPair.objects.filter(
        key_pair_id=world.settings_signer.key_pair_id
    )
    expected = {*ours, *world.foreign}
    if world.settings_signer and not imported:
        expected.add(world.settings_signer.key_pair_id)
    members = set(world.members())
    if members != expected:
        raise Violation(Rule.NO_TRACES, f"The group holds {members}, not {expected}.")
    listed = world.cloudfront.list_public_keys()["PublicKeyList"].get("Items", [])
    left = {each["Id"] for each in listed if not each["Name"].startswith("foreign")} - expected
    if left:
        raise Violation(Rule.NO_TRACES, f"Public keys are left over: {left}.")


def play(schedule: Schedule, processes: list[Process]) -> World:
    """Play a schedule and return its world. Raise :exc:`Violation`, with what happened."""
    site = Site(schedule, processes)
    try:
        site.play()
    except Violation as violation:
        story = "\n".join(site.world.log)
        raise Violation(
            violation.rule, f"{violation.text}\n{schedule.plan}\nThe story:\n{story}"
        ) from violation
    return site.world
