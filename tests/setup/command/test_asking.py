"""Ask before anything is changed."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.setup.command import run


@pytest.mark.usefixtures("unmigrated")
class TestAsking:
    """--apply asks first."""

    @pytest.mark.parametrize("answer", ["no", "", "y"])
    def test_no(self, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Do nothing for any answer but yes."""
        monkeypatch.setattr("builtins.input", lambda: answer)

        with pytest.raises(CommandError, match="Nothing was changed"):
            run("--create", "--apply")

    def test_yes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Do it for yes; ask no more where nothing is to do."""
        monkeypatch.setattr("builtins.input", lambda: "yes")
        run("--create", "--apply")
        monkeypatch.delattr("builtins.input")

        assert "nothing is to do" in run("--apply")

    def test_json(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ask beside the JSON, not in it."""
        monkeypatch.setattr("sys.stdin", StringIO("yes\n"))
        output, asked = StringIO(), StringIO()

        with redirect_stdout(output):
            command = ("cfsigned_setup", "--create", "--apply", "--json")
            call_command(*command, stdout=output, stderr=asked)

        assert json.loads(output.getvalue())["steps"]
        assert "Type yes" in asked.getvalue()

    def test_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Name --yes where nobody is there to answer."""

        def nobody() -> str:
            raise EOFError

        monkeypatch.setattr("builtins.input", nobody)

        with pytest.raises(CommandError, match="--yes"):
            run("--create", "--apply")
