"""Ask before anything is changed."""

from __future__ import annotations

import pytest
from django.core.management import CommandError

from tests.setup.command import run


@pytest.mark.usefixtures("unmigrated")
class TestAsking:
    """--apply asks first."""

    @pytest.mark.parametrize("answer", ["no", "", "y"])
    def test_no(self, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Do nothing for any answer but yes."""
        monkeypatch.setattr("builtins.input", lambda prompt: answer)

        with pytest.raises(CommandError, match="Nothing was changed"):
            run("--create", "--apply")

    def test_yes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Do it for yes; ask no more where nothing is to do."""
        monkeypatch.setattr("builtins.input", lambda prompt: "yes")
        run("--create", "--apply")
        monkeypatch.delattr("builtins.input")

        assert "nothing is to do" in run("--apply")

    def test_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Name --yes where nobody is there to answer."""

        def nobody(prompt: str) -> str:
            raise EOFError

        monkeypatch.setattr("builtins.input", nobody)

        with pytest.raises(CommandError, match="--yes"):
            run("--create", "--apply")
