"""Let what a schedule names happen to a site."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from tests.simulation.rotators import Rotator
from tests.simulation.schedules import Kind
from tests.simulation.workers import Worker

if TYPE_CHECKING:
    from tests.simulation.site import Site


class Happenings:
    """What may happen to a site: each kind of event, by chance in its particulars."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world
        self._plan = site.plan
        self._kinds: dict[Kind, Callable[[], None]] = {
            Kind.NOTHING: lambda: None,
            Kind.SIGN: lambda: self._worker().sign(),
            Kind.ADVANCE: lambda: self._rotate(Rotator.advance),
            Kind.START: lambda: self._rotate(Rotator.start),
            Kind.IMPORT: lambda: self._rotate(Rotator.import_key),
            Kind.REVOKE: lambda: self._rotate(Rotator.revoke) if self._plan.revokes else None,
            Kind.NEXT: self._do_next,
            Kind.DUE: lambda: self._wait(self._site.due()),
            Kind.TICK: lambda: self._world.pass_time(self._world.random.choice((0.1, 1, 10))),
            Kind.RESTART: lambda: self._worker().restart(),
            Kind.CUT_OFF: lambda: self._worker().lose_database(),
            Kind.SLEEP: lambda: self._worker().sleep(self._world.random.choice((10, 700, 100_000))),
            Kind.API_DOWN: lambda: self._world.lose_api(self._world.random.choice((5, 60, 4000))),
            Kind.FOREIGN_IN: self._world.add_foreign_key,
            Kind.FOREIGN_OUT: self._world.remove_foreign_key,
            Kind.FULL: self._world.fill_group,
            Kind.TAKEN_OUT: self._meddle,
            Kind.CORRECT: self._correct,
            Kind.OPEN: self._world.open_or_close,
            Kind.LIFETIME: self._change_lifetime,
        }

    def happen(self, kind: Kind) -> None:
        """Let an event of this kind happen, as far as it can."""
        self._kinds[kind]()

    def _worker(self) -> Worker:
        return self._world.random.choice(self._site.workers)

    def _rotate(self, program: Callable[[Rotator], None]) -> None:
        """Let a rotator run a program, or go on with its own, or die in it."""
        world = self._world
        if world.is_committing:
            return
        rotator = world.random.choice(self._site.rotators)
        if rotator.process.is_held:
            world.run(rotator.process, None, kill=world.random.random() < 0.1)
        else:
            world.run(rotator.process, lambda: program(rotator), kill=False)

    def _do_next(self) -> None:
        self._wait(self._site.steps_due())
        self._rotate(Rotator.advance)

    def _wait(self, moments: list[float]) -> None:
        """Let time pass until just before or after one of the moments, often the next one."""
        world, random = self._world, self._world.random
        due = sorted(moment for moment in moments if moment > world.now)
        if due:
            moment = random.choice((due[0], random.choice(due)))
            moment += random.choice((-1, -0.01, 0, 0.01, 0.5, 1))
            world.pass_time(max(0, moment - world.now))

    def _change_lifetime(self) -> None:
        """Let somebody lower AWS_CLOUDFRONT_MAX_EXPIRE, or raise it again, and restart everything.

        It is lowered only where the database knows how long the URLs may live
        that are out: not while a key of the settings signs that is not
        imported, nor before a rotator has run once since it was raised.
        """
        site = self._site
        if not self._is_idle():
            return
        if site.max_expire == self._plan.max_expire:
            if site.committed.signer is None or not site.remembers_waits:
                return
            site.max_expire = 10
        else:
            site.max_expire = self._plan.max_expire
            site.remembers_waits = False
        lifetime = site.max_expire + self._plan.expire_step
        site.waits = replace(site.waits, url_lifetime=lifetime)
        self._world.note(f"URLs live for {lifetime} s at most from now on", "other lifetime")
        for worker in site.workers:
            worker.restart()

    def _meddle(self) -> None:
        """Let a person take our TRUSTED key out of the group.

        Not while somebody lets it sign: what happens between the last look
        and the commit, no code can know.
        """
        row = KeyPair.objects.filter(status=KeyStatus.TRUSTED).first()
        is_activating = any(each.is_activating for each in self._site.rotators)
        if row is not None and str(row) in self._world.foreign:
            return  # under a wrong id
        if self._plan.meddles and row is not None and not is_activating:
            self._world.note(f"{row} is taken out by hand", "taken out by hand")
            members = [each for each in self._world.members() if each != str(row)]
            if members:  # CloudFront keeps the last one
                self._world.set_members(members)

    def _correct(self) -> None:
        """Let a person give an id, unless keys are revoked by hand: then it must be right."""
        if self._plan.meddles and not self._plan.revokes:
            self._rotate(Rotator.correct)

    def _is_idle(self) -> bool:
        return not any(each.process.is_held for each in self._site.rotators)
