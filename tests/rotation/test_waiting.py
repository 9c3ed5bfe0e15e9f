"""Test the words for what key pairs wait for, and for what a person has to do."""

from __future__ import annotations

import pytest
from django.utils import timezone

from cfsigned_django.rotation.status import find_manual_steps, find_waits
from cfsigned_django.rotation.steps import advance, next_due
from tests.rotation import Site


def words(key_group: Site, *, by_hand: bool = False) -> list[str]:
    """Return what the key pairs wait for now."""
    rotation = key_group.rotation(by_hand=by_hand)
    return [each.what for each in find_waits(rotation, now=key_group.now)]


def test_wait_for_the_first_probe(key_group: Site) -> None:
    """A key that no edge has served yet has no time at which it signs."""
    key_pair = key_group.trusted()
    key_group.wait(40)

    assert words(key_group) == [
        f"{key_pair} has been TRUSTED for 40 s, but CloudFront has not yet served a probe that is "
        "signed with it."
    ]


@pytest.mark.parametrize(("minutes", "asks"), [(14, False), (15, True)])
def test_long_wait_asks_for_its_causes(key_group: Site, minutes: int, asks: bool) -> None:
    """After a quarter of an hour the words name what may keep a probe from being served."""
    key_group.trusted()
    key_group.wait(minutes * 60)

    assert ("Does the cache behavior for all files trust" in words(key_group)[0]) is asks


def test_wait_for_propagation(key_group: Site) -> None:
    """A key that works has a time at which it signs, in the time zone of the site."""
    with timezone.override("Asia/Seoul"):
        key_pair = key_group.trusted(good_for=180)
        (wait,) = find_waits(key_group.rotation(), now=key_group.now)

    assert wait.what == (
        f"{key_pair} has been TRUSTED for 3 min; it signs at 21:05:00, when it has worked for "
        "5 min."
    )
    assert wait.until is not None
    assert wait.until.isoformat() == "2026-05-04T12:05:00+00:00"


def test_wait_for_the_last_link(key_group: Site) -> None:
    """A key that retires has a time at which it may go."""
    with timezone.override("Asia/Seoul"):
        former = key_group.imported()
        key_group.activated()
        (what,) = words(key_group)

    assert what == (
        f"{former} no longer signs; it may go at 22:08:01, when the last link that it signed has "
        "expired."
    )


def test_person_has_to_create_the_key(key_group: Site) -> None:
    """By hand, a PENDING key waits for its id; nothing is due."""
    key_group.imported()
    key_pair = key_group.started()
    rotation = key_group.rotation(by_hand=True)

    assert words(key_group, by_hand=True) == [
        f"{key_pair} waits for its id: create its public key in CloudFront."
    ]
    assert next_due(rotation, now=key_group.now) is None
    assert advance(rotation, now=key_group.now) is None
    assert find_manual_steps(rotation, now=key_group.now) == []


def test_person_has_to_take_keys_out(key_group: Site) -> None:
    """By hand, a person is told what to take out of CloudFront, and why."""
    former, leaked = key_group.imported(), key_group.activated()
    key_group.rotation(by_hand=True).revoke(leaked, now=key_group.now, reason="")
    key_group.wait(3780)

    chores = find_manual_steps(key_group.rotation(by_hand=True), now=key_group.now)

    what = {each.key_pair: each.what for each in chores}
    assert what[former].startswith(f"The last link that {former} signed has expired: remove the")
    assert what[leaked].startswith(f"{leaked} is revoked: remove it from the key group in")
    assert find_manual_steps(key_group.rotation(), now=key_group.now) == []
