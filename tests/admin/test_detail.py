"""Test the page of one key pair: to read, to copy from, and to go on from."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from cfsigned_django.rotation import store
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from tests.admin import LIST, Visitor, address, detail, imported, started, trusted
from tests.admin.transcript import NOON, Transcript


def test_words(admin: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has the ids by which AWS and people know the key, and what has happened, in 24 h."""
    monkeypatch.setattr(store, "read_database_clock", lambda using: NOON)
    imported()
    key_pair = trusted(good_for=60)
    KeyPair.objects.update(created_at=datetime(2026, 12, 7, 20, 0, tzinfo=UTC))

    page = admin.get(detail(key_pair))

    for fact in (str(key_pair), key_pair.fingerprint, key_pair.caller_name):
        assert fact in page
    transcript = Transcript(admin)
    transcript.add("a key that waits")
    transcript.check("admin-key-pair")


def test_steps_of_its_key_are_offered(admin: Visitor) -> None:
    """From the page of a key its next step and its revocation are one click away."""
    imported()
    key_pair = started()

    html = admin.client.get(detail(key_pair)).text

    assert address("trust", key_pair) in html
    assert address("revoke", key_pair) in html
    assert address("start") not in html


def test_nothing_can_be_edited(admin: Visitor) -> None:
    """There is nothing to save, to search for or to edit, and no private key, in the form."""
    key_pair = imported()
    html = admin.client.get(detail(key_pair)).text

    assert key_pair.encrypted_private_key not in html
    assert 'name="_save"' not in html
    assert "<textarea" not in html
    assert 'name="q"' not in admin.client.get(LIST, {"q": "MII"}).text


@pytest.mark.parametrize("status", ["active", "revoked"])
def test_public_key_can_be_copied_and_downloaded(admin: Visitor, status: str) -> None:
    """The public key is on the page and comes as a file, also when the private key is erased."""
    key_pair = imported()
    if status == "revoked":
        KeyPair.objects.update(status=status, active_in=None, encrypted_private_key="")

    page = admin.get(detail(key_pair))
    answer = admin.client.get(address("download", key_pair))

    assert " ".join(key_pair.public_key.split()) in page
    assert answer.text == key_pair.public_key
    assert answer.headers["Content-Type"] == "application/x-pem-file"
    name = f"{key_pair.caller_name}-public.pem"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_public_key_of_a_forger_is_not_shown(admin: Visitor, settings: Settings) -> None:
    """What a person pastes into CloudFront belongs to the private key, whatever the column says."""
    imported()
    key_pair = started()
    forged = PrivateKey.generate().public_key.to_pem()
    KeyPair.objects.filter(pk=key_pair.pk).update(public_key=forged)
    settings.AWS_CLOUDFRONT_BY_HAND = True

    pages = [admin.get(detail(key_pair)), admin.get(address("trust", key_pair))]

    assert admin.client.get(address("download", key_pair)).text == key_pair.public_key
    for page in pages:
        assert " ".join(key_pair.public_key.split()) in page
        assert " ".join(forged.split()) not in page


def test_public_key_is_not_shown_if_nothing_can_be_decrypted(admin: Visitor) -> None:
    """If the private key cannot be decrypted, the page and the download say so instead."""
    key_pair = imported()
    KeyPair.objects.update(encrypted_private_key="damaged")

    for text in (admin.get(detail(key_pair)), admin.get(address("download", key_pair))):
        assert "SECRET_KEY_FALLBACKS" in text
        assert "BEGIN PUBLIC KEY" not in text


def test_mistyped_address_leads_back(admin: Visitor) -> None:
    """The page of a key pair that does not exist is Django's own message."""
    assert admin.client.get(f"{LIST}nonsense/change/").status_code == 302


def test_page_opens_without_a_key_group(admin: Visitor, settings: Settings) -> None:
    """Settings that make no sense take the steps away, not the record."""
    key_pair = imported()
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = None

    assert str(key_pair) in admin.get(detail(key_pair))
    assert "buttons" not in admin.context
