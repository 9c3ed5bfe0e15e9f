"""Test what cfsigned_rotate says and does where no key signs."""

from __future__ import annotations

from typing import Any

from cfsigned_django.rotation.models import KeyPair
from tests.rotation.commands import Shell

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
