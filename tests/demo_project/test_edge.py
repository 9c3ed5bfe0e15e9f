"""The edge of a distribution of the emulator: when it cannot start.

test_running.py and the tutorial start it; tests/tools/stack/test_edge.py asks it and the emulator.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from demo_project.edge import main
from demo_project.state import FOLDER_VARIABLE


def test_no_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Name the folder and the next step if no demo was started there."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))

    assert main(["E1A2B3C4D5E6F7"]) == 1

    said = capsys.readouterr().err
    assert str(tmp_path) in said
    assert "make demo" in said
