"""Test that what the database would always refuse is refused before, or told as what it is."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DataError, Error, ProgrammingError

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation, RotationError
from tests.rotation import ECDSA, Site, statuses
from tests.rotation.commands import Shell


@pytest.mark.parametrize("error", [DataError, ProgrammingError])
def test_refusal_is_not_said_to_pass(
    shell: Shell, error: type[Error], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement that the database will refuse again is not said to succeed later."""

    def refuse(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(Rotation, "start", refuse)

    ran = shell.run("--start")

    assert ran.code == 1
    assert f"The database refuses what it is told to do ({error.__name__})" in ran.err
    assert "when it answers" not in ran.err


@pytest.mark.parametrize("what", [("--start",), ("--revoke", "K0", "--no-input")])
def test_option_refuses_a_long_reason(shell: Shell, what: tuple[str, ...]) -> None:
    """A reason that is longer than the record is refused by its option, and nothing is done."""
    ran = shell.run(*what, "--reason", "x" * 251)

    assert ran.code == 1
    assert "argument --reason: it has 251 characters, and 250 are recorded at most" in ran.err
    assert not KeyPair.objects.exists()


def test_reason_of_full_length_is_recorded(shell: Shell) -> None:
    """As many characters as the record holds are taken."""
    assert shell.run("--start", "--reason", "x" * 250).code == 0
    assert KeyPair.objects.get().reason == "x" * 250


def test_start_refuses_a_long_reason(key_group: Site) -> None:
    """Code that starts a rotation is told as well, before a key is made."""
    with pytest.raises(RotationError, match="The reason has 251 characters, and 250 are"):
        key_group.rotation().start(algorithm=ECDSA, now=key_group.now, reason="x" * 251)

    assert not KeyPair.objects.exists()


def test_revocation_refuses_a_long_reason(key_group: Site) -> None:
    """Code that revokes a key is told as well, before a successor is made."""
    key_pair = key_group.imported()

    with pytest.raises(RotationError, match="The reason has 251 characters, and 250 are"):
        key_group.rotation().revoke(key_pair, now=key_group.now, reason="x" * 251)

    assert statuses() == {str(key_pair): "active"}
