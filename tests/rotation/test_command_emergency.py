"""Test what cfsigned_rotate does at a revocation, by hand, with seals, and with AWS's sign-in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation.models import KeyPair
from tests.rotation.commands import Shell, aged
from tests.simulation.answers import refusal


def test_revocation_replaces_the_key(shell: Shell) -> None:
    """--revoke says what breaks and what signs, and makes a successor first."""
    shell.run("--import")

    ran = shell.run("--revoke", shell.settings_key_id, "--no-input", "--reason", "leaked")

    active = KeyPair.objects.get(status="active")
    assert ran.err.splitlines() == [
        f"Revoking {shell.settings_key_id} breaks every link that it signed and that has not "
        "expired. A link lives for 7 days at most.",
        "A new key signs in its place at once; some edges may not know it for minutes.",
    ]
    assert ran.out.startswith(f"{shell.settings_key_id} is revoked: it no longer signs. ")
    assert f" {active} signs now.\n" in ran.out
    assert (ran.code, shell.settings_key_id in shell.members) == (0, False)


def test_revocation_counts_the_links_of_settings_that_were_lowered(shell: Shell) -> None:
    """What breaks are also the links that were issued when they lived longer."""
    shell.run("--import")
    KeyPair.objects.update(retirement_seconds=30 * 86400 + 240)

    ran = shell.run("--revoke", shell.settings_key_id, "--dry-run")

    assert "A link lives for 30 days at most." in ran.out


def test_revocation_in_haste_is_told(shell: Shell) -> None:
    """Where the next key has not worked for long enough, edges may refuse its first links."""
    shell.run("--import")
    shell.run("--start")
    shell.run()
    successor = KeyPair.objects.get(status="trusted")
    early = shell.run("--revoke", shell.settings_key_id, "--dry-run")
    shell.run()
    KeyPair.objects.filter(pk=successor.pk).update(
        verified_since=successor.created_at - timedelta(seconds=400)
    )

    ready = shell.run("--revoke", shell.settings_key_id, "--dry-run")

    sentence = f"{successor} signs in its place at once"
    assert f"{sentence}; some edges may not know it for minutes." in early.out
    assert f"{sentence}.\n" in ready.out


def test_key_of_the_settings_signs_again(shell: Shell, settings: Any) -> None:
    """By hand, the settings' key that was never imported signs when the other one is revoked."""
    shell.run("--start")
    shell.run()
    shell.run()
    aged(400)
    shell.run()
    active = KeyPair.objects.get(status="active")
    settings.AWS_CLOUDFRONT_BY_HAND = True

    said = shell.run("--revoke", str(active), "--dry-run").out
    done = shell.run("--revoke", str(active), "--no-input").out

    assert f"The key of the settings, {shell.settings_key_id}, signs in its place." in said
    assert f"{shell.settings_key_id} signs now." in done


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


@pytest.mark.parametrize(
    ("first", "questions", "status"), [("yes", 2, "revoked"), ("no", 1, "active")]
)
def test_revocation_asks_twice(
    shell: Shell, first: str, questions: int, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a yes the id is asked for; after a no, nothing."""
    shell.run("--import")
    answers, asked = [first, shell.settings_key_id], list[str]()

    def answer(question: str) -> str:
        asked.append(question)
        return answers[len(asked) - 1]

    monkeypatch.setattr("builtins.input", answer)
    shell.run("--revoke", shell.settings_key_id)

    assert len(asked) == questions
    assert KeyPair.objects.get(key_pair_id=shell.settings_key_id).status == status


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


def test_revocation_is_not_asked_for_twice(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """--revoke of a key that is revoked says so, finishes what is left, and asks nothing."""
    monkeypatch.setattr("builtins.input", lambda question: "")
    shell.run("--import")
    settings.AWS_CLOUDFRONT_BY_HAND = True
    shell.run("--revoke", shell.settings_key_id, "--no-input")
    settings.AWS_CLOUDFRONT_BY_HAND = False

    finished = shell.run("--revoke", shell.settings_key_id)
    again = shell.run("--revoke", shell.settings_key_id)

    key = shell.settings_key_id
    assert finished.out.startswith(f"{key} was revoked before. {key} is out of CloudFront")
    assert again.out.startswith(f"{key} was revoked before. ")
    assert (finished.code, again.code, again.err) == (0, 0, "")
    assert "would be revoked" not in shell.run("--revoke", key, "--dry-run").out


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
    assert "No key signs: pages with links to files fail." in ran.out
    assert "remove it from the key group in CloudFront now" in ran.out
    assert shell.run().code == 75


def test_resealing(shell: Shell, settings: Any) -> None:
    """--reseal seals anew, as JSON too, and a dry run changes nothing."""
    shell.run("--import")
    before = KeyPair.objects.get().encrypted_private_key
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"

    dry = shell.run("--reseal", "--dry-run")
    assert (dry.code, KeyPair.objects.get().encrypted_private_key) == (0, before)
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
