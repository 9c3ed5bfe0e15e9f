"""Test each step as a person without JavaScript takes it: page, confirmation, result, log.

What fails is a message with the next step, never a server error.

Modules: admin/key_pairs.py, admin/pages.py
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from cfsigned_django.core.encryption import CannotDecrypt
from cfsigned_django.rotation.models import KeyPair, KnownReason
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.store import Claimed
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from tests.admin import LIST, Visitor, address, detail, log
from tests.admin.conftest import DENIED, NOON
from tests.admin.transcript import Transcript, own_part
from tests.leaks import key_material
from tests.rotation import Shell, change, fresh

DAY = 86400


def test_whole_rotation_by_clicks(
    admin: Visitor,
    cloudfront: Shell,
    transcript: Transcript,
    private_keys: list[PrivateKey],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """From RSA in the settings to ECDSA in the database: states, CloudFront, log and words.

    No page, download, log or session holds any part of a private key.
    """
    caplog.set_level(logging.DEBUG)
    transcript.take("import")
    former = KeyPair.objects.get()
    assert (str(former), former.status) == (cloudfront.settings_key_id, "active")
    assert (former.changed_by, LogEntry.objects.get().action_flag) == ("person0", ADDITION)

    transcript.take("start", algorithm="ECDSA_P256", reason="ticket 7")
    key_pair = KeyPair.objects.get(status="pending")
    assert (key_pair.algorithm, key_pair.reason) == ("ECDSA_P256", "ticket 7")

    transcript.take("trust", key_pair)
    key_pair = fresh(key_pair)
    assert cloudfront.members == {str(former), str(key_pair)}
    assert LogEntry.objects.latest("pk").action_flag == CHANGE
    assert LogEntry.objects.latest("pk").object_repr == str(key_pair)

    transcript.take("check", key_pair)
    assert fresh(key_pair).verified_since is not None
    for page in (detail(key_pair), address("download", key_pair), address("revoke", key_pair)):
        admin.get(page)
    encrypted = set(KeyPair.objects.values_list("encrypted_private_key", flat=True))
    cloudfront.wait(301)
    transcript.take("activate", key_pair)
    assert (fresh(former).status, fresh(key_pair).status) == ("retiring", "active")
    admin.get()
    transcript.add("the first page, when the new key has begun to sign")

    cloudfront.wait(8 * DAY)
    transcript.take("retire", former)
    assert (fresh(former).status, fresh(former).encrypted_private_key) == ("retired", "")
    assert cloudfront.members == {str(key_pair)}
    admin.get(f"{LIST}{key_pair.pk}/history/")
    assert [(state, reason) for _, state, reason in log()] == [
        ("active", KnownReason.IMPORTED),
        ("pending", "ticket 7"),
        *(("trusted", ""), ("retiring", ""), ("active", ""), ("retired", "")),
    ]
    transcript.check("admin-rotation")

    texts = [each.text for each in admin.answers]
    texts += [f"{each.object_repr} {each.change_message}" for each in LogEntry.objects.all()]
    texts += [str(each.get_decoded()) for each in Session.objects.all()]
    seen = "\n".join((*texts, caplog.text))
    assert (len(private_keys), len(encrypted)) == (2, 2)
    assert key_material(seen, private_keys) == []
    assert [each for each in (*encrypted, "PRIVATE KEY-----") if each in seen] == []


def test_start_asks_for_the_algorithm(admin: Visitor, cloudfront: Shell) -> None:
    """The shorter links are proposed, RSA can be chosen, and what CloudFront lacks is refused."""
    cloudfront.imported()
    admin.take("start", algorithm="ED25519")
    assert set(admin.context["form"].errors) == {"algorithm"}
    assert KeyPair.objects.count() == 1
    admin.get(address("start"))
    assert admin.context["form"]["algorithm"].value() == "ECDSA_P256"

    admin.post(address("start"), algorithm="RSA_2048")

    assert KeyPair.objects.get(status="pending").algorithm == "RSA_2048"


# What a probe is answered


@pytest.mark.parametrize(
    ("result", "level"),
    [
        (ProbeResult.GOOD, "success"),
        (ProbeResult.NO_ANSWER, "warning"),
        (ProbeResult.REFUSED, "error"),
    ],
)
def test_answer_of_the_probe(
    admin: Visitor, cloudfront: Shell, result: ProbeResult, level: str
) -> None:
    """Only a good answer begins the wait, and only a good one lets a key sign at its end."""
    cloudfront.imported()
    key_pair = cloudfront.trusted()
    cloudfront.answer = result
    is_good = result is ProbeResult.GOOD

    admin.post(address("check", key_pair))
    assert admin.levels == [level]
    assert (fresh(key_pair).verified_since is not None) is is_good

    # An open page looks by itself: it gets the new state back, and leaves no message behind.
    quiet = admin.post(address("check", key_pair), quiet="1")
    assert "<html" not in quiet
    problems = [each.level for each in admin.context["overview"].notices].count("error")
    assert problems == (1 if level == "error" else 0)
    admin.get()
    assert admin.levels == []

    change(key_pair, verified_since=cloudfront.now)
    cloudfront.wait(301)
    admin.take("activate", key_pair)
    assert fresh(key_pair).status == ("active" if is_good else "trusted")
    assert admin.levels == ["success" if is_good else "error"]


# Keys that somebody took out of the group


def test_check_puts_back_what_signed(admin: Visitor, cloudfront: Shell) -> None:
    """A check warns that a key whose links are out was missing, and logs that it is back."""
    former = cloudfront.imported()
    other = cloudfront.activated()
    cloudfront.take_out(former)

    admin.take("check", other)

    assert admin.levels == ["warning"]
    assert log()[-1] == (str(former), fresh(former).status, KnownReason.PUT_BACK)
    assert cloudfront.members >= {str(former), str(other)}
    before = log()
    admin.post(address("check", former))
    assert admin.levels == ["success"]
    assert log() == before


# Steps that are not due


@pytest.mark.parametrize(
    ("bring", "step", "columns"),
    [
        (Shell.imported, "import", {}),
        (Shell.started, "start", {}),
        *((Shell.imported, step, {}) for step in ("trust", "correct", "finish")),
        (Shell.trusted, "activate", {}),
        (Shell.trusted, "check", {"claimed_until": NOON + timedelta(seconds=30)}),
        (Shell.started, "trust", {"key_group_id": "former", "next_in": "former"}),
    ],
)
def test_step_that_is_not_due_is_not_taken(
    admin: Visitor,
    cloudfront: Shell,
    bring: Callable[[Shell], KeyPair],
    step: str,
    columns: dict[str, Any],
) -> None:
    """A page that is no longer true, or an address that was guessed, changes nothing."""
    key_pair = bring(cloudfront)
    KeyPair.objects.filter(pk=key_pair.pk).update(**columns)
    before = list(KeyPair.objects.values())

    admin.post(address(step, None if step in ("import", "start") else key_pair))

    assert admin.levels == ["warning"]
    assert list(KeyPair.objects.values()) == before


@pytest.mark.parametrize("path", ["{}/activate/", "{}/public-key.pem", "nonsense/change/"])
def test_no_such_key_leads_back(admin: Visitor, path: str) -> None:
    """A key pair that does not exist is a message, not an error."""
    admin.get(LIST + path.format("00000000-0000-4000-8000-000000000000"))

    assert admin.levels == ["warning"]


def test_step_needs_csrf(admin: Visitor, cloudfront: Shell) -> None:
    """No other site can make a person's browser take a step."""
    key_pair = cloudfront.imported()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.client.cookies

    for step, of in (("start", None), ("check", key_pair), ("revoke", key_pair)):
        assert strict.post(address(step, of)).status_code == 403


def test_only_the_check_is_quiet(admin: Visitor, cloudfront: Shell) -> None:
    """The quiet check of an open page does not make a key count as removed by hand."""
    former = cloudfront.imported()
    cloudfront.activated()
    cloudfront.wait(8 * DAY)

    answer = admin.client.post(address("retire", former), {"quiet": "1"})

    assert answer.status_code == 302
    assert fresh(former).status == "retired"


# What fails


@pytest.mark.parametrize(
    ("failure", "level", "named"),
    [
        # The page stays, with the permission and the way by hand.
        (DENIED, "not done", "AWS_CLOUDFRONT_BY_HAND"),
        (Claimed(), "error", str(Claimed())),
        (CannotDecrypt("SECRET_KEY has changed"), "error", "SECRET_KEY has changed"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_failure_of_a_step_is_told(
    admin: Visitor, cloudfront: Shell, failure: Exception, level: str, named: str
) -> None:
    """Each kind of failure comes back in its own words, and the key stays as it was."""
    cloudfront.imported()
    key_pair = cloudfront.started()
    cloudfront.failure = failure

    page = admin.take("trust", key_pair)

    assert admin.levels == [level]
    assert named in page
    assert fresh(key_pair).status == "pending"


def test_refusal_is_three_lines(admin: Visitor, cloudfront: Shell) -> None:
    """What failed, AWS's own words, marked as English, and what to do, with the permission."""
    cloudfront.imported()
    cloudfront.failure = DENIED

    admin.take("trust", cloudfront.started())

    failed, words, next_step = re.findall("<p>(.*?)</p>", own_part(admin.answers[-1].text))
    assert "AccessDenied" in failed
    assert words.startswith('<q lang="en">User: arn:aws:iam::')
    assert "<code>cloudfront:ListPublicKeys</code> for arn:aws:iam" in next_step
    assert "AWS_CLOUDFRONT_BY_HAND" in next_step


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("AWS_CLOUDFRONT_KEY", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B", ""),
        ("AWS_CLOUDFRONT_ENCRYPTION_KEYS", ["no Fernet key"], "AWS_CLOUDFRONT_ENCRYPTION_KEYS"),
        ("AWS_CLOUDFRONT_KEY_GROUP_ID", None, "AWS_CLOUDFRONT_KEY_GROUP_ID"),
    ],
)
def test_setting_that_makes_a_step_impossible(
    admin: Visitor, settings: Settings, setting: str, value: object, named: str
) -> None:
    """A step says which setting keeps it from being done, shows no secret, and does nothing."""
    setattr(settings, setting, value)

    page = admin.post(address("import"))

    assert "error" in admin.levels
    assert named in page
    assert "MIIEvQIBADANBgkqhkiG9w0B" not in page
    assert not KeyPair.objects.exists()


class Fails(CloudFrontS3Storage):
    """Need what this machine has not."""

    tries = 0

    def __init__(self, **options: Any) -> None:
        type(self).tries += 1
        raise KeyError("BUCKET")


def test_storage_that_cannot_be_made(
    admin: Visitor, settings: Settings, cloudfront: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step that waits for a storage says so; else the pages make no storage."""
    monkeypatch.setattr(Fails, "tries", 0)
    settings.STORAGES = {**settings.STORAGES, "archive": {"BACKEND": f"{__name__}.Fails"}}

    def is_told(page: str) -> bool:
        return 'STORAGES["archive"]' in page

    assert (is_told(admin.get()), Fails.tries) == (False, 0)
    assert is_told(admin.take("import"))
    assert (admin.levels, KeyPair.objects.exists()) == (["error"], False)

    active, tries = cloudfront.imported(), Fails.tries
    settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None
    pages = [admin.get(each) for each in (LIST, detail(active), f"{LIST}?fragment=1")]
    assert (any(map(is_told, pages)), Fails.tries) == (False, tries)

    key_pair = cloudfront.trusted(good_for=301)
    assert [is_told(admin.get(each)) for each in (LIST, detail(key_pair))] == [True, True]
    assert is_told(admin.take("activate", key_pair))
    assert fresh(key_pair).status == "trusted"

    cloudfront.rotation().activate(key_pair, now=cloudfront.now)  # this one has no such storage
    cloudfront.wait(8 * DAY)
    assert is_told(admin.get())
    assert is_told(admin.take("retire", active))
    assert fresh(active).status == "retiring"


def test_no_storage_of_the_key_group(admin: Visitor, settings: Settings, cloudfront: Shell) -> None:
    """A step for a key group for which no storage signs says so, and makes no key."""
    unsigned = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = {**settings.STORAGES, "default": unsigned}

    page = admin.take("start", algorithm="ECDSA_P256")

    assert admin.levels == ["error"]
    assert f"{cloudfront.key_group_id}. Set" in page
    assert not KeyPair.objects.exists()
