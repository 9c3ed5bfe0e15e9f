"""Run one schedule: let its events happen to a site, and let the oracle judge all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from random import Random

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from cfsigned_django.core.keyring import Keyring, SigningState
from cfsigned_django.rotation.active import find_active_signer
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import HashAlgorithm, Signer
from tests.simulation.oracle import IssuedUrl, Rule, Violation, judge_urls
from tests.simulation.rotators import ObservedStore, Rotator
from tests.simulation.schedules import BUSY_KINDS, SKEW, Kind, Schedule
from tests.simulation.world import World


class Worker:
    """A process with its own clocks, which sometimes sleeps or loses the database."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._skew = site.world.random.choice((-SKEW, 0, SKEW))
        self._is_looking = False
        self.restart()

    def restart(self) -> None:
        """Begin anew: with a clock that begins at 0, and the database in reach."""
        if self._is_looking:
            return
        self._asleep = 0.0
        self._reachable_since = float("-inf")
        self._started = self._site.world.now
        self._looked_at = float("-inf")
        self._is_cut_off = False
        self._keyring = Keyring(
            self._find,
            interval=self._site.plan.interval,
            monotonic=lambda: self._site.world.now - self._started - self._asleep,
            wall=lambda: self._site.world.now + self._skew,
        )

    @property
    def old_at(self) -> float:
        """Return when what it knows will be older than one interval, by the true time."""
        return self._looked_at + self._site.plan.interval

    def lose_database(self) -> None:
        """Lose the database, or find it again.

        Cut off before its first look, it would have to take the settings' word.
        """
        was_cut_off, self._is_cut_off = self._is_cut_off, not self._is_cut_off
        if was_cut_off:
            self._reachable_since = self._site.world.now
            self._site.world.note("A worker has the database again")
        elif self._looked_at == float("-inf"):
            self._is_cut_off = False
        else:
            self._site.world.note("A worker loses the database")

    def sleep(self, seconds: float) -> None:
        """Put the machine to sleep, in which its clock that never goes back stands still."""
        self._site.world.note(f"A worker sleeps for {seconds} s")
        self._asleep += seconds
        self._site.world.pass_time(seconds)

    def sign(self) -> None:
        """Hand out a URL, as ``url()`` of a storage does."""
        site, world = self._site, self._site.world
        if self._is_looking and world.now > self._looked_at + 2 * site.plan.interval - 0.01:
            return  # another thread would wait here for the one that looks
        lifetime = site.waits.url_lifetime
        expire = world.random.choice((site.max_expire, 1 + world.random.randrange(lifetime)))
        now = int(world.now + self._skew)
        expires = now + min(expire, site.max_expire)
        if site.plan.expire_step:
            expires = -(-expires // site.plan.expire_step) * site.plan.expire_step
        try:
            asked_at = world.now
            lease = self._keyring.group("g", None).lease(world.settings_signer)
            if world.now == asked_at and not self._is_cut_off:
                site.oracle.see_lease(
                    lease.signer.key_pair_id,
                    since=self._reachable_since,
                    grace=2 * site.plan.interval,
                    now=world.now,
                )
            expires = lease.cap_expiry(expires, lifetime=lifetime, now=now)
        except ImproperlyConfigured:
            return
        if not world.is_calm and world.random.random() < 0.1:
            world.pass_time(world.random.choice((1, 100, 4000)))  # the process is held up
        url = lease.signer.sign_url("https://d.example/media/cat.jpg", date_less_than=expires)
        site.issue(
            IssuedUrl(
                url=url,
                key_pair_id=lease.signer.key_pair_id,
                issued_at=world.now,
                expires=expires,
            )
        )

    def _find(
        self, group: str, hash_algorithm: HashAlgorithm | None, known: Signer | None
    ) -> SigningState:
        site, world = self._site, self._site.world
        if self._is_cut_off:
            raise OperationalError("The simulated database is out of reach.")
        started = world.now
        found = site.committed
        if not world.is_calm and not self._is_looking and world.random.random() < 0.15:
            self._is_looking = True
            site.let_others_act()
            self._is_looking = False
        self._looked_at = started
        return found


class Site:
    """A site with its workers and rotators, in a world."""

    def __init__(self, schedule: Schedule) -> None:
        self.plan = plan = schedule.plan
        self.world = World(plan, Random(schedule.seed))
        self.oracle = self.world.oracle
        self.waits, self.max_expire = plan.waits, plan.max_expire
        #: Whether a rotator has run once since ``waits`` became longer.
        self.remembers_waits = True
        #: What the database says to anyone who asks: looked up after each commit.
        self.committed = SigningState(key_group_id="")
        self._schedule = schedule
        self._depth = 0
        self.workers = [Worker(self) for _ in range(plan.workers)]
        self.rotators = [Rotator(self, number) for number in range(plan.rotators)]
        self._kinds: dict[Kind, Callable[[], None]] = {
            Kind.NOTHING: lambda: None,
            Kind.SIGN: lambda: self._worker().sign(),
            Kind.ADVANCE: lambda: self._rotate(Rotator.advance),
            Kind.START: lambda: self._rotate(Rotator.start),
            Kind.IMPORT: lambda: self._rotate(Rotator.import_key),
            Kind.REVOKE: lambda: self._rotate(Rotator.revoke) if self.plan.revokes else None,
            Kind.NEXT: self._do_next,
            Kind.DUE: lambda: self._wait(self.due()),
            Kind.TICK: lambda: self.world.pass_time(self.world.random.choice((0.1, 1, 10))),
            Kind.RESTART: lambda: self._worker().restart(),
            Kind.CUT_OFF: lambda: self._worker().lose_database(),
            Kind.SLEEP: lambda: self._worker().sleep(self.world.random.choice((10, 700, 100_000))),
            Kind.API_DOWN: lambda: self.world.lose_api(self.world.random.choice((5, 60, 4000))),
            Kind.FOREIGN_IN: self.world.add_foreign_key,
            Kind.FOREIGN_OUT: self.world.remove_foreign_key,
            Kind.FULL: self.world.fill_group,
            Kind.TAKEN_OUT: self._meddle,
            Kind.CORRECT: self._correct,
            Kind.OPEN: self.world.open_or_close,
            Kind.LIFETIME: self._change_lifetime,
        }

    def play(self) -> None:
        """Play the whole schedule. Raise :exc:`Violation` where a rule did not hold."""
        random = self.world.random
        try:
            with self.world:
                self._begin()
                for event in self._schedule.events:
                    random.seed(event.seed)
                    self._kinds[event.kind]()
                random.seed(self._schedule.seed)
                finish(self)
        finally:
            for each in self.rotators:
                if each.process.is_held:
                    each.process.resume(kill=True)
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
        self.world.note(f"URL of {issued.key_pair_id} until {issued.expires}")

    def see_moves(self, store: ObservedStore) -> None:
        """Pass on what was just committed."""
        world, moves, signed = self.world, store.moves, self.committed.signer
        for each in moves:
            world.note(f"  {each} is {each.status}")
        with world.apart():
            self.oracle.see_moves(
                moves,
                world.now,
                activating=store.rotator.activating,
                slowest_edge=-min(world.edge_skews),
            )
            rows = KeyPair.objects.order_by().values_list("status", "encrypted_private_key")
            self.oracle.see_committed(list(rows))
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
        """Make a commit take long, during which others see what was there before."""
        world = self.world
        if world.is_calm or world.random.random() > 0.3:
            return
        with world.apart():
            world.is_committing = True
            world.note("  a commit takes long")
            for _ in range(2):
                world.pass_time(world.random.choice((0, 5, 200)))
                world.random.choice(self.workers).sign()
            world.is_committing = False

    def let_others_act(self) -> None:
        """Move the clock and let others act, while a caller waits for an answer."""
        if self._depth < 2:
            self._depth += 1
            for _ in range(2):
                self._kinds[self.world.random.choice(BUSY_KINDS)]()
            self._depth -= 1

    # What a schedule names: each is done as far as it is possible

    def _worker(self) -> Worker:
        return self.world.random.choice(self.workers)

    def _rotate(self, program: Callable[[Rotator], None]) -> None:
        """Run a program of a rotator, or go on with its own, or make it die."""
        world = self.world
        if world.is_committing:
            return
        rotator = world.random.choice(self.rotators)
        if rotator.process.is_held:
            world.run(rotator.process, None, kill=world.random.random() < 0.1)
        else:
            world.run(rotator.process, lambda: program(rotator), kill=False)

    def _do_next(self) -> None:
        self._wait(self.steps_due())
        self._rotate(Rotator.advance)

    def _wait(self, moments: list[float]) -> None:
        """Move the clock to just before or after one of the moments, often the next one."""
        world, random = self.world, self.world.random
        due = sorted(moment for moment in moments if moment > world.now)
        if due:
            moment = random.choice((due[0], random.choice(due)))
            moment += random.choice((-1, -0.01, 0, 0.01, 0.5, 1))
            world.pass_time(max(0, moment - world.now))

    def _change_lifetime(self) -> None:
        """Lower AWS_CLOUDFRONT_MAX_EXPIRE, or raise it again, and restart everything.

        It is lowered only where the database knows how long the URLs may live
        that are out: not while a key of the settings signs that is not
        imported, nor before a rotator has run once since it was raised.
        """
        if any(each.process.is_held for each in self.rotators):
            return
        if self.max_expire == self.plan.max_expire:
            if self.committed.signer is None or not self.remembers_waits:
                return
            self.max_expire = 10
        else:
            self.max_expire = self.plan.max_expire
            self.remembers_waits = False
        lifetime = self.max_expire + self.plan.expire_step
        self.waits = replace(self.waits, url_lifetime=lifetime)
        self.world.note(f"URLs live for {lifetime} s at most from now on")
        for worker in self.workers:
            worker.restart()

    def _meddle(self) -> None:
        """Take our TRUSTED key out of the group, as a person may.

        Not while somebody lets it sign: what happens between the last look
        and the commit, no code can know.
        """
        row = KeyPair.objects.filter(status=KeyStatus.TRUSTED).first()
        is_activating = any(each.activating for each in self.rotators)
        if row is not None and str(row) in self.world.foreign:
            return  # under a wrong id
        if self.plan.meddles and row is not None and not is_activating:
            self.world.note(f"{row} is taken out by hand")
            self.world.take_out(str(row))

    def _correct(self) -> None:
        """Give an id as a person does, unless keys are revoked by hand: then it must be right."""
        if self.plan.meddles and not self.plan.revokes:
            self._rotate(Rotator.correct)

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
    """Do with one rotator what is left to do, while time passes; judge what is there then."""
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
        if not _is_under_way():
            break
        due = [moment for moment in site.steps_due() if moment > world.now]
        world.pass_time(max(1, min(due, default=world.now + 61) - world.now) + 1)
    else:
        raise Violation(Rule.ENDS, "The rotation does not come to its end.")
    _judge_leftovers(world)


def _is_under_way() -> bool:
    return any(
        row.status in (KeyStatus.PENDING, KeyStatus.TRUSTED, KeyStatus.RETIRING)
        or (row.status == KeyStatus.REVOKED and row.removed_at is None)
        for row in KeyPair.objects.all()
    )


def _judge_leftovers(world: World) -> None:
    """Check that CloudFront has the keys that are in use, and those of others."""
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


def play(schedule: Schedule) -> None:
    """Play a schedule. Raise :exc:`Violation`, with what happened."""
    site = Site(schedule)
    try:
        site.play()
    except Violation as violation:
        story = "\n".join(site.world.log)
        raise Violation(
            violation.rule, f"{violation.text}\n{schedule.plan}\nThe story:\n{story}"
        ) from violation
