"""Test that each move can be taken up again by another machine, wherever a process died.

Modules: rotation/rotation.py
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.steps import advance, is_under_way
from cfsigned_django.rotation.store import RotationError
from tests.rotation import ECDSA, Site, die, fresh, seen_by_others
from tests.simulation.faults import Killed


def taken_out(site: Site) -> KeyPair:
    """Return a successor that a person removed from the group."""
    site.imported()
    key_pair = site.trusted(good_for=301)
    site.take_out(key_pair)
    return key_pair


def leaving(site: Site) -> KeyPair:
    """Return a former key whose last link has expired."""
    former = site.imported()
    site.activated()
    site.wait(3780)
    return fresh(former)


def alone(site: Site) -> KeyPair:
    """Return the only key of the group, which was revoked by hand."""
    active = site.imported()
    site.set_members(str(active))
    site.revoke(active, by_hand=True)
    return fresh(active)


#: Each move: what brings a site to it and returns the key pair, and what makes it on a machine.
MOVES: dict[str, tuple[Callable[[Site], KeyPair], Callable[..., object]]] = {
    "start": (
        Site.imported,
        lambda site, _, **machine: site.rotation(**machine).start(algorithm=ECDSA, now=site.now),
    ),
    "trust": (
        lambda site: [site.imported(), site.started()][1],
        lambda site, row, **machine: site.rotation(**machine).trust(row, now=site.now),
    ),
    "restore": (
        taken_out,
        lambda site, row, **machine: site.rotation(**machine).restore_missing([row], now=site.now),
    ),
    "activate": (
        lambda site: [site.imported(), site.trusted(good_for=301)][1],
        lambda site, row, **machine: site.rotation(**machine).activate(row, now=site.now),
    ),
    "retire": (leaving, Site.retire),
    "revoke": (Site.imported, Site.revoke),  # there is no successor yet
    "finish": (alone, Site.finish),
}


def finish(site: Site) -> None:
    """Do what is due on another machine, and move the clock, until the rotation is over."""
    rotation = site.rotation()
    for _ in range(40):
        try:
            done = advance(rotation, now=site.now)
        except (AwsError, RotationError):
            done = None
        if done is None:
            if not is_under_way(rotation):
                return
            site.wait(3781)
    raise AssertionError("The rotation does not come to its end.")


def die_at(site: Site, act: Callable[..., object], key_pair: KeyPair, number: int) -> bool:
    """Make a move whose process dies, with whatever is not committed; return whether it died.

    That is at the boundary with this number: before or after a call, or before a query that
    changes a row. Before any other query, all is as it is at the next boundary.
    """
    left = iter(range(number))

    def count(method: str, side: str) -> None:
        if next(left, None) is None:
            die()

    def count_query(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            count("query", "before")
        return execute(sql, *arguments)

    try:
        with connection.execute_wrapper(count_query):
            act(site, key_pair, boundary=count)
    except Killed:
        return True
    return False


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("move", MOVES)
def test_death_between_any_two_lines(move: str) -> None:
    """Wherever a process dies, another machine finishes, and leaves one key that signs.

    Deaths that leave the same behind are finished once.
    """
    begun, (bring, act) = Site(), MOVES[move]
    key_pair = bring(begun)
    rows = list(KeyPair.objects.all())
    foreign = begun.members & {begun.foreign}
    seen = []
    for number in itertools.count():
        site = copy.deepcopy(begun)
        has_died = die_at(site, act, copy.copy(key_pair), number)
        if (left := seen_by_others(site)) not in seen:
            seen.append(left)
            site.wait(61)
            if move != "finish":  # there, none signed before
                assert KeyPair.objects.filter(status=KeyStatus.ACTIVE).count() == 1
            finish(site)
            active = KeyPair.objects.get(status=KeyStatus.ACTIVE)
            assert site.members == {str(active), *foreign}
            assert site.public_keys == {str(active), site.foreign}
        if not has_died:
            break
        KeyPair.objects.all().delete()
        KeyPair.objects.bulk_create(rows)

    assert number >= (1 if move == "start" else 3)  # a start calls nothing
    assert len(seen) >= 2
