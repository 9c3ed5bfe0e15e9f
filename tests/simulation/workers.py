"""Sign in a simulated site: a process that hands out URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from cfsigned_django.keyring import Found, Keyring
from cfsigned_django.signing import HashAlgorithm, Signer
from tests.simulation.oracle import IssuedUrl
from tests.simulation.plan import SKEW

if TYPE_CHECKING:
    from tests.simulation.site import Site


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
            interval=lambda: self._site.plan.interval,
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
            self._site.world.note("A worker loses the database", "worker cut off")

    def sleep(self, seconds: float) -> None:
        """Let the machine sleep, in which its clock that never goes back stands still."""
        self._site.world.note(f"A worker sleeps for {seconds} s", "worker asleep")
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
            lease = self._keyring.lease("g", None, world.settings_signer)
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
    ) -> Found:
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
