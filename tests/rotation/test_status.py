"""Test the words for what key pairs wait for, what a person has to do, and what is overdue."""

from __future__ import annotations

import pytest
from django.utils import timezone

from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.status import find_manual_steps, find_overdue, find_waits
from cfsigned_django.rotation.steps import advance, next_due
from tests.rotation import Site, fresh
from tests.rotation.commands import Shell, aged
from tests.simulation.answers import refusal


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


DAY = 86400


def stuck(key_group: Site, *, by_hand: bool = False) -> list[str]:
    """Return what is stuck now."""
    return find_overdue(key_group.rotation(by_hand=by_hand), now=key_group.now)


@pytest.mark.parametrize(
    ("by_hand", "sentence"),
    [(True, "has waited for its id since"), (False, "could have been put into the key group")],
)
def test_pending_key(key_group: Site, by_hand: bool, sentence: str) -> None:
    """A key that is generated may be trusted at once, and is stuck three days later."""
    key_pair = key_group.started()
    key_group.wait(3 * DAY - 1)
    assert stuck(key_group, by_hand=by_hand) == []

    key_group.wait(1)

    (text,) = stuck(key_group, by_hand=by_hand)
    assert text.startswith(f"{key_pair} {sentence}")
    assert "May 4, 2026" in text


def test_trusted_key_whose_probe_is_never_good(key_group: Site) -> None:
    """A TRUSTED key is stuck three days after it would have signed with good probes."""
    key_pair = key_group.trusted()
    key_group.wait(3 * DAY + 299)
    assert stuck(key_group) == []

    key_group.wait(1)

    (text,) = stuck(key_group)
    assert text.startswith(f"{key_pair} could have signed since May 4, 2026, ")


def test_trusted_key_that_nobody_lets_sign(key_group: Site) -> None:
    """A key that has worked since is not said to have failed: nobody has activated it."""
    key_pair = key_group.trusted(good_for=300 + 3 * DAY)

    (text,) = stuck(key_group)

    assert text.startswith(f"{key_pair} has worked and may sign since May 4, 2026, ")
    assert "activate it in the admin" in text
    assert "no probe was good" not in text


def test_trusted_key_whose_probe_is_good_at_last(key_group: Site) -> None:
    """A probe that is good after days counts from then on."""
    key_pair = key_group.trusted()
    key_group.wait(9 * DAY)

    key_group.rotation().check(key_pair, now=key_group.now)

    assert stuck(key_group) == []


def test_spare_is_never_stuck(key_group: Site) -> None:
    """A spare waits for as long as nobody needs it."""
    key_group.trusted(spare=True)
    key_group.wait(90 * DAY)

    assert stuck(key_group) == []


def test_retiring_key(key_group: Site) -> None:
    """A RETIRING key is stuck three days after its last link expired; none that is over is."""
    former = key_group.imported()
    key_group.activated()
    key_group.wait(3780 + 3 * DAY - 1)
    assert stuck(key_group) == []

    key_group.wait(1)

    (text,) = stuck(key_group)
    assert text.startswith(f"{former} could have been retired since May 4, 2026, ")
    key_group.rotation().retire(fresh(former), now=key_group.now)
    assert stuck(key_group) == []


def test_revoked_key(key_group: Site) -> None:
    """A revoked key that CloudFront may still trust is stuck three days later."""
    key_pair = key_group.trusted()
    key_group.rotation(by_hand=True).revoke(key_pair, now=key_group.now, reason="")
    key_group.wait(3 * DAY)

    (text,) = stuck(key_group, by_hand=True)

    assert text.startswith(f"{key_pair} is revoked since May 4, 2026, ")


def test_command_fails_at_last(shell: Shell) -> None:
    """The exit code is 75 as long as there is something to wait for, then 1, with the report."""
    shell.run("--import")
    shell.run("--start")
    shell.answer = ProbeResult.UNKNOWN_KEY
    shell.run()
    codes = [shell.run().code]
    aged(3 * DAY + 300)

    ran = shell.run()

    assert [*codes, ran.code] == [75, 1]
    assert "could have signed since" in ran.err
    assert "AWS_S3_CUSTOM_DOMAIN names the distribution" in ran.err
    assert ran.out.startswith("Not yet:")
    assert shell.run("--dry-run").code == 0
    assert shell.run("--wait").code == 1


def test_failures_of_aws_that_pass_by_no_means(shell: Shell) -> None:
    """Where AWS fails "for a moment" for days, a key that is to go makes it a failure."""
    shell.run("--import")
    shell.run("--start")
    shell.run()
    shell.run()
    aged(400)
    shell.run()
    shell.failure = refusal("Throttling", "GetKeyGroup")
    assert shell.run().code == 75
    aged(12 * DAY)

    ran = shell.run()

    assert (ran.code, "could have been retired since" in ran.err) == (1, True)
    assert "AWS asks for fewer calls per second" in ran.out
