"""Test cfsigned_rotate: what it does, says and exits with."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from cfsigned_django.aws.client import AwsError
from cfsigned_django.models import KeyPair
from cfsigned_django.probe import ProbeResult
from cfsigned_django.rotation import Rotation
from tests.rotation.commands import Shell, aged
from tests.simulation.answers import refusal


def test_whole_rotation(shell: Shell) -> None:
    """From the key of the settings to its end, run by run."""
    assert shell.run("--import").out.startswith(
        f"{shell.settings_key_id} is in the database: it signs from there.\n"
    )
    assert shell.run("--start", "--reason", "yearly").out.startswith("Started: ECDSA P-256 ")
    assert "is in the key group: CloudFront begins to trust it." in shell.run().out
    waiting = shell.run()
    assert (waiting.code, waiting.out.startswith("Not yet:\n")) == (75, True)
    assert "it signs at" in waiting.out
    aged(301)
    assert "signs from now on." in shell.run().out
    assert "no longer signs; it may go at" in shell.run().out
    aged(8 * 86400)
    assert "is retired: CloudFront no longer knows it." in shell.run().out
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
    assert list(report) == ["key_group_id", "did", "blockers", "keys"]
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
    assert shell.run("--max-age", "90d", "--json").report["blockers"][0]["until"] is None


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


def test_failure_that_passes_is_not_yet(shell: Shell) -> None:
    """Where AWS asks to come again, the exit code says so, and the sentence too."""
    shell.run("--import")
    shell.run("--start")
    shell.failure = refusal("Throttling", "ListPublicKeys")

    ran = shell.run()

    assert ran.code == 75
    assert ran.out.startswith("Not yet:\n  Could not list the public keys: AWS asks for fewer")
    assert (
        "Another process is at the same step" in shell.run("--json").report["blockers"][0]["what"]
    )


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

    def fail(rotation: Rotation) -> None:
        raise OperationalError("secret host")

    monkeypatch.setattr(Rotation, "active", fail)

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
    assert [line for line in lines if "Started" in line or "signs from now on." in line]
    assert "is retired: CloudFront no longer knows it." in ran.out
    assert shell.run("--start", "--wait", "--json").err == ""


def test_revocation_replaces_the_key(shell: Shell) -> None:
    """--revoke says what breaks and what signs, and makes a successor first."""
    shell.run("--import")

    ran = shell.run("--revoke", shell.settings_key_id, "--no-input", "--reason", "leaked")

    active = KeyPair.objects.get(status="active")
    assert ran.err.splitlines() == [
        f"Revoking {shell.settings_key_id} breaks every link that it signed: up to 7 days of them.",
        "A new key signs in its place at once; some edges may not know it for minutes.",
    ]
    assert ran.out.startswith(f"{shell.settings_key_id} is revoked. {active} signs now.\n")
    assert (ran.code, shell.settings_key_id in shell.members) == (0, False)


@pytest.mark.parametrize("typed", ["", "yes"])
def test_revocation_is_confirmed_by_its_name(
    shell: Shell, typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another answer than the id revokes nothing."""
    shell.run("--import")
    monkeypatch.setattr("builtins.input", lambda question: typed)

    ran = shell.run("--revoke", shell.settings_key_id)

    assert (ran.code, "Nothing was revoked." in ran.err) == (1, True)
    assert KeyPair.objects.get().status == "active"


@pytest.mark.parametrize("name", ["shown", "fingerprint", "uuid"])
def test_key_without_an_id_is_revoked(shell: Shell, name: str) -> None:
    """A key that CloudFront never had is named as the list shows it, or by its uuid."""
    shell.run("--import")
    shell.run("--start")
    row = KeyPair.objects.get(status="pending")
    names = {"shown": str(row), "fingerprint": row.fingerprint[:12], "uuid": str(row.pk)}
    assert str(row) in shell.run("--dry-run").out

    ran = shell.run("--revoke", names[name], "--no-input")

    row.refresh_from_db()
    assert (ran.code, row.status) == (0, "revoked")


def test_unknown_name_is_told_what_there_is(shell: Shell) -> None:
    """A slip in the id shows the ids that there are."""
    shell.run("--import")

    ran = shell.run("--revoke", "K0", "--no-input")

    assert (ran.code, f"It has: {shell.settings_key_id}." in ran.err) == (1, True)


def test_revocation_that_is_not_finished_says_how_far_it_came(shell: Shell) -> None:
    """While AWS fails for good, the key signs no longer, and the sentence says what is left."""
    shell.run("--import")
    shell.failure = refusal("AccessDenied", "GetKeyGroup")

    ran = shell.run("--revoke", shell.settings_key_id, "--no-input")

    assert ran.code == 1
    assert "is revoked and signs no longer, but CloudFront still trusts it. Could not" in ran.err


def test_revocation_waits_while_aws_fails_for_a_moment(shell: Shell) -> None:
    """While AWS fails for a moment, nothing is revoked, and the exit code says to come again."""
    shell.run("--import")
    shell.failure = refusal("Throttling", "GetKeyGroup")

    ran = shell.run("--revoke", shell.settings_key_id, "--no-input")

    assert (ran.code, f"{shell.settings_key_id} is not revoked yet. Could not" in ran.out) == (
        75,
        True,
    )


def test_site_by_hand_never_calls(shell: Shell, settings: Any) -> None:
    """Where a person changes CloudFront, the command says what to do and exits with 75."""
    settings.AWS_CLOUDFRONT_BY_HAND = True
    shell.failure = AwsError(what="x", reason="y", next_step="z", code="c")
    shell.run("--import")
    shell.run("--start")

    ran = shell.run()

    assert (ran.code, shell.clients) == (75, [])
    assert "waits for its id: create its public key in CloudFront." in ran.out


def test_revocation_by_hand_says_what_to_do(shell: Shell, settings: Any) -> None:
    """By hand, nothing is ready to sign: that is said before, and what to remove afterwards."""
    settings.AWS_CLOUDFRONT_BY_HAND = True
    shell.run("--import")

    ran = shell.run("--revoke", shell.settings_key_id, "--no-input")

    assert "No key is ready to sign in its place" in ran.err
    assert "No key signs now: pages with links to files fail." in ran.out
    assert "remove it from the key group in CloudFront now" in ran.out
    assert shell.run().code == 75


def test_resealing(shell: Shell, settings: Any) -> None:
    """--reseal seals anew, as JSON too, and a dry run changes nothing."""
    shell.run("--import")
    before = KeyPair.objects.get().sealed_private_key
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"

    dry = shell.run("--reseal", "--dry-run")
    assert (dry.code, KeyPair.objects.get().sealed_private_key) == (0, before)
    assert "Private keys sealed with the newest encryption key: 1, were this no" in dry.out
    ran = shell.run("--reseal", "--json")

    assert ran.report["did"] == "Private keys sealed with the newest encryption key: 1."
    assert [each["key_pair_id"] for each in ran.report["keys"]] == [shell.settings_key_id]
    settings.SECRET_KEY_FALLBACKS = []
    assert KeyPair.objects.get().make_signer().key_pair_id == shell.settings_key_id


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_seal_that_does_not_open_is_named(
    shell: Shell, settings: Any, options: tuple[str, ...]
) -> None:
    """What cannot be opened is an error, with the setting that changed."""
    shell.run("--import")
    settings.SECRET_KEY = "another"

    ran = shell.run("--reseal", "--json", *options)

    assert (ran.code, ran.report["did"]) == (1, None)
    assert ran.report["blockers"][-1]["what"].startswith(f"{shell.settings_key_id}: SECRET_KEY has")
    assert "Not every private key could be opened" in ran.err


def test_settings_sign_in_to_aws(shell: Shell, settings: Any) -> None:
    """Keys in django-storages' settings are used for CloudFront, with one client for all runs."""
    settings.AWS_S3_ACCESS_KEY_ID, settings.AWS_S3_SECRET_ACCESS_KEY = "AKIA", "hush"
    settings.AWS_SESSION_TOKEN = "token"
    shell.run("--import")
    assert shell.clients == []

    shell.run("--start")
    shell.run()

    assert shell.clients == [{"access_key": "AKIA", "secret_key": "hush", "session_token": "token"}]
    assert "hush" not in "".join(shell.printed)


def test_profile_signs_in_to_aws(shell: Shell, settings: Any) -> None:
    """A profile in django-storages' settings is used for CloudFront."""
    settings.AWS_S3_SESSION_PROFILE = "rotation"

    shell.run("--start")

    assert shell.clients == [{"profile_name": "rotation"}]
