"""Test cfsigned_rotate: what it does, says and exits with."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import load_command_class
from django.db import DataError, Error, OperationalError, ProgrammingError
from django.utils import translation

from cfsigned_django.management import commands
from cfsigned_django.rotation import store
from cfsigned_django.rotation.errors import RotationError
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.store import KeyPairStore
from tests.rotation import ECDSA, Site, statuses
from tests.rotation.commands import Shell, aged
from tests.simulation.answers import refusal


def test_whole_rotation(shell: Shell) -> None:
    """From the key of the settings to its end, run by run."""
    assert shell.run("--import").out.startswith(
        f"{shell.settings_key_id} is in the database and signs from there. "
    )
    assert shell.run("--start", "--reason", "yearly").out.startswith("Started: ECDSA P-256 ")
    assert "CloudFront begins to trust K" in shell.run().out
    waiting = shell.run()
    assert (waiting.code, waiting.out.startswith("Not yet:\n")) == (75, True)
    assert "it signs at" in waiting.out
    aged(301)
    assert "signs from now on;" in shell.run().out
    assert "no longer signs; it may go at" in shell.run().out
    aged(8 * 86400)
    assert "is retired: CloudFront no longer knows it, " in shell.run().out
    over = shell.run()
    assert (over.code, over.out.splitlines()[0]) == (0, "There is nothing to do.")
    assert len(shell.members) == 2


def test_json_has_its_shape(shell: Shell) -> None:
    """Machines get what docs/commands.md says, with moments in UTC."""
    shell.run("--import")
    shell.run("--start")
    shell.run()
    shell.run()

    ran = shell.run("--json")

    report = ran.report
    assert list(report) == ["key_group_id", "did", "blockers", "keys", "notes"]
    assert (ran.code, report["key_group_id"], report["did"]) == (75, shell.key_group_id, None)
    (blocker,), (newest, oldest) = report["blockers"], report["keys"]
    assert list(blocker) == ["what", "until"]
    assert blocker["until"].endswith("Z")
    assert list(newest) == ["key_pair_id", "status", "algorithm", "since"]
    assert (newest["status"], oldest["status"]) == ("trusted", "active")
    assert ran.err == ""


def test_times_have_their_zone(shell: Shell, settings: Any) -> None:
    """The list says in which time zone the times are."""
    settings.TIME_ZONE = "Asia/Seoul"

    assert " KST (Asia/Seoul):" in shell.run("--dry-run").out


@pytest.mark.parametrize("spare", [True, False])
def test_old_key_is_replaced(shell: Shell, spare: bool, settings: Any) -> None:
    """--max-age begins where the key is older, and takes the spare if there is one."""
    shell.run("--import")
    if spare:
        settings.AWS_CLOUDFRONT_SPARE_KEY = "ECDSA_P256"
        shell.run()
        shell.run()
    assert "Started" not in shell.run("--max-age", "90d").out
    aged(90 * 86400 + 60)

    ran = shell.run("--max-age", "90d", "--reason", "old")

    successor = KeyPair.objects.get(next_in=shell.key_group_id)
    assert ran.out.startswith(f"Started: {successor} is {'Trusted' if spare else 'Pending'}.")
    assert (successor.is_spare, successor.reason) == (False, "old")
    assert (successor.changed_by, ran.code) == ("cfsigned_rotate", 0)


def test_age_of_the_settings_key_is_unknown(shell: Shell) -> None:
    """As long as the key of the settings signs, --max-age asks to import it and begins nothing."""
    ran = shell.run("--max-age", "90d")

    assert (ran.code, KeyPair.objects.count()) == (0, 0)
    assert f"{shell.settings_key_id}, the key of the settings, signs, and nothing says" in ran.out
    assert "Import it first (manage.py cfsigned_rotate --import)" in ran.out
    report = shell.run("--max-age", "90d", "--json").report
    assert ("nothing says how old it is" in report["notes"][0], report["blockers"]) == (True, [])
    assert shell.run("--dry-run", "--json").report["notes"] == ["No step is due now."]


def test_site_without_any_key_begins(shell: Shell, settings: Any) -> None:
    """Where no key exists at all, --max-age makes the first one."""
    settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None

    assert shell.run("--max-age", "90d").out.startswith("Started: ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "would be put into the key group."),
        (("--start",), "would be put into the key group."),
        (("--revoke", "settings"), "would be revoked. Revoking"),
    ],
)
def test_dry_run_says_what_is_due(shell: Shell, arguments: tuple[str, ...], sentence: str) -> None:
    """A dry run says what would be done, does nothing and exits with 0."""
    shell.run("--import")
    shell.run("--start")
    before = list(KeyPair.objects.values())
    shell.clients.clear()
    named = [shell.settings_key_id if each == "settings" else each for each in arguments]

    ran = shell.run("--dry-run", *named)

    assert (ran.code, ran.out.splitlines()[0]) == (0, "Dry run: nothing was done.")
    assert sentence in ran.out
    assert list(KeyPair.objects.values()) == before
    assert shell.clients == []


@pytest.mark.parametrize("spare", [True, False])
def test_other_algorithm_is_not_dropped_in_silence(
    shell: Shell, spare: bool, settings: Any
) -> None:
    """Where a key of another algorithm is next already, --start says so and does nothing."""
    shell.run("--import")
    settings.AWS_CLOUDFRONT_SPARE_KEY = "ECDSA_P256" if spare else None
    shell.run(*([] if spare else ["--start"]))
    successor = KeyPair.objects.get(next_in=shell.key_group_id)

    ran = shell.run("--start", "--algorithm", "RSA_2048")

    sentence = f"{successor}, which is next, is ECDSA P-256."
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"{sentence} Revoke it first, or leave --algorithm out."
    assert KeyPair.objects.get(next_in=shell.key_group_id).is_spare is spare
    assert sentence in shell.run("--max-age", "90d", "--algorithm", "RSA_2048").out
    assert shell.run("--start", "--algorithm", "ECDSA_P256").code == 0


def test_failure_that_passes_is_not_yet(shell: Shell) -> None:
    """Where AWS asks to come again, the exit code says so, and the sentence too."""
    shell.run("--import")
    shell.run("--start")
    shell.failure = refusal("Throttling", "ListPublicKeys")

    ran = shell.run()

    assert ran.code == 75
    assert ran.out.startswith("Not yet:\n  Could not read the key group ")
    assert "AWS asks for fewer calls per second" in ran.out


def test_step_of_another_process_is_not_yet(shell: Shell) -> None:
    """Where another process has the step, the report says so."""
    shell.run("--import")
    shell.run("--start")
    KeyPair.objects.filter(status="pending").update(
        claimed_until=datetime.now(UTC) + timedelta(seconds=60)
    )

    assert (
        "Another process is at the same step" in shell.run("--json").report["blockers"][0]["what"]
    )


def test_quota_that_aws_has_raised_is_said_to_the_site(shell: Shell, settings: Any) -> None:
    """A key group that holds 5 keys is full, unless a setting says that it takes more."""
    shell.run("--import")
    others = [shell.account.upload(f"other-{number}") for number in range(3)]
    answer = shell.account.api.get_key_group(Id=shell.key_group_id)
    config = answer["KeyGroup"]["KeyGroupConfig"]
    shell.account.api.update_key_group(
        Id=shell.key_group_id,
        IfMatch=answer["ETag"],
        KeyGroupConfig={**config, "Items": [*config["Items"], *others]},
    )

    full = shell.run("--start")
    settings.AWS_CLOUDFRONT_KEY_GROUP_QUOTA = 6
    raised = shell.run("--start")

    assert full.code == 1
    assert "have the quota raised" in full.err
    assert "set AWS_CLOUDFRONT_KEY_GROUP_QUOTA to it" in full.err
    assert "Started" in raised.out


def test_failure_that_stays_is_a_failure(shell: Shell) -> None:
    """A missing permission is an error, with the name of the permission."""
    shell.run("--import")
    shell.failure = refusal("AccessDenied", "GetKeyGroup")

    ran = shell.run("--start")

    assert (ran.code, ran.out) == (1, "")
    assert "do not allow cloudfront:GetKeyGroup" in ran.err


def test_open_behavior_is_a_failure(shell: Shell) -> None:
    """A rotation does not go on where links are not checked."""
    shell.run("--import")
    shell.run("--start")
    shell.run()
    shell.answer = ProbeResult.UNRESTRICTED

    ran = shell.run()

    assert (ran.code, "links are not checked there" in ran.err) == (1, True)


def test_database_that_fails_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that fails ends the run in words."""

    def fail(store: KeyPairStore) -> None:
        raise OperationalError("secret host")

    monkeypatch.setattr(KeyPairStore, "active", fail)

    ran = shell.run()

    assert (ran.code, "The database failed (OperationalError)" in ran.err) == (1, True)
    assert "secret host" not in ran.err


def test_wait_goes_on_to_the_end(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """--wait does every step, tells each once, and comes to the end of the rotation."""
    shell.run("--import")
    monkeypatch.setattr("time.sleep", lambda seconds: aged(8 * 86400))

    ran = shell.run("--start", "--wait")

    assert ran.code == 0
    lines = ran.err.splitlines()
    assert len(lines) == len(set(lines))
    assert [line for line in lines if "Started" in line or "signs from now on;" in line]
    assert "is retired: CloudFront no longer knows it, " in ran.out
    assert shell.run("--start", "--wait", "--json").err == ""


def test_wait_shows_each_wait_once(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """--wait looks often, and says of each wait when it begins, not each time how old it is."""
    clock = Clock()
    monkeypatch.setattr(store, "read_database_clock", lambda using: clock.now)
    steps = iter([2] * 200)
    monkeypatch.setattr("time.sleep", lambda seconds: clock.wait(next(steps, 8 * 86400)))
    shell.run("--import")

    lines = shell.run("--start", "--wait").err.splitlines()

    assert len([line for line in lines if "has not yet served a probe" in line]) == 1
    assert len([line for line in lines if "; it signs at" in line]) == 1
    assert len([line for line in lines if "no longer signs; it may go at" in line]) == 1


@dataclass(slots=True)
class Clock:
    """The database's clock, which goes when somebody waits."""

    now: datetime = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


SENTENCE = "No key signs. Begin with: manage.py cfsigned_rotate --start"


def without_key(site: Any) -> None:
    """Take the key out of the settings."""
    site.AWS_CLOUDFRONT_KEY = site.AWS_CLOUDFRONT_KEY_ID = None


def test_no_key_at_all_is_told(shell: Shell, site: Any) -> None:
    """A site that cannot sign is not one where nothing is to be done, and gets no spare."""
    without_key(site)
    site.AWS_CLOUDFRONT_SPARE_KEY = "ECDSA_P256"

    ran = shell.run()

    assert (ran.code, SENTENCE in ran.out) == (75, True)
    assert not KeyPair.objects.exists()
    assert SENTENCE in shell.run("--dry-run").out


def test_spare_that_nobody_lets_sign_is_told(shell: Shell, site: Any) -> None:
    """A spare signs only when a rotation begins, which is said where no other key signs."""
    site.AWS_CLOUDFRONT_SPARE_KEY = "ECDSA_P256"
    for _ in range(3):
        shell.run()
    assert KeyPair.objects.get().is_spare
    without_key(site)

    assert SENTENCE in shell.run().out
    assert shell.run("--start").code == 0
    assert SENTENCE not in shell.run().out


NAMES = [each.name for each in pkgutil.iter_modules(commands.__path__)]


@pytest.mark.parametrize("name", NAMES)
def test_command_runs_without_translations(name: str) -> None:
    """No command speaks the language of the site: half of what it says would not be in it."""
    handle = load_command_class("cfsigned_django", name).handle

    assert handle.__code__.co_qualname.startswith("no_translations.")


@pytest.mark.parametrize("options", [["--import"], [], ["--dry-run"], ["--revoke", "K0"]])
def test_rotation_speaks_english(shell: Shell, options: list[str]) -> None:
    """What is done, awaited and refused is said in one language, which can be searched for."""
    with translation.override("ko"):
        shell.run(*options)
        for arguments in (["--start"], [], [], ["--dry-run"]):
            shell.run(*arguments)
        shell.answer = ProbeResult.UNRESTRICTED
        shell.run()
        after = translation.get_language()

    text = "".join(shell.printed)
    assert "Not yet" in text
    assert text.isascii()
    assert after == "ko"


def test_key_that_may_come(shell: Shell) -> None:
    """A key that can be imported is not, and the dry run says that it would be."""
    ran = shell.run("--import", "--dry-run")

    assert ran.code == 0
    assert "The key of the settings would be taken into the database." in ran.out
    assert not KeyPair.objects.exists()


def test_key_that_is_there(shell: Shell) -> None:
    """A key that was imported before signs from there."""
    shell.run("--import")

    ran = shell.run("--import", "--dry-run")

    assert f"{shell.settings_key_id} is in the database: it signs from there." in ran.out
    assert "would be taken" not in ran.out


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"AWS_CLOUDFRONT_KEY": None, "AWS_CLOUDFRONT_KEY_ID": None},
            "There is no key to import:",
        ),
        ({"AWS_CLOUDFRONT_KEY_ID": "APKAIOSFODNN7EXAMPLE"}, "(a trusted signer)"),
        ({"AWS_CLOUDFRONT_ENCRYPTION_KEYS": ["none"]}, "AWS_CLOUDFRONT_ENCRYPTION_KEYS is a list"),
    ],
    ids=["none", "trusted signer", "not sealed"],
)
def test_key_that_is_refused(
    shell: Shell, site: Any, changed: dict[str, Any], sentence: str
) -> None:
    """What the real run refuses is refused in the same words."""
    for name, value in changed.items():
        setattr(site, name, value)

    dry, real = shell.run("--import", "--dry-run"), shell.run("--import")

    assert (dry.code, dry.err) == (real.code, real.err) == (1, real.err)
    assert sentence in dry.err


@pytest.mark.parametrize("error", [DataError, ProgrammingError])
def test_refusal_is_not_said_to_pass(
    shell: Shell, error: type[Error], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement that the database will refuse again is not said to succeed later."""

    def refuse(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(Rotation, "start", refuse)

    ran = shell.run("--start")

    assert ran.code == 1
    assert f"The database refuses what it is told to do ({error.__name__})" in ran.err
    assert "when it answers" not in ran.err


@pytest.mark.parametrize("what", [("--start",), ("--revoke", "K0", "--no-input")])
def test_option_refuses_a_long_reason(shell: Shell, what: tuple[str, ...]) -> None:
    """A reason that is longer than the record is refused by its option, and nothing is done."""
    ran = shell.run(*what, "--reason", "x" * 251)

    assert ran.code == 1
    assert "argument --reason: it has 251 characters, and 250 are recorded at most" in ran.err
    assert not KeyPair.objects.exists()


def test_reason_of_full_length_is_recorded(shell: Shell) -> None:
    """As many characters as the record holds are taken."""
    assert shell.run("--start", "--reason", "x" * 250).code == 0
    assert KeyPair.objects.get().reason == "x" * 250


def test_start_refuses_a_long_reason(key_group: Site) -> None:
    """Code that starts a rotation is told as well, before a key is made."""
    with pytest.raises(RotationError, match="The reason has 251 characters, and 250 are"):
        key_group.rotation().start(algorithm=ECDSA, now=key_group.now, reason="x" * 251)

    assert not KeyPair.objects.exists()


def test_revocation_refuses_a_long_reason(key_group: Site) -> None:
    """Code that revokes a key is told as well, before a successor is made."""
    key_pair = key_group.imported()

    with pytest.raises(RotationError, match="The reason has 251 characters, and 250 are"):
        key_group.rotation().revoke(key_pair, now=key_group.now, reason="x" * 251)

    assert statuses() == {str(key_pair): "active"}
