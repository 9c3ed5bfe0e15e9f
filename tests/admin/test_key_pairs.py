"""Test who may do what, and that no key material leaves: by no page, message, log or error page."""

from __future__ import annotations

import logging
from unittest import mock

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from pytest_django import Settings

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from tests.admin import (
    LIST,
    Visitor,
    activated,
    address,
    detail,
    imported,
    moved,
    started,
)
from tests.admin.conftest import LATE, MakeVisitor
from tests.leaks import key_material
from tests.rotation import Shell, fresh

ROTATE_STEPS = ("trust", "check", "activate", "retire", "finish")


@pytest.fixture
def key_pair(db: None) -> KeyPair:
    """Return a key pair that signs, with one before it that can be retired."""
    imported()
    return activated(former_retiring_for=8 * 86400)


def test_anonymous_people_log_in_first(visit: MakeVisitor, key_pair: KeyPair) -> None:
    """Every address leads to the login, and gives nothing away."""
    visitor = visit()
    visitor.client.logout()
    download = address("download", key_pair)

    for path in (LIST, address("start"), address("revoke", key_pair), download):
        answer = visitor.client.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    ("permission", "shown", "offered", "forbidden"),
    [
        ("view_user", 403, None, ["start", "import", "download", "revoke", *ROTATE_STEPS]),
        ("view_keypair", 200, set(), ["start", "import", "revoke", *ROTATE_STEPS]),
        ("rotate_keypair", 200, {"start", "retire"}, ["revoke"]),
        ("revoke_keypair", 200, {"revoke"}, ["start", "import", "retire"]),
    ],
)
def test_each_permission_opens_its_steps(
    visit: MakeVisitor,
    key_pair: KeyPair,
    permission: str,
    shown: int,
    offered: set[str] | None,
    forbidden: list[str],
) -> None:
    """Viewing, rotating and revoking each need a permission, on every page."""
    visitor = visit(permission)
    former = KeyPair.objects.get(status="retiring")
    addresses = {
        step: address(step, None if step in ("start", "import") else former)
        for step in ("start", "import", "download", "revoke", *ROTATE_STEPS)
    }

    pages = [visitor.client.get(path) for path in (LIST, detail(former))]
    assert [each.status_code for each in pages] == [shown, shown]
    for step in forbidden:
        assert not any(f'"{addresses[step]}"' in each.text for each in pages)
    for step in forbidden:
        assert visitor.statuses(addresses[step]) == (403, 403)
    assert (LIST in visitor.client.get("/admin/").text) is (offered is not None)
    if offered is not None:
        found = {step for step, path in addresses.items() if f'"{path}"' in pages[0].text}
        assert found == offered
    assert fresh(former).status == "retiring"


def test_nothing_is_recorded_for_strangers(visit: MakeVisitor, key_pair: KeyPair) -> None:
    """Refuse staff without a permission before a page records when a key stopped signing."""
    former = KeyPair.objects.filter(status="retiring")
    former.update(retiring_at=None)
    for permission, is_shown in (("view_user", False), ("view_keypair", True)):
        page = visit(permission).client.get(detail(former.get()))
        assert (page.status_code == 200) is is_shown
        assert (former.get().retiring_at is not None) is is_shown


@pytest.mark.parametrize("permission", ["rotate_keypair", "revoke_keypair"])
def test_either_may_finish_a_revocation(
    visit: MakeVisitor, key_pair: KeyPair, permission: str
) -> None:
    """The next visitor who may rotate takes a revoked key out of CloudFront."""
    KeyPair.objects.filter(pk=key_pair.pk).update(
        status="revoked", active_in=None, revoked_at=key_pair.active_at
    )

    visit(permission).take("finish", key_pair)

    assert fresh(key_pair).removed_at is not None


def test_nobody_adds_changes_or_deletes(visit: MakeVisitor, key_pair: KeyPair) -> None:
    """Not even a superuser edits a row, or loses its history."""
    visitor = visit(superuser=True)
    former = KeyPair.objects.get(status="retiring")
    before = KeyPair.objects.filter(pk=former.pk).values().get()

    assert visitor.statuses(f"{LIST}add/") == (403, 403)
    assert visitor.statuses(f"{LIST}{former.pk}/delete/") == (403, 403)
    visitor.client.post(detail(former), {"status": "active"})
    visitor.client.post(LIST, {"action": "delete_selected", "_selected_action": str(former.pk)})

    assert KeyPair.objects.filter(pk=former.pk).values().get() == before


# Key material


@pytest.fixture
def private_keys(monkeypatch: pytest.MonkeyPatch, rsa_key: PrivateKey) -> list[PrivateKey]:
    """Return the key of the settings, and each that is generated during the test."""
    found, generate = [rsa_key], PrivateKey.generate

    def remember(algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256) -> PrivateKey:
        found.append(generate(algorithm))
        return found[-1]

    monkeypatch.setattr(PrivateKey, "generate", remember)
    return found


def test_whole_rotation_shows_no_key(
    admin: Visitor,
    cloudfront: Shell,
    private_keys: list[PrivateKey],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Pages, downloads, logs and sessions of a rotation hold no part of a private key."""
    caplog.set_level(logging.DEBUG)

    def take(step: str, key_pair: KeyPair | None = None, **answers: str) -> None:
        admin.get(address(step, key_pair))
        admin.take(step, key_pair, **answers)

    take("import")
    take("start", algorithm="ECDSA_P256", reason="test")
    key_pair = KeyPair.objects.get(status="pending")
    cloudfront.failure = LATE
    take("trust", key_pair)
    cloudfront.failure = None
    take("trust", moved(key_pair, claimed_until=-1))
    admin.take("check", key_pair)
    admin.get(f"{LIST}{key_pair.pk}/change/")
    admin.get(f"{LIST}{key_pair.pk}/history/")
    encrypted = set(KeyPair.objects.values_list("encrypted_private_key", flat=True)) - {""}
    moved(key_pair, verified_since=-301)
    take("activate", key_pair)
    take("revoke", key_pair, typed=str(fresh(key_pair)), reason="test")

    download = admin.client.get(address("download", key_pair)).text
    entries = [f"{each.object_repr} {each.change_message}" for each in LogEntry.objects.all()]
    sessions = [str(each.get_decoded()) for each in Session.objects.all()]

    assert (len(private_keys), len(encrypted), fresh(key_pair).status) == (3, 2, "revoked")
    pages = [each.text for each in admin.answers]
    seen = "\n".join((*pages, caplog.text, download, *entries, *sessions))
    assert key_material(seen, private_keys) == []
    assert [each for each in (*encrypted, "PRIVATE KEY-----") if each in seen] == []


@pytest.mark.parametrize("debug", [True, False])
def test_error_page_shows_no_key(
    admin: Visitor,
    cloudfront: Shell,
    private_keys: list[PrivateKey],
    settings: Settings,
    debug: bool,
) -> None:
    """The debug page of an unexpected error shows local variables, but no key."""
    settings.DEBUG = debug
    imported()
    key_pair = started()
    encrypted = set(KeyPair.objects.values_list("encrypted_private_key", flat=True)) - {""}
    admin.client.raise_request_exception = False

    fail = mock.Mock(side_effect=ZeroDivisionError)
    new = {"algorithm": "ECDSA_P256", "reason": ""}
    cloudfront.failure = ZeroDivisionError()
    answers = [admin.client.post(address("trust", key_pair))]
    cloudfront.failure = None
    KeyPair.objects.all().delete()
    for what in (
        "cfsigned_django.rotation.models.KeyPair.save",
        "cryptography.hazmat.primitives.kdf.hkdf.HKDF",
    ):
        with mock.patch(what, fail):
            answers.append(admin.client.post(address("start"), new))

    assert [each.status_code for each in answers] == [500, 500, 500]
    assert ("Local vars" in answers[0].text) is debug
    seen = "\n".join(each.text for each in answers)
    assert key_material(seen, private_keys) == []
    assert [each for each in (*encrypted, "PRIVATE KEY-----") if each in seen] == []
