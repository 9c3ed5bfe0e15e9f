"""Test that no key material leaves through the admin: no page, message, log or error page."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from pytest_django import Settings

from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from tests.admin import LIST, FakeCloudFront, Visitor, address, fresh, imported, moved, started
from tests.admin.conftest import LATE


class Secrets:
    """Every private key of a test, and every sealed text that the database ever held."""

    def __init__(self, *known: PrivateKey) -> None:
        self.private_keys = list(known)
        self.sealed: set[str] = set()

    def remember_sealed(self) -> None:
        """Note what the database holds now: a key that is retired is erased."""
        self.sealed |= set(KeyPair.objects.values_list("encrypted_private_key", flat=True)) - {""}

    def fragments(self) -> Iterator[str]:
        """Return what must be seen nowhere: each line of each PEM, and each sealed text."""
        for private_key in self.private_keys:
            yield from private_key.to_pem().decode().splitlines()[1:-1]
        yield from self.sealed
        yield "PRIVATE KEY-----"

    def assert_absent(self, *texts: str) -> None:
        """Fail with the place, not the key, where a text holds key material."""
        for number, text in enumerate(texts):
            for fragment in self.fragments():
                assert fragment not in text, f"text {number} holds key material"


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, rsa_key: PrivateKey) -> Secrets:
    """Remember each key that is generated during the test."""
    found = Secrets(rsa_key)
    generate = PrivateKey.generate

    def remember(algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256) -> PrivateKey:
        found.private_keys.append(generate(algorithm))
        return found.private_keys[-1]

    monkeypatch.setattr(PrivateKey, "generate", remember)
    return found


def test_whole_rotation_shows_no_key(
    admin: Visitor,
    cloudfront: FakeCloudFront,
    secrets: Secrets,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Pages, downloads, logs and sessions of a rotation hold no part of a private key."""
    caplog.set_level(logging.DEBUG)
    admin.post(address("import"))
    admin.take("start", algorithm="RSA_2048", reason="test")
    key_pair = KeyPair.objects.get(status="pending")
    admin.get(address("trust", key_pair))
    cloudfront.failure = LATE
    admin.take("trust", key_pair)
    cloudfront.failure = None
    admin.take("trust", moved(key_pair, claimed_until=-1))
    admin.post(address("check", key_pair))
    admin.get(f"{LIST}{key_pair.pk}/change/")
    admin.get(f"{LIST}{key_pair.pk}/history/")
    secrets.remember_sealed()
    moved(key_pair, verified_since=-301)
    admin.take("activate", key_pair)
    admin.take("revoke", key_pair, typed=str(fresh(key_pair)), reason="test")

    download = admin.client.get(address("download", key_pair)).text
    entries = [f"{each.object_repr} {each.change_message}" for each in LogEntry.objects.all()]
    sessions = [str(each.get_decoded()) for each in Session.objects.all()]

    assert len(secrets.private_keys) == 3
    assert len(secrets.sealed) == 2
    assert fresh(key_pair).status == "revoked"
    secrets.assert_absent(
        *(each.text for each in admin.answers), caplog.text, download, *entries, *sessions
    )


@pytest.mark.parametrize("debug", [True, False])
def test_error_page_shows_no_key(
    admin: Visitor,
    secrets: Secrets,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    debug: bool,
) -> None:
    """A fault that nobody foresaw prints local variables, and none of them is a key."""
    settings.DEBUG = debug
    imported()
    key_pair = started()
    secrets.remember_sealed()
    admin.client.raise_request_exception = False

    def fail(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(KeyGroups, "add", fail)
    trust = admin.client.post(address("trust", key_pair))
    KeyPair.objects.filter(pk=key_pair.pk).delete()
    monkeypatch.setattr(KeyPair, "save", fail)
    start = admin.client.post(address("start"), {"algorithm": "ECDSA_P256", "reason": ""})
    KeyPair.objects.all().delete()
    monkeypatch.setattr("cfsigned_django.encryption.MultiFernet", fail)
    seal = admin.client.post(address("start"), {"algorithm": "ECDSA_P256", "reason": ""})

    assert [each.status_code for each in (trust, start, seal)] == [500, 500, 500]
    assert ("Local vars" in trust.text) is debug
    secrets.assert_absent(trust.text, start.text, seal.text)
