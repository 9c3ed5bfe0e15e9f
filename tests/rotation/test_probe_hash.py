"""Probe a key with the hash with which it signs the URLs of each storage."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.rotation import site as site_rotation
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.signing import PrivateKey
from tests.rotation.commands import Shell
from tests.rotation.test_storages_apart import BACKEND
from tests.storage_cases import parameters_of, without_sha1


@pytest.fixture
def probed(shell: Shell, site: Any, rsa_key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the site sign by RSA with SHA256, and return the hash of each probe that is sent."""
    hashes: list[str | None] = []

    def probe(url: str) -> ProbeResult:
        hashes.append(parameters_of(url).get("Hash-Algorithm"))
        return shell.answer

    monkeypatch.setattr(site_rotation, "probe_url", probe)
    site.AWS_CLOUDFRONT_KEY = rsa_key.to_pem().decode()
    site.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA256"
    return hashes


def test_import(shell: Shell, probed: list[str | None]) -> None:
    """Import an RSA key where OpenSSL refuses SHA-1, and the setting names SHA256."""
    with without_sha1():
        ran = shell.run("--import")

    assert (ran.code, ran.err) == (0, "")
    assert KeyPair.objects.get().status == "active"
    assert probed == ["SHA256"]


def test_check(shell: Shell, probed: list[str | None]) -> None:
    """See a new RSA key work there as well."""
    with without_sha1():
        shell.run("--start", "--algorithm", "RSA_2048")
        shell.run()
        ran = shell.run()

    assert (ran.code, ran.err) == (75, "")
    assert KeyPair.objects.get().verified_since is not None
    assert set(probed) == {"SHA256"}


def test_hash_of_each_storage(shell: Shell, site: Any, probed: list[str | None]) -> None:
    """Probe as each storage signs, where one of them names another hash."""
    options = {"hash_algorithm": "SHA1"}
    site.STORAGES = {**site.STORAGES, "old": {"BACKEND": BACKEND, "OPTIONS": options}}

    assert shell.run("--import").code == 0
    assert sorted(probed, key=str) == [None, "SHA256"]


def test_hash_is_refused(shell: Shell, site: Any, probed: list[str | None]) -> None:
    """Name the key and the setting where nothing names a hash that OpenSSL takes."""
    site.AWS_CLOUDFRONT_HASH_ALGORITHM = None
    with without_sha1():
        ran = shell.run("--import")

    assert ran.code == 1
    assert f"The RSA key {shell.settings_key_id} cannot sign with SHA1 here." in ran.err
    assert 'Set AWS_CLOUDFRONT_HASH_ALGORITHM to "SHA256"' in ran.err
    assert not KeyPair.objects.exists()
