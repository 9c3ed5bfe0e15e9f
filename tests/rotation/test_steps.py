"""Test the choice of the next step, and what becomes of one that fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

import pytest
from django.utils import timezone
from pytest_django import Settings

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.errors import (
    Blocked,
    Claimed,
    ProbeFailed,
    RotationError,
    Unanswered,
    Unfinished,
    will_pass,
)
from cfsigned_django.rotation.lifecycle import Blocker, Cause, KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.settings_key import ConfiguredKey
from cfsigned_django.rotation.status import find_overdue, find_waits
from cfsigned_django.rotation.steps import (
    Action,
    SignsAfter,
    Step,
    advance,
    due,
    is_under_way,
    next_due,
    take,
    what_signs_after,
)
from tests.rotation import ECDSA, RSA, Site, fresh
from tests.simulation.faults import Fault


def test_whole_rotation(key_group: Site) -> None:
    """Each step is done in its time, and a dry run says before what each would do."""
    former = key_group.imported()
    key_pair = key_group.rotation().start(algorithm=RSA, now=key_group.now)
    rotation = key_group.rotation()
    story: list[tuple[str | None, str | None]] = []

    for seconds in (0, 0, 1, 301, 0, 3779, 2, 0):
        key_group.wait(seconds)
        due = next_due(rotation, now=key_group.now)
        story.append((due, advance(rotation, now=key_group.now)))

    name, short = str(fresh(key_pair)), str(key_pair)
    assert story == [
        (
            f"{short} would be put into the key group.",
            f"CloudFront begins to trust {name}. It signs once it has worked for 5 min.",
        ),
        (f"{name} would be probed through CloudFront.", None),
        (None, None),
        (
            f"{name} would sign, if a last probe is good.",
            f"{name} signs from now on; every process follows within 2 min.",
        ),
        (None, None),
        (None, None),
        (
            f"{former} would be retired: its last link has expired.",
            f"{former} is retired: CloudFront no longer knows it, its private key is erased.",
        ),
        (None, None),
    ]
    assert not is_under_way(rotation)


def test_saying_what_is_due_does_nothing(key_group: Site) -> None:
    """Asking what is due changes no row, calls nothing and moves nothing."""
    key_group.imported()
    key_group.started()
    before = list(KeyPair.objects.values())

    def refuse(method: str, side: str) -> None:
        raise AssertionError(method)

    assert next_due(key_group.rotation(boundary=refuse), now=key_group.now)

    assert list(KeyPair.objects.values()) == before


def test_reading_writes_nothing_after_a_crash(key_group: Site) -> None:
    """Whoever died before dating a retirement, only a step dates it: reading changes no row."""
    former = key_group.imported()
    key_group.activated()
    KeyPair.objects.filter(pk=former.pk).update(retiring_at=None)
    rotation = key_group.rotation()
    before = list(KeyPair.objects.values())

    assert due(rotation, now=key_group.now)
    assert next_due(rotation, now=key_group.now) is None
    with timezone.override("UTC"):
        (wait,) = find_waits(rotation, now=key_group.now)
    assert find_overdue(rotation, now=key_group.now) == []

    assert list(KeyPair.objects.values()) == before
    assert "it may go at 13:08:01" in wait.what  # if the next step dates it now
    advance(rotation, now=key_group.now)
    assert fresh(former).retiring_at == key_group.now


@pytest.mark.parametrize("action", ["vanish", Action.START, Action.IMPORT])
def test_unknown_step_fails(key_group: Site, action: Any) -> None:
    """What is no step of a key pair is an error, and changes nothing."""
    active = key_group.imported()
    before = list(KeyPair.objects.values()), key_group.members

    with pytest.raises(ValueError, match="is no step of a key pair"):
        take(key_group.rotation(), Step(action=action, key_pair=active), now=key_group.now)

    assert (list(KeyPair.objects.values()), key_group.members) == before


def test_step_without_its_key_pair_fails(key_group: Site) -> None:
    """A revocation that names no key pair starts no rotation."""
    with pytest.raises(ValueError, match="revoke is no step of a key group"):
        take(key_group.rotation(), Step(action=Action.REVOKE), now=key_group.now)

    assert not KeyPair.objects.exists()


@pytest.mark.parametrize(
    ("by_hand", "bring", "signs"),
    [
        (True, Site.started, SignsAfter.NOTHING),
        (True, Site.trusted, SignsAfter.NOTHING),
        (True, lambda site: site.trusted(good_for=1), SignsAfter.SUCCESSOR_EARLY),
        (True, lambda site: site.trusted(good_for=301), SignsAfter.SUCCESSOR),
        (False, Site.started, SignsAfter.SUCCESSOR_EARLY),
        (False, Site.trusted, SignsAfter.SUCCESSOR_EARLY),
        (False, lambda site: None, SignsAfter.NEW_KEY),
    ],
)
def test_what_signs_after_a_revocation_is_what_then_signs(
    key_group: Site, by_hand: bool, bring: Callable[[Site], object], signs: SignsAfter
) -> None:
    """What is promised before a revocation is what it leads to."""
    active = key_group.imported()
    bring(key_group)
    rotation = key_group.rotation(by_hand=by_hand)
    successor = rotation.store.successor()

    assert what_signs_after(rotation, active, now=key_group.now) is signs
    rotation.revoke(active, now=key_group.now, reason="")

    now_signs = rotation.store.active()
    assert (now_signs is None) is (signs is SignsAfter.NOTHING)
    assert (now_signs == successor) is (signs not in (SignsAfter.NEW_KEY, SignsAfter.NOTHING))
    assert what_signs_after(rotation, active, now=key_group.now) is SignsAfter.UNCHANGED


def test_spare_is_made_and_waits(key_group: Site, settings: Settings) -> None:
    """Where a spare is wanted it is generated, trusted, and does not sign."""
    key_group.imported()
    rotation = key_group.rotation()
    story = []
    for _ in range(4):
        due = next_due(rotation, now=key_group.now, spare_algorithm=ECDSA)
        story.append((due, advance(rotation, now=key_group.now, spare_algorithm=ECDSA)))
        key_group.wait(301)

    spare = KeyPair.objects.get(is_spare=True)
    short = f"ECDSA P-256 {spare.fingerprint[:12]}"
    assert story == [
        (
            "A spare key would be generated.",
            f"The spare {short} was generated. Let CloudFront trust it next.",
        ),
        (
            f"{short} would be put into the key group.",
            f"{spare} is in the key group: CloudFront begins to trust it.",
        ),
        (f"{spare} would be probed through CloudFront.", None),
        (None, None),
    ]
    assert spare.status == "trusted"
    assert not is_under_way(rotation)
    assert find_waits(rotation, now=key_group.now) == []


def test_revoked_key_is_taken_out_first(key_group: Site) -> None:
    """What is most urgent comes first."""
    key_group.trusted()
    leaked = key_group.imported()
    key_group.rotation(by_hand=True).revoke(leaked, now=key_group.now, reason="")
    rotation = key_group.rotation()

    assert is_under_way(rotation)
    assert next_due(rotation, now=key_group.now) == f"{leaked} would be taken out of CloudFront."
    assert advance(rotation, now=key_group.now) == (
        f"{leaked} is out of CloudFront: links that it signed no longer open."
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (ProbeResult.UNRESTRICTED, "so links are not checked there. Set Restrict viewer access"),
        (ProbeResult.WRONG_KEY, "the public key that it has under this id must be this one"),
    ],
)
def test_probe_that_will_never_be_good_is_an_error(
    key_group: Site, answer: ProbeResult, words: str
) -> None:
    """A behavior that is open, and an id that is another key's, are told, not waited for."""
    key_group.trusted()
    key_group.answer = answer

    with pytest.raises(ProbeFailed, match=words):
        advance(key_group.rotation(), now=key_group.now)


def test_last_probe_must_be_answered(key_group: Site) -> None:
    """A key whose last probe is not answered does not sign yet."""
    key_group.imported()
    key_pair = key_group.trusted(good_for=301)
    key_group.answer = ProbeResult.NO_ANSWER

    with pytest.raises(Unanswered, match=f"{key_pair} could sign, but CloudFront did not answer"):
        advance(key_group.rotation(), now=key_group.now)


def test_key_that_was_taken_out_is_put_back(key_group: Site) -> None:
    """The step of a key that somebody took out is to put it back."""
    key_pair = key_group.trusted()
    key_group.set_members(key_group.foreign)

    assert advance(key_group.rotation(), now=key_group.now) == (
        f"Someone had taken {key_pair} out of the key group. It is in it again."
    )


def test_step_that_fails_keeps_no_other_from_being_done(
    key_group: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """A key that cannot be opened is logged, and the others go on."""
    former = key_group.imported()
    key_group.activated()
    key_group.wait(3780)
    KeyPair.objects.filter(pk=key_group.trusted().pk).update(encrypted_private_key="damaged")
    KeyPair.objects.filter(pk=former.pk).update(created_at=key_group.now)

    with caplog.at_level(logging.ERROR, "cfsigned_django.rotation"):
        done = advance(key_group.rotation(), now=key_group.now)

    assert done == f"{former} is retired: CloudFront no longer knows it, its private key is erased."


def test_failure_that_passes_ends_the_run(key_group: Site) -> None:
    """While AWS fails, the other steps would not fare better."""
    key_group.imported()
    key_group.started()

    with pytest.raises(AwsError) as caught:
        advance(key_group.rotation(fault=lambda method: Fault.THROTTLED), now=key_group.now)

    assert will_pass(caught.value)


def test_what_will_pass(key_group: Site) -> None:
    """A lost race and a wait pass; a move that does not exist and a mistake do not."""
    key_pair = key_group.started()
    blocked = Blocked(key_pair, KeyStatus.ACTIVE, [Blocker(cause=Cause.NOT_PROBED)])
    nonsense = Blocked(key_pair, KeyStatus.RETIRED, [Blocker(cause=Cause.NO_SUCH_MOVE)])

    assert will_pass(Claimed())
    assert will_pass(Unanswered(key_pair))
    assert will_pass(blocked)
    assert will_pass(Unfinished("Half.", Claimed()))
    assert not will_pass(nonsense)
    assert not will_pass(Unfinished("Half.", RotationError("wrong")))
    assert not will_pass(RotationError("wrong"))


def actions(key_group: Site, *, by_hand: bool = False, **found: Any) -> list[tuple[str, str]]:
    """Return which steps are due now, each with its key pair."""
    steps = due(key_group.rotation(by_hand=by_hand), now=key_group.now, **found)
    return [(step.action, str(step.key_pair or "")) for step in steps if not step.blocked]


def test_what_is_due(key_group: Site) -> None:
    """The most urgent step stands first, what waits is blocked, and revoking comes last."""
    assert actions(key_group) == [("start", "")]
    former = key_group.imported()
    key_group.wait(1)
    key_pair = key_group.started()
    assert actions(key_group) == [
        ("trust", str(key_pair)),
        ("check", str(former)),
        ("revoke", str(former)),
        ("revoke", str(key_pair)),
    ]
    key_group.rotation().trust(key_pair, now=key_group.now)
    assert actions(key_group)[0] == ("check", str(key_pair))
    key_group.rotation().check(key_pair, now=key_group.now)
    key_group.wait(301)
    assert actions(key_group)[0] == ("activate", str(key_pair))
    key_group.rotation().activate(key_pair, now=key_group.now)
    assert actions(key_group)[0] == ("start", "")
    key_group.wait(3780)
    assert actions(key_group)[0] == ("retire", str(former))


def test_what_is_due_by_hand(key_group: Site) -> None:
    """A person may correct the id of a key that CloudFront does not know; no site can look."""
    former = key_group.imported()
    key_group.wait(1)
    key_pair = key_group.trusted()

    assert actions(key_group, by_hand=True) == [
        ("check", str(key_pair)),
        ("correct", str(key_pair)),
        ("revoke", str(former)),
        ("revoke", str(key_pair)),
    ]


@pytest.mark.parametrize(("key_pair_id", "offered"), [("K1", True), ("APKAEXAMPLE", False)])
def test_import_is_due(key_group: Site, key_pair_id: str, offered: bool) -> None:
    """A key of the settings that signs can be imported, unless it is a trusted signer's."""
    key = ConfiguredKey(key_pair_id=key_pair_id, source=cast("Any", None))

    found = actions(key_group, unknown_keys=[key])

    assert (("import", "") in found) is offered
