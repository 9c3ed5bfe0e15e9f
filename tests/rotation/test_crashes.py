"""Test that each move can be taken up again by another machine, wherever a process died."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest
from django.db import connection

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.errors import RotationError
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.steps import advance, is_under_way
from tests.rotation import ECDSA, Site, fresh
from tests.simulation.faults import Killed

Move: TypeAlias = Callable[[Site], Callable[[Rotation], object]]


def start(site: Site) -> Callable[[Rotation], object]:
    """Begin a rotation."""
    site.imported()
    return lambda rotation: rotation.start(algorithm=ECDSA, now=site.now)


def trust(site: Site) -> Callable[[Rotation], object]:
    """Bring the successor into the group."""
    site.imported()
    key_pair = site.started()
    return lambda rotation: rotation.trust(key_pair, now=site.now)


def restore(site: Site) -> Callable[[Rotation], object]:
    """Put a successor back that somebody took out."""
    active = site.imported()
    key_pair = site.trusted(good_for=301)
    site.set_members(site.foreign, str(active))
    return lambda rotation: rotation.restore_missing([key_pair], now=site.now)


def activate(site: Site) -> Callable[[Rotation], object]:
    """Let the successor sign."""
    site.imported()
    key_pair = site.trusted(good_for=301)
    return lambda rotation: rotation.activate(key_pair, now=site.now)


def retire(site: Site) -> Callable[[Rotation], object]:
    """Take the former key out."""
    former = site.imported()
    site.activated()
    site.wait(3780)
    return lambda rotation: rotation.retire(fresh(former), now=site.now)


def revoke(site: Site) -> Callable[[Rotation], object]:
    """Revoke the signing key, for which there is no successor yet."""
    active = site.imported()
    return lambda rotation: rotation.revoke(active, now=site.now, reason="leaked")


def revoke_the_only_key(site: Site) -> Callable[[Rotation], object]:
    """Take the only key of the group out, which was revoked by hand."""
    active = site.imported()
    site.set_members(str(active))
    site.rotation(by_hand=True).revoke(active, now=site.now, reason="leaked")
    return lambda rotation: rotation.finish_revocation(fresh(active), now=site.now)


MOVES: list[Move] = [start, trust, restore, activate, retire, revoke, revoke_the_only_key]


class Death:
    """Ends the process at the boundary with this number: before or after a call, or a query."""

    def __init__(self, number: int) -> None:
        self._left = number

    def at_call(self, method: str, side: str) -> None:
        """Count a boundary of a call."""
        if self._left == 0:
            raise Killed
        self._left -= 1

    def at_query(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        """Count a boundary before a query."""
        self.at_call("query", "before")
        return execute(*arguments)


@contextmanager
def deadly(site: Site, number: int) -> Iterator[Rotation]:
    """Give a rotation whose process dies at a boundary, with whatever is not committed."""
    death = Death(number)
    with connection.execute_wrapper(death.at_query):
        yield site.rotation(boundary=death.at_call)


def finish(site: Site) -> None:
    """Let another machine do what is due, and time pass, until the rotation is over."""
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


def die_at(move: Move, number: int) -> bool:
    """Die at a boundary of a move, finish elsewhere, judge what is left; tell whether it died."""
    KeyPair.objects.all().delete()
    site = Site()
    perform = move(site)
    try:
        with deadly(site, number) as rotation:
            perform(rotation)
        has_died = False
    except Killed:
        has_died = True
    site.wait(61)
    if move is not revoke_the_only_key:  # there, none signed before
        assert KeyPair.objects.filter(status=KeyStatus.ACTIVE).count() == 1
    finish(site)
    active = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    others = set() if move is revoke_the_only_key else {site.foreign}
    assert site.members == {str(active), *others}
    assert site.public_keys == {str(active), site.foreign}
    return has_died


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
def test_death_between_any_two_lines(move: Move) -> None:
    """Whoever dies where, another machine finishes, and leaves one key that signs and no other."""
    number = 0
    while die_at(move, number):
        number += 1

    assert number > 3
