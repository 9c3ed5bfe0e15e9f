"""What the doctor says of the demo reaches the terminal, and a doctor that fails is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo_project import diagnosis
from demo_project.processes import DemoFailed
from demo_project.state import DemoState


@pytest.fixture
def state(tmp_path: Path) -> DemoState:
    """Return the state of a demo that does not run."""
    state = DemoState.open(tmp_path / "demo")
    state.logs.mkdir()
    return state


def test_faults_come_before_the_summary(state: DemoState, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell what is wrong, here that nothing was set up, and do not stop for it."""
    arguments = ("cfsigned_doctor", "--offline")
    monkeypatch.setattr(diagnosis, "doctor_arguments", lambda state: arguments)
    told: list[str] = []
    diagnosis.examine(state, told.append)
    *faults, summary = told
    assert faults
    assert all(line.startswith(("ERROR ", "warning ")) for line in faults)
    assert summary.endswith(" in order.")
    assert not summary.startswith("0 errors")


def test_a_doctor_that_fails(state: DemoState, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop with the exit code and the end of the log."""
    arguments = ("cfsigned_doctor", "--nonsense")
    monkeypatch.setattr(diagnosis, "doctor_arguments", lambda state: arguments)
    with pytest.raises(DemoFailed, match=r"exit code 2(?s:.*)--nonsense"):
        diagnosis.examine(state, print)
