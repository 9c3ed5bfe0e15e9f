"""Test the choice of the next step, what becomes of one that fails, and what is waited for.

Modules: rotation/action.py, rotation/stages.py, rotation/steps.py, rotation/status.py,
rotation/errors.py
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.action import Action
from cfsigned_django.rotation.errors import (
    Blocked,
    Claimed,
    RotationError,
    probe_error,
)
from cfsigned_django.rotation.importing import import_key
from cfsigned_django.rotation.lifecycle import Blocker, Cause, KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.status import GRACE, find_overdue, find_waits
from cfsigned_django.rotation.steps import (
    Step,
    advance,
    is_under_way,
    next_due,
    take,
)
from tests.golden import assert_golden
from tests.rotation import Site, change, fresh, plain
from tests.simulation.faults import Fault

DAY = 86400
GRACE_SECONDS = int(GRACE.total_seconds())


# Words


def tell(key_group: Site, title: str, *, by_hand: bool = False) -> Iterator[str]:
    """Yield what is due, awaited, left to a person and overdue now."""
    rotation, now = key_group.rotation(by_hand=by_hand), key_group.now
    key_pairs = rotation.store.key_pairs()
    yield f"{title}{', by hand' if by_hand else ''}:"
    yield f"  due: {next_due(rotation, now=now)}"
    for wait in find_waits(rotation, now=now, key_pairs=key_pairs):
        yield f"  {'by hand' if wait.is_by_hand else f'waits until {wait.until}'}: {wait.what}"
    for overdue in find_overdue(rotation, now=now, key_pairs=key_pairs):
        yield f"  overdue: {overdue}"


def test_states_are_put_into_words(key_group: Site, settings: Any) -> None:
    """Each state says what is due, awaited and overdue, for a site that may call and by hand."""
    settings.TIME_ZONE = "Asia/Seoul"
    lines: list[str] = []

    def both(title: str) -> None:
        for by_hand in (False, True):
            lines.extend(tell(key_group, title, by_hand=by_hand))

    former = key_group.imported()
    key_pair = key_group.started()
    both("PENDING")
    key_group.wait(GRACE_SECONDS)
    both("PENDING for three days")
    key_group.rotation().trust(key_pair, now=key_group.now)
    key_group.wait(40)
    both("TRUSTED")
    key_group.wait(15 * 60)
    both("TRUSTED for a quarter of an hour")
    key_group.wait(GRACE_SECONDS)
    both("TRUSTED for three days")
    key_group.rotation().check(key_pair, now=key_group.now)
    key_group.wait(180)
    both("TRUSTED and known")
    key_group.wait(GRACE_SECONDS + 120)
    both("TRUSTED and known for three days")
    key_group.rotation().activate(key_pair, now=key_group.now)
    both("RETIRING")
    change(former, retiring_at=None)
    both("RETIRING, by a process that died before it dated that")
    change(former, retiring_at=key_group.now)
    key_group.wait(3780)
    both("RETIRING, and the last link has expired")
    key_group.wait(GRACE_SECONDS)
    both("RETIRING for three days more")
    key_group.retire(former)
    key_group.revoke(key_pair, by_hand=True)
    both("REVOKED")
    key_group.wait(GRACE_SECONDS)
    both("REVOKED for three days")
    key_group.finish(key_pair)
    both("REVOKED and removed")

    assert_golden("rotation-states", plain("\n".join(lines)))


def test_steps_are_put_into_words(key_group: Site, settings: Any) -> None:
    """Each step has words for what will be done, and for what was done."""
    settings.TIME_ZONE = "UTC"
    lines: list[str] = []

    def act(step: Step, **options: Any) -> None:
        outcome = take(key_group.rotation(), step, now=key_group.now, **options)
        warning = " (warning)" if outcome.is_warning else ""
        lines.append(f"{step.action}{warning}: {outcome.text} {outcome.outlook}".rstrip())

    def by_itself() -> None:
        rotation = key_group.rotation()
        would = next_due(rotation, now=key_group.now)
        did = advance(rotation, now=key_group.now)
        lines.append(f"by itself: {would}\n  {did}")

    former = key_group.imported()
    act(Step(action=Action.CHECK, key_pair=former))
    assert not is_under_way(key_group.rotation())
    act(Step(action=Action.START))
    act(Step(action=Action.START))
    by_itself()
    by_itself()
    new = KeyPair.objects.get(status="trusted")
    for answer in (ProbeResult.UNKNOWN_KEY, ProbeResult.NO_ANSWER, ProbeResult.GOOD):
        key_group.answer = answer
        act(Step(action=Action.CHECK, key_pair=new))
    key_group.answer = None
    key_group.take_out(new)
    by_itself()
    by_itself()
    key_group.wait(301)
    act(Step(action=Action.ACTIVATE, key_pair=fresh(new)))
    key_group.take_out(former)
    by_itself()
    key_group.wait(3780)
    act(Step(action=Action.RETIRE, key_pair=fresh(former)))
    act(Step(action=Action.START))
    act(Step(action=Action.REVOKE, key_pair=KeyPair.objects.get(status="pending")))
    act(Step(action=Action.START))
    act(Step(action=Action.TRUST, key_pair=KeyPair.objects.get(status="pending")))
    act(Step(action=Action.REVOKE, key_pair=fresh(new)), reason="leaked")
    act(Step(action=Action.REVOKE, key_pair=fresh(new)))
    key_group.revoke(key_group.signing, by_hand=True)
    assert is_under_way(key_group.rotation())
    by_itself()
    assert not is_under_way(key_group.rotation())

    assert_golden("rotation-steps", plain("\n".join(lines)))


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
    attempts: list[Callable[[], object]] = [
        lambda: by_hand.trust(key_pair, now=now),
        lambda: by_hand.trust(key_pair, now=now, key_pair_id=str(active)),
        lambda: key_group.finish(key_pair),
        lambda: import_key(rotation, key_pair.open_private_key(), "K0", now=now),
        lambda: rotation.restore_missing([active], now=now),
        lambda: key_group.revoke(key_pair, "x" * 251),
    ]
    key_group.answer = ProbeResult.WRONG_KEY
    trust = Step(action=Action.TRUST, key_pair=key_pair)
    attempts.append(lambda: take(by_hand, trust, now=now, key_pair_id="K1"))

    def activate(answer: ProbeResult | None) -> None:
        key_group.answer = answer
        rotation.activate(key_pair, now=key_group.now)

    def take_out() -> None:
        key_group.take_out(key_pair)
        activate(None)

    def trust_and_activate() -> None:
        key_group.answer = None
        rotation.trust(key_pair, now=now)
        rotation.check(key_pair, now=now)
        key_group.wait(301)
        activate(ProbeResult.NO_ANSWER)

    attempts += [trust_and_activate, take_out]
    for attempt in attempts:
        with pytest.raises((RotationError, AwsError)) as caught:
            attempt()
        errors.append(caught.value)

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
    change(key_group.trusted(), encrypted_private_key="damaged")
    change(former, created_at=key_group.now)

    with caplog.at_level(logging.ERROR, "cfsigned_django.rotation"):
        key_group.advance()

    assert fresh(former).status == "retired"


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
