"""Test the language of the commands."""

from __future__ import annotations

import pkgutil

import pytest
from django.core.management import load_command_class
from django.utils import translation

from cfsigned_django.management import commands
from cfsigned_django.rotation.probe import ProbeResult
from tests.rotation.commands import Shell

NAMES = [each.name for each in pkgutil.iter_modules(commands.__path__)]


@pytest.mark.parametrize("name", NAMES)
def test_command_runs_without_translations(name: str) -> None:
    """No command speaks the language of the site: half of what it says would not be in it."""
    handle = load_command_class("cfsigned_django", name).handle

    assert handle.__code__.co_qualname.startswith("no_translations.")


@pytest.mark.parametrize("options", [["--import"], [], ["--dry-run"], ["--revoke", "K0"]])
def test_rotation_speaks_english(shell: Shell, options: list[str]) -> None:
    """What is done, awaited and refused is said in one language, which can be searched for."""
    with translation.override("ko"):
        shell.run(*options)
        for arguments in (["--start"], [], [], ["--dry-run"]):
            shell.run(*arguments)
        shell.answer = ProbeResult.UNRESTRICTED
        shell.run()
        after = translation.get_language()

    text = "".join(shell.printed)
    assert "Not yet" in text
    assert text.isascii()
    assert after == "ko"
