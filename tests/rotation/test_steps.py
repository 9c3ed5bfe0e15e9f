"""Test the choice of the next step, what becomes of one that fails, and what is waited for.

Modules: rotation/stages.py, rotation/steps.py, rotation/store.py
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.rotation.importing import import_key
from cfsigned_django.rotation.lifecycle import Blocker, Cause, KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.stages import GRACE, Action, find_overdue, find_waits
from cfsigned_django.rotation.steps import (
    Step,
    next_due,
    take,
)
from cfsigned_django.rotation.store import (
    Blocked,
    Claimed,
    RotationError,
    Unfinished,
    probe_error,
)
from tests.golden import assert_golden
from tests.rotation import Site, change, fresh, plain
from tests.simulation.answers import refusal
from tests.simulation.faults import Fault

DAY = 86400
GRACE_SECONDS = int(GRACE.total_seconds())


# Words


def tell(key_group: Site, *, by_hand: bool = False) -> Iterator[str]:
    """Yield what is due, awaited, left to a person and overdue now."""
    rotation, now = key_group.rotation(by_hand=by_hand), key_group.now
    key_pairs = rotation.store.key_pairs()
    if step := next_due(rotation, now=now):
        yield f"  due: {step}"
    for wait in find_waits(rotation, now=now, key_pairs=key_pairs):
        until = f" until {wait.until:%Y-%m-%d %H:%M:%S} UTC" if wait.until else ""
        yield f"  {'by hand' if wait.is_by_hand else f'waits{until}'}: {wait.what}"
    for overdue in find_overdue(rotation, now=now, key_pairs=key_pairs):
        yield f"  overdue: {overdue}"


def test_states_are_put_into_words(key_group: Site, settings: Any) -> None:
    """Each state says what is due, awaited and overdue, for a site that may call and by hand."""
    settings.TIME_ZONE = "Asia/Seoul"
    former, key_pair = key_group.imported(), key_group.started()
    rotation = key_group.rotation()
    lines: list[str] = []

    def nothing() -> None:
        pass

    def undate() -> None:
        change(former, retiring_at=None)

    def date() -> None:
        rotation.store.begin_retirement(former)

    def revoke_by_hand() -> None:
        key_group.retire(former)
        key_group.revoke(key_pair, by_hand=True)

    #: What happens before a state, and how long ago.
    for title, act, seconds in (
        ("PENDING", nothing, 0),
        ("PENDING for three days", nothing, GRACE_SECONDS),
        ("TRUSTED", lambda: rotation.trust(key_pair, now=key_group.now), 40),
        ("TRUSTED for a quarter of an hour", nothing, 15 * 60),
        ("TRUSTED for three days", nothing, GRACE_SECONDS),
        ("TRUSTED and known", lambda: rotation.check(key_pair, now=key_group.now), 180),
        ("TRUSTED and known for three days", nothing, GRACE_SECONDS + 120),
        ("RETIRING", lambda: rotation.activate(key_pair, now=key_group.now), 0),
        ("RETIRING, by a process that died before it dated that", undate, 0),
        ("RETIRING, and the last link has expired", date, 3780),
        ("RETIRING for three days more", nothing, GRACE_SECONDS),
        ("REVOKED", revoke_by_hand, 0),
        ("REVOKED for three days", nothing, GRACE_SECONDS),
        ("REVOKED and removed", lambda: key_group.finish(key_pair), 0),
    ):
        act()
        key_group.wait(seconds)
        told, by_hand = [*tell(key_group)], [*tell(key_group, by_hand=True)]
        lines += [f"{title}:", *told]
        lines += ["  the same by hand"] if by_hand == told else [f"{title}, by hand:", *by_hand]

    assert_golden("rotation-states", plain("\n".join(lines)))


def test_clock_that_was_ahead(key_group: Site) -> None:
    """A wait that a wrong clock began does not end: its words say how a person ends it."""
    lines: list[str] = []
    former, key_pair = key_group.imported(), key_group.trusted(good_for=0)
    ahead = key_group.now + timedelta(days=400)
    change(key_pair, verified_since=ahead)
    lines += ["TRUSTED:", *tell(key_group)]
    change(key_pair, verified_since=key_group.now - timedelta(hours=1))
    key_group.rotation().activate(key_pair, now=key_group.now)
    change(former, retiring_at=ahead)
    lines += ["RETIRING:", *tell(key_group)]

    assert_golden("rotation-clock-ahead", plain("\n".join(lines)))


def test_steps_are_put_into_words(key_group: Site) -> None:
    """Checks and revocations have words for what was found and done.

    Those of the other steps are in the stories of the command and the page.
    """
    lines: list[str] = []

    def act(action: Action, key_pair: KeyPair) -> None:
        step = Step(action=action, key_pair=fresh(key_pair))
        outcome = take(key_group.rotation(), step, now=key_group.now, reason="leaked")
        warning = " (warning)" if outcome.is_warning else ""
        lines.append(f"{action}{warning}: {outcome.text} {outcome.outlook}".rstrip())

    former, active = key_group.imported(), key_group.activated()
    act(Action.CHECK, former)
    key_group.take_out(former)
    act(Action.CHECK, active)
    act(Action.REVOKE, key_group.started())
    new = key_group.trusted()
    for answer in (ProbeResult.UNKNOWN_KEY, ProbeResult.NO_ANSWER, ProbeResult.GOOD):
        key_group.answer = answer
        act(Action.CHECK, new)
    act(Action.REVOKE, active)

    assert_golden("rotation-steps", plain("\n".join(lines)))


def test_revocation_that_comes_half_way_is_put_into_words(key_group: Site) -> None:
    """The error says whether the key still signs, whether it is trusted, and what signs."""
    told: list[str] = []
    for failing, code in (
        ("create_public_key", "Throttling"),
        ("create_public_key", "AccessDenied"),
        ("update_key_group", "AccessDenied"),
    ):

        def fail(method: str, side: str, failing: str = failing, code: str = code) -> None:
            if method == failing:
                raise refusal(code, method)

        rotation = key_group.rotation(boundary=fail)
        revocation = Step(action=Action.REVOKE, key_pair=key_group.imported())
        with pytest.raises(Unfinished) as caught:
            take(rotation, revocation, now=key_group.now, reason="leaked")
        told.append(f"{failing}, {code}: {caught.value.text}")
        KeyPair.objects.all().delete()
        key_group = Site()

    assert_golden("rotation-half-revoked", plain("\n".join(told)))


def test_errors_are_put_into_words(key_group: Site) -> None:
    """An error says what prevents the step, and what to do."""
    key_pair = key_group.started()
    nonsense = Blocker(cause=Cause.NO_SUCH_MOVE)
    errors: list[Any] = [
        Claimed(),
        Blocked(key_pair, KeyStatus.RETIRED, [nonsense]),
        Blocked(key_pair, KeyStatus.ACTIVE, [Blocker(cause=Cause.NOT_PROBED)]),
        *(probe_error(key_pair, each) for each in ProbeResult if each.needs_a_person),
    ]
    rotation, by_hand = key_group.rotation(), key_group.rotation(by_hand=True)
    active, now = key_group.imported(), key_group.now
    key_group.delete(active)

    def refuse(attempt: Callable[[], object]) -> None:
        with pytest.raises((RotationError, AwsError)) as caught:
            attempt()
        errors.append(caught.value)

    refuse(lambda: by_hand.trust(key_pair, now=now))
    refuse(lambda: by_hand.trust(key_pair, now=now, key_pair_id=str(active)))
    refuse(lambda: key_group.finish(key_pair))
    refuse(lambda: import_key(rotation, key_pair.decrypted().load(), "K0", now=now))
    refuse(lambda: rotation.restore_missing([active], now=now))
    refuse(lambda: key_group.revoke(key_pair, "x" * 251))
    trust = Step(action=Action.TRUST, key_pair=key_pair)
    key_group.answer = ProbeResult.WRONG_KEY
    refuse(lambda: take(by_hand, trust, now=now, key_pair_id="K1"))
    key_group.answer = None
    rotation.trust(key_pair, now=now)
    rotation.check(key_pair, now=now)
    key_group.wait(301)
    key_group.answer = ProbeResult.NO_ANSWER
    refuse(lambda: rotation.activate(key_pair, now=key_group.now))
    key_group.answer = None
    key_group.take_out(key_pair)
    refuse(lambda: rotation.activate(key_pair, now=key_group.now))

    lines = [
        f"{type(error).__name__}{' (temporary)' if error.is_temporary else ''}: {error}"
        for error in errors
    ]
    assert_golden("rotation-errors", plain("\n".join(lines)))


# Failures


def test_step_that_fails_keeps_no_other_from_being_done(
    key_group: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """A key that cannot be decrypted is logged, and the others go on."""
    former = key_group.imported()
    key_group.activated()
    key_group.wait(3780)
    damaged = key_group.trusted()
    change(damaged, encrypted_private_key="damaged")
    key_group.take_out(damaged)

    with caplog.at_level(logging.ERROR, "cfsigned_django.rotation"):
        key_group.advance()

    assert fresh(former).status == "retired"
    assert "SECRET_KEY_FALLBACKS" in caplog.text  # what to do


def test_failure_that_passes_ends_the_run(key_group: Site) -> None:
    """While AWS fails, the other steps would not fare better."""
    key_group.imported()
    key_group.started()
    calls: list[str] = []

    def throttle(method: str) -> Fault:
        calls.append(method)
        return Fault.THROTTLED

    with pytest.raises(AwsError) as caught:
        key_group.advance(fault=throttle)

    assert caught.value.is_temporary
    assert set(calls) == {"get_key_group"}  # which looks for keys that are missing, and no other
