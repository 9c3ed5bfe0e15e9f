"""Test how a key begins to sign, and how the one before it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cfsigned_django.rotation.errors import Blocked, Claimed, ProbeFailed, RotationError, Unanswered
from cfsigned_django.rotation.lifecycle import Cause
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.steps import Action, Step, take
from tests.rotation import Site, fresh, statuses


def test_one_signs_and_the_other_retires(key_group: Site) -> None:
    """The successor becomes ACTIVE and the former RETIRING in one move."""
    former = key_group.imported()

    key_pair = key_group.activated()

    assert statuses() == {str(former): "retiring", str(key_pair): "active"}
    assert fresh(former).retiring_at == key_group.now
    assert key_group.members == {key_group.foreign, str(former), str(key_pair)}


def test_key_waits_until_every_edge_knows_it(key_group: Site) -> None:
    """A key that has worked for less than the propagation time does not sign."""
    key_pair = key_group.trusted(good_for=299)

    with pytest.raises(Blocked, match="may not become ACTIVE yet") as caught:
        key_group.rotation().activate(key_pair, now=key_group.now)

    assert [each.cause for each in caught.value.blockers] == [Cause.PROPAGATION]


def test_clock_of_the_caller_cannot_shorten_the_wait(key_group: Site) -> None:
    """A caller whose clock is ahead waits as the database's clock says."""
    key_pair = key_group.trusted(good_for=10)

    with pytest.raises(Blocked):
        key_group.rotation().activate(key_pair, now=key_group.now + timedelta(hours=1))


def test_key_that_was_taken_out_waits_again(key_group: Site) -> None:
    """Somebody took the key out: it is put back, and does not sign before its time."""
    former = key_group.imported()
    key_pair = key_group.trusted(good_for=301)
    key_group.set_members(key_group.foreign, str(former))

    with pytest.raises(RotationError, match="It is in it again, and its waiting time begins anew"):
        key_group.rotation().activate(key_pair, now=key_group.now)

    assert statuses() == {str(former): "active", str(key_pair): "trusted"}
    assert str(key_pair) in key_group.members


def test_two_machines_activate_once(key_group: Site) -> None:
    """Who comes second, with a row read before, is told and changes nothing."""
    key_group.imported()
    key_pair = key_group.trusted(good_for=301)
    seen = fresh(key_pair)
    key_group.rotation().activate(key_pair, now=key_group.now)

    with pytest.raises(Claimed):
        key_group.rotation().activate(seen, now=key_group.now)

    assert [each for each in key_group.moves if each[1] == "active"][1:] == [
        (str(key_pair), "active")
    ]


def test_retirement_waits_for_the_last_link(key_group: Site) -> None:
    """A RETIRING key stays until the last link that any process may have signed has expired."""
    former = key_group.imported()
    key_group.activated()
    key_group.wait(3779)

    with pytest.raises(Blocked, match=f"{former} may not become RETIRED yet"):
        key_group.rotation().retire(fresh(former), now=key_group.now)

    assert str(former) in key_group.members


def test_retired_key_leaves_nothing_behind(key_group: Site) -> None:
    """A retired key is out of the group, deleted, and its private half erased."""
    former = key_group.imported()
    key_pair = key_group.activated()
    key_group.wait(3780)

    key_group.rotation().retire(fresh(former), now=key_group.now)

    row = fresh(former)
    assert (row.status, row.encrypted_private_key) == ("retired", "")
    assert row.retired_at == row.removed_at == key_group.now
    assert key_group.members == {key_group.foreign, str(key_pair)} == key_group.public_keys


def test_retirement_puts_the_signing_key_back_first(key_group: Site) -> None:
    """Where somebody took the ACTIVE key out, the former is not the last one in the group."""
    former = key_group.imported()
    key_pair = key_group.activated()
    key_group.wait(3780)
    key_group.set_members(str(former))

    key_group.rotation().retire(fresh(former), now=key_group.now)

    assert key_group.members == {str(key_pair)}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (ProbeResult.WRONG_KEY, ProbeFailed),
        (ProbeResult.REFUSED, ProbeFailed),
        (ProbeResult.UNRESTRICTED, ProbeFailed),
        (ProbeResult.UNKNOWN_KEY, Blocked),
        (ProbeResult.NO_ANSWER, Unanswered),
    ],
)
def test_last_probe_is_the_engines(
    key_group: Site, answer: ProbeResult, error: type[RotationError]
) -> None:
    """Whoever activates a key, CloudFront must answer one more probe well before it signs."""
    former = key_group.imported()
    key_pair = key_group.trusted(good_for=301)
    key_group.answer = answer

    with pytest.raises(error):
        key_group.rotation().activate(key_pair, now=key_group.now)

    assert statuses() == {str(former): "active", str(key_pair): "trusted"}
    waits_anew = answer is not ProbeResult.NO_ANSWER
    assert (fresh(key_pair).verified_since is None) is waits_anew


def test_group_is_read_once(key_group: Site) -> None:
    """One look at the key group is enough to let a key sign, and to check one."""
    key_group.imported()
    key_pair = key_group.trusted(good_for=301)
    calls: list[str] = []

    def note(method: str, side: str) -> None:
        if side == "before":
            calls.append(method)

    rotation = key_group.rotation(boundary=note)
    step = Step(action=Action.CHECK, key_pair=key_pair)
    take(rotation, step, now=key_group.now)
    checked, calls[:] = list(calls), []
    rotation.activate(key_pair, now=key_group.now)

    assert checked == calls == ["get_key_group"]
