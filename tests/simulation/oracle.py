"""Judge a simulated schedule: whether the invariants of lifecycle.py held at every instant.

It knows what happened, by the true time, and none of the rules by which the
code decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from cfsigned_django.rotation.lifecycle import ENDED, KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import Denied, Verifier

if TYPE_CHECKING:
    from tests.simulation.world import World


class Rule(StrEnum):
    """Name what must hold: the invariants of lifecycle.py, and what else a rotation promises."""

    URLS_WORK = "1: every URL works until it expires"
    ONE_ACTIVE = "2: at most one key pair is ACTIVE"
    KNOWN_FIRST = "3: a key signs once CloudFront has known it for the propagation time"
    URLS_FIRST = "4: a key is retired after its last URL has expired"
    NO_TRACES = "5: nothing is created twice, lost, left over, or taken from others"
    ENDS = "5: every rotation comes to its end"
    ONCE = "6: each step is done once"
    STOPS = "a key that was replaced or revoked soon signs no more"
    ERASED = "the private half of a key that is over is erased"
    REPLACED = "where the key that signs is revoked, another one signs from then on"


class Violation(AssertionError):
    """Report that a rule did not hold."""

    def __init__(self, rule: Rule, text: str) -> None:
        super().__init__(f"({rule.value}) {text}")
        self.rule, self.text = rule, text


class IssuedUrl(NamedTuple):
    """A URL as a viewer got it; moments are true Unix seconds."""

    url: str
    key_pair_id: str
    issued_at: float
    #: The expiry that stands in it.
    expires: int


class Oracle:
    """Follow what happens to keys; raise :exc:`Violation` for what must not happen."""

    def __init__(self, propagation: int) -> None:
        self._propagation = propagation
        self.urls: list[IssuedUrl] = []
        #: Since when the API has had a key in the group, without a break.
        self.member_since: dict[str, float] = {}
        #: When the last probe was sent that was refused, once that is recorded.
        self._refused_at: dict[UUID, float] = {}
        #: Since when probes were good, as far as is known, and for which keys any was.
        self._verified_since: dict[str, float] = {}
        self._ever_good: set[str] = set()
        #: When a key was revoked: its URLs may be refused from then on.
        self.revoked_at: dict[str, float] = {}
        #: Keys that signed at once, since another was revoked: their URLs may
        #: be refused until every edge knows them.
        self.hasty: set[str] = set()
        self._stopped_at: dict[str, float] = {}
        self._moves: Counter[tuple[UUID, str]] = Counter()
        #: Under which name a key was seen last.
        self._names: dict[UUID, str] = {}
        self._steps: dict[UUID, tuple[object, float]] = {}
        #: What each process is at, innermost last, and who has renewed its claim since a call.
        self._inside: dict[object, list[UUID]] = {}
        self._renewed: set[object] = set()

    def see_members(self, members: set[str], foreign: Iterable[str], now: float) -> None:
        """Learn what the API has in the group now, and what of it belongs to others."""
        for gone in self.member_since.keys() - members:
            del self.member_since[gone]
            self._verified_since.pop(gone, None)
        for key_pair_id in members:
            self.member_since.setdefault(key_pair_id, now)
        if lost := set(foreign) - members:
            raise Violation(Rule.NO_TRACES, f"Keys of others are out of the group: {lost}.")

    def see_good(self, name: str, now: float) -> None:
        """Learn that a probe was good, whether or not that will be recorded."""
        self._ever_good.add(name)
        self._verified_since.setdefault(name, now)

    def see_refused(self, key_pair: KeyPair, asked_at: float) -> None:
        """Learn that a refused probe was recorded, which was sent at this moment."""
        self._refused_at[key_pair.pk] = max(asked_at, self._refused_at.get(key_pair.pk, -inf))

    def see_moves(
        self, moves: list[KeyPair], now: float, *, activating: list[KeyPair], slowest_edge: int
    ) -> None:
        """Judge the moves of a transaction that is committed.

        A key signs either since it is its time, as those do that are
        ``activating``, or at once since another was revoked. ``slowest_edge``
        is by how many seconds an edge's clock goes wrong backwards: there a
        URL expires latest.
        """
        for key_pair in moves:
            name = str(key_pair)
            if self._names.get(key_pair.pk, name) != name and key_pair.status == KeyStatus.TRUSTED:
                self._moves[key_pair.pk, key_pair.status] -= 1  # a person gives another id
            self._names[key_pair.pk] = name
            self._moves[key_pair.pk, key_pair.status] += 1
            if self._moves[key_pair.pk, key_pair.status] > 1:
                raise Violation(Rule.ONCE, f"{key_pair} became {key_pair.status} twice.")
            if key_pair.status != KeyStatus.REVOKED:
                # Who is at a step of its former state finds that out before the next call.
                self._steps.pop(key_pair.pk, None)
            match KeyStatus(key_pair.status):
                case KeyStatus.REVOKED:
                    self.revoked_at[name] = now
                    self._stopped_at.setdefault(name, now)
                case KeyStatus.RETIRING:
                    self._stopped_at[name] = now
                case KeyStatus.RETIRED:
                    self._judge_retirement(name, now, slowest_edge)
                case KeyStatus.ACTIVE if key_pair.trusted_at is not None:
                    if key_pair not in activating and self.revoked_at:
                        self.hasty.add(name)
                    else:
                        self._judge_activation(key_pair, now)
                case _other:
                    pass

    def _judge_activation(self, key_pair: KeyPair, now: float) -> None:
        since = self.member_since.get(str(key_pair))
        if since is None or now < since + self._propagation:
            raise Violation(
                Rule.KNOWN_FIRST, f"{key_pair} signs, in the group since {since}, now {now}."
            )
        if str(key_pair) not in self._ever_good:
            raise Violation(Rule.KNOWN_FIRST, f"{key_pair} signs, and no probe was good.")
        verified_since = self._verified_since.get(str(key_pair), -inf)
        if now < verified_since + self._propagation:
            raise Violation(
                Rule.KNOWN_FIRST,
                f"{key_pair} signs {now - verified_since} s after its first good probe.",
            )
        refused_at = self._refused_at.get(key_pair.pk, -inf)
        if now < refused_at + self._propagation:
            raise Violation(
                Rule.KNOWN_FIRST, f"{key_pair} signs {now - refused_at} s after a refused probe."
            )

    def _judge_retirement(self, name: str, now: float, slowest_edge: int) -> None:
        for issued in self.urls:
            if issued.key_pair_id == name and now < issued.expires + slowest_edge:
                raise Violation(
                    Rule.URLS_FIRST, f"{name} is retired, but its URL lives until {issued.expires}."
                )

    def see_committed(self, rows: Iterable[tuple[str, str]]) -> None:
        """Judge what the database holds after a commit: the states and encrypted private keys."""
        found = Counter(status for status, _ in rows)
        if found[KeyStatus.ACTIVE] > 1:
            raise Violation(Rule.ONE_ACTIVE, f"The key pairs are {found}.")
        if found[KeyStatus.PENDING] + found[KeyStatus.TRUSTED] > 1:
            raise Violation(Rule.ONCE, f"The key pairs are {found}.")
        if any(private_key and status in ENDED for status, private_key in rows):
            raise Violation(Rule.ERASED, "A key is over, and its private half is still there.")

    def see_lease(self, key_pair_id: str, *, since: float, grace: float, now: float) -> None:
        """Judge that a worker signs with a key.

        It has been able to ask the database ``since`` then, and may use an
        answer for ``grace`` seconds.
        """
        stopped_at = self._stopped_at.get(key_pair_id, inf)
        # Clocks are read as floats of which differences are taken.
        if now > max(stopped_at, since) + grace + 0.001:
            raise Violation(
                Rule.STOPS, f"{key_pair_id} signs {now - stopped_at} s after it was to stop."
            )

    def begin_step(self, key: UUID, process: object) -> None:
        """Learn that a process is at the step of a key."""
        self._inside.setdefault(process, []).append(key)

    def hold_step(self, process: object, until: float, now: float) -> None:
        """Learn until when a process has the step to itself that it is at."""
        key = self._inside[process][-1]
        other, others_until = self._steps.get(key, (process, now))
        # Less a millisecond: the database counts microseconds, and rounds.
        if other is not process and now < others_until - 0.001:
            raise Violation(Rule.ONCE, "Two processes are at the same step.")
        self._steps[key] = (process, until)
        self._renewed.add(process)

    def see_change(self, process: object) -> None:
        """Learn that a process is about to change something in CloudFront."""
        if self._inside.get(process) and process not in self._renewed:
            raise Violation(Rule.ONCE, "A process does not look whether the step is still its own.")
        self._renewed.discard(process)

    def end_step(self, process: object) -> None:
        """Learn that a process is done with the step, or dead."""
        key = self._inside[process].pop()
        if self._steps.get(key, (None, 0))[0] is process:
            del self._steps[key]


# URLs, once a schedule is over: from the first moment of each to its last, at every edge


def judge_urls(world: World) -> None:
    """Check that each URL was accepted by each edge, and by what the API had, all the time.

    When an edge knows a key is asked for the whole time; the real verifier is
    asked at the first and at the last second of it.
    """
    edges = range(len(world.edge_skews))
    for issued in world.oracle.urls:
        for edge in edges:
            _judge_url(world, issued, edge)
        _verify(world, issued, world.random.choice(edges))


def _judge_url(world: World, issued: IssuedUrl, edge: int) -> None:
    since, until = _required(world, issued, edge)
    if not world.edges.knows(edge, issued.key_pair_id, since, until):
        times = world.edges.times_known(edge, issued.key_pair_id)
        raise Violation(
            Rule.URLS_WORK,
            f"A URL of {issued.key_pair_id}, issued at {issued.issued_at}, must work from "
            f"{since} to {until}, but edge {edge} (0 is the API) knows its key in {times}.",
        )


def _required(world: World, issued: IssuedUrl, edge: int) -> tuple[float, float]:
    """Return from when till when, by the true time, a URL must be accepted."""
    oracle, name = world.oracle, issued.key_pair_id
    since = issued.issued_at
    until = min(issued.expires - world.edge_skews[edge], oracle.revoked_at.get(name, inf))
    if name in oracle.hasty:
        since = max(since, oracle.member_since.get(name, until) + world.plan.waits.propagation)
    return since, until


def _verify(world: World, issued: IssuedUrl, edge: int) -> None:
    since, until = _required(world, issued, edge)
    for moment in {since, until - 1}:
        if since <= moment < until:
            keys = world.edges.edge_keys(edge, moment)
            try:
                Verifier(keys).verify(issued.url, now=int(moment + world.edge_skews[edge]))
            except Denied as denied:
                raise Violation(
                    Rule.URLS_WORK, f"Edge {edge} refused {issued}: {denied.reason}"
                ) from denied
