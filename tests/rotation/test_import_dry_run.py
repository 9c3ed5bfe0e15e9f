"""Test that a dry run of an import says what the real one would do."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.rotation.models import KeyPair
from tests.rotation.commands import Shell


def test_key_that_may_come(shell: Shell) -> None:
    """A key that can be imported is not, and the dry run says that it would be."""
    ran = shell.run("--import", "--dry-run")

    assert ran.code == 0
    assert "The key of the settings would be taken into the database." in ran.out
    assert not KeyPair.objects.exists()


def test_key_that_is_there(shell: Shell) -> None:
    """A key that was imported before signs from there."""
    shell.run("--import")

    ran = shell.run("--import", "--dry-run")

    assert f"{shell.settings_key_id} is in the database: it signs from there." in ran.out
    assert "would be taken" not in ran.out


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"AWS_CLOUDFRONT_KEY": None, "AWS_CLOUDFRONT_KEY_ID": None},
            "There is no key to import:",
        ),
        ({"AWS_CLOUDFRONT_KEY_ID": "APKAIOSFODNN7EXAMPLE"}, "(a trusted signer)"),
        ({"AWS_CLOUDFRONT_ENCRYPTION_KEYS": ["none"]}, "AWS_CLOUDFRONT_ENCRYPTION_KEYS is a list"),
    ],
    ids=["none", "trusted signer", "not sealed"],
)
def test_key_that_is_refused(
    shell: Shell, site: Any, changed: dict[str, Any], sentence: str
) -> None:
    """What the real run refuses is refused in the same words."""
    for name, value in changed.items():
        setattr(site, name, value)

    dry, real = shell.run("--import", "--dry-run"), shell.run("--import")

    assert (dry.code, dry.err) == (real.code, real.err) == (1, real.err)
    assert sentence in dry.err
