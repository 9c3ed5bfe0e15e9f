"""Test the page of one key pair: to read, to copy from, and to go on from."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_django import Settings

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from tests.admin import (
    LIST,
    Visitor,
    address,
    fresh,
    imported,
    started,
    trusted,
)


def detail(visitor: Visitor, key_pair: KeyPair) -> str:
    """Return the page of a key pair, as it is read."""
    return visitor.get(f"{LIST}{key_pair.pk}/change/")


def test_detail_shows_ids_and_moments(admin: Visitor) -> None:
    """The ids by which AWS and people know the key are there, and what has happened to it."""
    imported()
    key_pair = trusted(good_for=60)

    page = detail(admin, key_pair)

    assert f"Key pair id: {key_pair.key_pair_id}" in page
    assert f"Fingerprint: {key_pair.fingerprint}" in page
    assert f"Name in CloudFront: {key_pair.caller_name}" in page
    assert "Works since: " in page
    assert "Signs since: " not in page


def test_detail_tells_the_time_in_24_hours(admin: Visitor) -> None:
    """A moment in the history reads as everywhere on the page, and not as "2 p.m."."""
    key_pair = imported()
    moment = datetime(2026, 12, 7, 20, 0, tzinfo=UTC)
    KeyPair.objects.filter(pk=key_pair.pk).update(active_at=moment)

    assert "Signs since: Dec. 7, 2026, 14:00:00" in detail(admin, key_pair)


def test_detail_offers_the_steps_of_its_key(admin: Visitor) -> None:
    """From the page of a key its next step and its revocation are one click away."""
    imported()
    key_pair = started()

    html = admin.client.get(f"{LIST}{key_pair.pk}/change/").text

    assert address("trust", key_pair) in html
    assert address("revoke", key_pair) in html
    assert address("start") not in html


def test_detail_has_no_field_to_edit(admin: Visitor) -> None:
    """There is nothing to save, and nothing sealed, in the form."""
    html = admin.client.get(f"{LIST}{imported().pk}/change/").text

    assert "sealed" not in html
    assert 'name="_save"' not in html
    assert "<textarea" not in html


def test_public_key_can_be_copied_and_downloaded(admin: Visitor) -> None:
    """The public key stands on the page, and comes as a file of its own."""
    key_pair = imported()

    page = detail(admin, key_pair)
    answer = admin.client.get(address("download", key_pair))

    assert " ".join(key_pair.public_key.split()) in page
    assert answer.text == key_pair.public_key
    assert answer.headers["Content-Type"] == "application/x-pem-file"
    name = f"{key_pair.caller_name}-public.pem"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_public_key_of_a_forger_is_not_shown(admin: Visitor, settings: Settings) -> None:
    """What a person pastes into CloudFront belongs to the sealed key, whatever the table says."""
    imported()
    key_pair = started()
    forged = PrivateKey.generate().public_key.to_pem()
    KeyPair.objects.filter(pk=key_pair.pk).update(public_key=forged)
    settings.AWS_CLOUDFRONT_BY_HAND = True

    pages = [detail(admin, key_pair), admin.get(address("trust", key_pair))]
    file = admin.client.get(address("download", key_pair)).text

    assert file == key_pair.public_key
    for page in pages:
        assert " ".join(key_pair.public_key.split()) in page
        assert " ".join(forged.split()) not in page


def test_public_key_is_not_shown_where_nothing_opens(admin: Visitor) -> None:
    """Where the private key does not open, the page says so in the place of the public key."""
    key_pair = imported()
    KeyPair.objects.update(encrypted_private_key="damaged")

    page = detail(admin, key_pair)
    file = admin.get(address("download", key_pair))

    for text in (page, file):
        assert "The public key is not shown, since the private key cannot be opened." in text
        assert "SECRET_KEY has changed since this private key was sealed" in text
        assert "BEGIN PUBLIC KEY" not in text


def test_public_key_of_a_key_that_is_over_is_the_record(admin: Visitor) -> None:
    """A key whose private half is erased shows what was written down."""
    key_pair = imported()
    KeyPair.objects.update(status="revoked", active_in=None, encrypted_private_key="")

    assert " ".join(key_pair.public_key.split()) in detail(admin, key_pair)


def test_download_of_no_key_leads_back(admin: Visitor) -> None:
    """A file of a key pair that does not exist is a message."""
    path = f"{LIST}00000000-0000-4000-8000-000000000000/public-key.pem"

    assert "There is no such key pair." in admin.get(path)


def test_detail_of_no_key_leads_back(admin: Visitor) -> None:
    """An address that was mistyped is Django's own message."""
    assert admin.client.get(f"{LIST}nonsense/change/").status_code == 302


def test_detail_opens_without_a_key_group(admin: Visitor, settings: Settings) -> None:
    """Settings that make no sense take the steps away, not the record."""
    key_pair = imported()
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = None

    page = detail(admin, key_pair)

    assert f"Key pair id: {key_pair.key_pair_id}" in page
    assert "Revoke" not in page


def test_key_is_not_looked_for_by_hand(admin: Visitor, settings: Settings) -> None:
    """A person who changes CloudFront by hand looks there; this site may not."""
    key_pair = imported()
    settings.AWS_CLOUDFRONT_BY_HAND = True

    assert "Check again" not in detail(admin, key_pair)


def test_history_has_each_step(admin: Visitor) -> None:
    """Django's own history page tells who did what, with the key pair id."""
    admin.post(address("import"))
    key_pair = KeyPair.objects.get()

    page = admin.get(f"{LIST}{key_pair.pk}/history/")

    assert f"{key_pair}: Active (imported from the settings)" in page
    assert "person0" in page


def test_row_names_who_changed_it(admin: Visitor) -> None:
    """The row itself, which commands show, too, names the person."""
    admin.post(address("import"))

    assert fresh(KeyPair.objects.get()).changed_by == "person0"
