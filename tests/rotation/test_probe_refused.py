"""Test what becomes of a key whose probe is refused, and not for the key."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.rotation import site as site_rotation
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.rotation import ProbeFailed
from cfsigned_django.rotation.steps import (
    advance,
)
from tests.rotation import Site, fresh
from tests.rotation.commands import Shell, aged
from tests.rotation.test_storages_apart import BACKEND


@pytest.fixture
def trusted(shell: Shell) -> Shell:
    """Return a shell on a site with a TRUSTED key whose wait is over."""
    for options in (["--import"], ["--start"], [], []):
        shell.run(*options)
    aged(301)
    return shell


def test_key_does_not_sign(trusted: Shell) -> None:
    """A key whose links would be refused does not sign, and its wait begins anew."""
    trusted.answer = ProbeResult.REFUSED

    ran = trusted.run()

    row = KeyPair.objects.get(status="trusted")
    assert ran.code == 1
    assert f"A request that {row} signed was answered with 403, and neither by S3 nor" in ran.err
    assert "Hash-Algorithm" in ran.err
    assert row.verified_since is None


def test_wait_does_not_begin(key_group: Site) -> None:
    """What was never verified begins no wait."""
    key_pair = key_group.trusted()
    key_group.answer = ProbeResult.REFUSED

    with pytest.raises(ProbeFailed):
        advance(key_group.rotation(), now=key_group.now)

    assert fresh(key_pair).verified_since is None


@pytest.mark.parametrize("result", [each for each in ProbeResult if each is not ProbeResult.GOOD])
def test_one_domain_of_several_counts(
    shell: Shell, site: Any, monkeypatch: pytest.MonkeyPatch, result: ProbeResult
) -> None:
    """Where one domain of the key group answers anything but good, the key does not work."""
    options = {"custom_domain": "other.example.com"}
    site.STORAGES = {**site.STORAGES, "other": {"BACKEND": BACKEND, "OPTIONS": options}}
    monkeypatch.setattr(
        site_rotation, "probe_url", lambda url: result if "other." in url else ProbeResult.GOOD
    )
    for arguments in (["--start"], [], []):
        shell.run(*arguments)

    assert KeyPair.objects.get().status == "trusted"
    assert not KeyPair.objects.exclude(verified_since=None).exists()
