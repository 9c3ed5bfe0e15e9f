"""Run one schedule: choose by chance who acts next, and let the oracle judge all of it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from cfsigned_django.active_keys import find_active_signer
from cfsigned_django.keyring import Found
from cfsigned_django.lifecycle import KeyStatus
from cfsigned_django.models import KeyPair
from cfsigned_django.signing import Denied, Verifier
from tests.simulation.oracle import IssuedUrl, Violation
from tests.simulation.plan import Plan
from tests.simulation.processes import Process
from tests.simulation.rotators import Rotator
from tests.simulation.workers import Worker
from tests.simulation.world import World

#: After so many rounds without any fault, every rotation must be over.
_ROUNDS = 30


class Site:
    """A site with its workers and rotators, in a world."""

    def __init__(self, plan: Plan, random: Random, processes: list[Process]) -> None:
        self.plan = plan
        self.world = World(plan, random, processes)
        self.oracle = self.world.oracle
        self.waits, self.max_expire = plan.waits, plan.max_expire
        #: What the database says to anyone who asks: looked up after each commit.
        self.committed = Found()
        self._depth = 0
        self._workers = [Worker(self) for _ in range(plan.workers)]
        self._rotators = [Rotator(self, each) for each in self.world.processes]

    def play(self) -> None:
        """Play the whole schedule. Raise :exc:`Violation` where an invariant did not hold."""
        with self.world:
            self._remember_committed()
            for _ in range(self.plan.length):
                self._act()
            self._finish()
        self._judge_urls()

    def issue(self, issued: IssuedUrl) -> None:
        """Take a URL that a worker handed out; every edge must accept it from now on."""
        self.oracle.urls.append(issued)
        self.world.note(f"URL of {issued.key_pair_id} until {issued.expires}")

    def see_moves(self, moves: list[KeyPair], *, revoking: bool) -> None:
        """Pass on what was committed."""
        for each in moves:
            self.world.note(f"  {each} is {each.status}")
        with self.world.apart():
            self.oracle.see_moves(moves, self.world.now, revoking=revoking)
            self.oracle.see_active(KeyPair.objects.filter(status=KeyStatus.ACTIVE).count())
            self._remember_committed()

    def while_committing(self) -> None:
        """Let a commit take long, during which others see what was there before."""
        world = self.world
        if world.is_calm or world.random.random() > 0.3:
            return
        with world.apart():
            world.is_committing = True
            for _ in range(2):
                world.pass_time(world.random.choice((0, 5, 200)))
                world.random.choice(self._workers).sign()
            world.is_committing = False

    def let_others_act(self) -> None:
        """Let time pass and others act, while somebody waits for an answer."""
        if self._depth < 2:
            self._depth += 1
            for _ in range(2):
                self._act()
            self._depth -= 1

    def _remember_committed(self) -> None:
        self.committed = find_active_signer(self.world.key_group_id, None, self.committed.signer)

    def _act(self) -> None:
        random = self.world.random
        kind = random.choices(
            (self._sign, self._rotate, self._jump, self._disturb), (30, 40, 25, 5)
        )[0]
        kind()

    def _sign(self) -> None:
        self.world.random.choice(self._workers).sign()

    def _rotate(self) -> None:
        world = self.world
        if world.is_committing:
            return
        rotator = world.random.choice(self._rotators)
        if rotator.process.is_held:
            world.run(rotator.process, None, kill=world.random.random() < 0.1)
            return
        programs = [rotator.advance] * 10 + [rotator.start] * 2
        if self.plan.has_settings_key:
            programs.append(rotator.import_key)
        if self.plan.revokes:
            programs.append(rotator.revoke)
        world.run(rotator.process, world.random.choice(programs), kill=False)

    def _jump(self) -> None:
        """Let time pass, often until just before or after something is due."""
        world, random = self.world, self.world.random
        if random.random() < 0.3:
            world.pass_time(random.choice((0.1, 1, 10)))
            return
        due = sorted(moment for moment in self._due() if moment > world.now)
        if due:
            moment = random.choice((due[0], random.choice(due)))
            moment += random.choice((-1, -0.01, 0, 0.01, 1))
            world.pass_time(max(0, moment - world.now))

    def _due(self) -> list[float]:
        """Return when something changes: a wait ends, a cache is old, an edge learns."""
        moments = [self.world.edges.settled_at, *self._steps_due()]
        for worker in self._workers:
            moments += [worker.old_at, worker.old_at + self.plan.interval]
        return moments

    def _steps_due(self) -> list[float]:
        """Return when a step may become possible."""
        world, waits = self.world, self.waits
        moments = []
        rows = KeyPair.objects.order_by().values_list(
            "status", "good_since", "retiring_at", "retirement_seconds", "claimed_until"
        )
        for status, good_since, retiring_at, retirement, claimed_until in rows:
            if status == KeyStatus.TRUSTED and good_since:
                moments.append(world.true_time(good_since) + waits.propagation)
            if status == KeyStatus.RETIRING and retiring_at:
                moments.append(world.true_time(retiring_at) + max(waits.retirement, retirement))
            if claimed_until:
                moments.append(world.true_time(claimed_until))
        return moments

    def _disturb(self) -> None:
        world, random = self.world, self.world.random
        worker = random.choice(self._workers)
        kinds = [
            worker.restart,
            world.add_foreign_key,
            world.remove_foreign_key,
            self._lower_lifetime,
            self._meddle,
        ]
        if self.plan.interval:
            kinds += [lambda: self._cut_off(worker)] * 2
            kinds.append(lambda: worker.sleep(random.choice((10, 700, 100_000))))
        random.choice(kinds)()

    def _cut_off(self, worker: Worker) -> None:
        # Cut off before its first look, it would have to take the settings' word.
        worker.is_cut_off = worker.has_looked and not worker.is_cut_off

    def _lower_lifetime(self) -> None:
        """Let somebody lower AWS_CLOUDFRONT_MAX_EXPIRE, once, and restart everything.

        Only where a key of the database signs: how long the URLs of a key of
        the settings lived before its import, nobody has written down.
        """
        signs = self.committed.signer is not None
        if signs and self.max_expire == self.plan.max_expire and self._is_idle():
            self.max_expire = 10
            self.waits = replace(self.waits, url_lifetime=10 + self.plan.expire_step)
            for worker in self._workers:
                worker.restart()

    def _meddle(self) -> None:
        """Let a person take our TRUSTED key out of the group while nobody is at it."""
        row = KeyPair.objects.filter(status=KeyStatus.TRUSTED).first()
        if self.plan.meddles and row is not None and self._is_idle():
            self.world.note(f"{row} is taken out by hand")
            self.world.set_members([each for each in self.world.members() if each != str(row)])

    def _is_idle(self) -> bool:
        return not any(each.process.is_held for each in self._rotators)

    def _finish(self) -> None:
        """Let all faults end, and see that every rotation comes to its end."""
        world = self.world
        world.is_calm = True
        for rotator in self._rotators:
            if rotator.process.is_held:
                world.run(rotator.process, None, kill=False)
        while len(world.foreign) > 1:
            world.remove_foreign_key()
        rotator = self._rotators[0]
        for _ in range(_ROUNDS):
            world.run(rotator.process, rotator.advance, kill=False)
            self._workers[0].sign()
            if not self._is_under_way():
                break
            due = [moment for moment in self._steps_due() if moment > world.now]
            world.pass_time(max(1, min(due, default=world.now + 61) - world.now) + 1)
        else:
            raise Violation("The rotation does not come to its end.")
        self._judge_leftovers()

    def _is_under_way(self) -> bool:
        return any(
            row.status in (KeyStatus.PENDING, KeyStatus.RETIRING)
            or (row.status == KeyStatus.TRUSTED and not row.is_spare)
            or (row.status == KeyStatus.REVOKED and row.removed_at is None)
            for row in KeyPair.objects.all()
        )

    def _judge_leftovers(self) -> None:
        """See that CloudFront holds what is in use, and what belongs to others."""
        world = self.world
        ours = {str(row) for row in KeyPair.objects.filter(status__in=("active", "trusted"))}
        imported = world.settings_signer and KeyPair.objects.filter(
            key_pair_id=world.settings_signer.key_pair_id
        )
        expected = {*ours, *world.foreign}
        if world.settings_signer and not imported:
            expected.add(world.settings_signer.key_pair_id)
        members = set(world.members())
        if members != expected:
            raise Violation(f"The group holds {members}, not {expected}.")
        listed = world.cloudfront.list_public_keys()["PublicKeyList"].get("Items", [])
        left = {each["Id"] for each in listed if not each["Name"].startswith("foreign")} - expected
        if left:
            raise Violation(f"Public keys are left over: {left}.")

    def _judge_urls(self) -> None:
        """See that each edge accepted each URL from its first moment to its last."""
        world = self.world
        for issued in self.oracle.urls:
            for edge in range(self.plan.edges):
                self._judge_url(issued, edge)
        for issued in world.random.sample(self.oracle.urls, min(4, len(self.oracle.urls))):
            for edge in range(self.plan.edges):
                self._verify(issued, edge)

    def _judge_url(self, issued: IssuedUrl, edge: int) -> None:
        since, until = self._required(issued, edge)
        if since >= until:
            return
        times = self.world.edges.times_known(edge, issued.key_pair_id)
        if not any(start <= since and until <= end for start, end in times):
            raise Violation(
                f"A URL of {issued.key_pair_id}, issued at {issued.issued_at}, must work from "
                f"{since} to {until}, but edge {edge} knows its key in {times}."
            )

    def _required(self, issued: IssuedUrl, edge: int) -> tuple[float, float]:
        """Return from when till when, by the true time, an edge must accept a URL."""
        oracle, name = self.oracle, issued.key_pair_id
        since = issued.issued_at
        until = float(issued.expires - self.world.edge_skews[edge])
        if name in oracle.revoked_at:
            until = min(until, oracle.revoked_at[name])
        if name in oracle.hasty:
            since = max(since, oracle.member_since.get(name, until) + self.plan.waits.propagation)
        return since, until

    def _verify(self, issued: IssuedUrl, edge: int) -> None:
        """Let the real verifier judge a URL in its first and in its last second."""
        since, until = self._required(issued, edge)
        for moment in (since, until - 1):
            if since <= moment < until:
                keys = self.world.edges.edge_keys(edge, moment)
                try:
                    Verifier(keys).verify(issued.url, now=int(moment + self.world.edge_skews[edge]))
                except Denied as denied:
                    raise Violation(f"An edge refused {issued}: {denied.reason}") from denied


def play(seed: int, plan: Plan, processes: list[Process]) -> None:
    """Play the schedule of a seed. Raise :exc:`Violation`, with what happened."""
    site = Site(plan, Random(seed), processes)
    try:
        site.play()
    except Violation as violation:
        story = "\n".join(site.world.log[-120:])
        raise Violation(f"{violation}\nSeed {seed}, {plan}\n{story}") from violation
