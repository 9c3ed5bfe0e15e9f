"""Judge every URL of a schedule that is over: from its first moment to its last, at every edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cfsigned_django.signing import Denied, Verifier
from tests.simulation.edges import Edges
from tests.simulation.oracle import IssuedUrl, Rule, Violation

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """An edge, or the API as if it were one that learns at once."""

    name: str
    edges: Edges
    number: int
    #: By how many seconds its clock goes before.
    skew: int


def judge_urls(world: World) -> None:
    """See that each URL was accepted by each edge, and by what the API had, all the time.

    When an edge knows a key is asked for the whole time; the real verifier is
    asked at the first and at the last second of it.
    """
    views = [_View(name="the API", edges=world.api, number=0, skew=0)]
    for number, skew in enumerate(world.edge_skews):
        views.append(_View(name=f"edge {number}", edges=world.edges, number=number, skew=skew))
    for issued in world.oracle.urls:
        for view in views:
            _judge_url(world, issued, view)
        _verify(world, issued, world.random.choice(views))


def _judge_url(world: World, issued: IssuedUrl, view: _View) -> None:
    since, until = _required(world, issued, view)
    if since >= until:
        return
    times = view.edges.times_known(view.number, issued.key_pair_id)
    if not any(start <= since and until <= end for start, end in times):
        raise Violation(
            Rule.URLS_WORK,
            f"A URL of {issued.key_pair_id}, issued at {issued.issued_at}, must work from "
            f"{since} to {until}, but {view.name} knows its key in {times}.",
        )


def _required(world: World, issued: IssuedUrl, view: _View) -> tuple[float, float]:
    """Return from when till when, by the true time, a URL must be accepted."""
    oracle, name = world.oracle, issued.key_pair_id
    since = issued.issued_at
    until = float(issued.expires - view.skew)
    if name in oracle.revoked_at:
        until = min(until, oracle.revoked_at[name])
    if name in oracle.hasty:
        since = max(since, oracle.member_since.get(name, until) + world.plan.waits.propagation)
    return since, until


def _verify(world: World, issued: IssuedUrl, view: _View) -> None:
    since, until = _required(world, issued, view)
    for moment in {since, until - 1}:
        if since <= moment < until:
            keys = view.edges.edge_keys(view.number, moment)
            try:
                Verifier(keys).verify(issued.url, now=int(moment + view.skew))
            except Denied as denied:
                raise Violation(
                    Rule.URLS_WORK, f"{view.name} refused {issued}: {denied.reason}"
                ) from denied
