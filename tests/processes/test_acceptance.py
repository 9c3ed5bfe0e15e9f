"""Run the acceptance of AWS against the emulator, and kill it at each of its calls."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from acceptance.questions import NOT_EMULATED, QUESTIONS
from tests.background import PATIENCE, plain_environment
from tests.processes.kills import ACCOUNT
from tests.projects import ROOT

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return the folder of a whole run, and what became of it, and of each kill."""
    folder = tmp_path_factory.mktemp("kills")
    done = subprocess.run(
        [sys.executable, "-m", "tests.processes.kills", str(folder)],
        cwd=ROOT,
        env={**plain_environment(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=10 * PATIENCE,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    reports = sorted(folder.glob(".acceptance/*"), key=lambda each: each.stat().st_mtime)
    return reports[-1], json.loads(done.stdout)


def test_ends_early(killed: tuple[Path, dict[str, Any]]) -> None:
    """Remove what was made when the run is stopped as the end of a job does it."""
    assert killed[1]["ended"][0] == [1, True], killed[1]["output"]


def test_whole_run(killed: tuple[Path, dict[str, Any]]) -> None:
    """Ask all that the emulator can be asked, report it without secrets, and leave nothing."""
    folder, found = killed
    answers = json.loads((folder / "report.json").read_text())["answers"]
    texts = [(folder / f"report.{each}").read_text() for each in ("md", "json")]

    assert found["ended"][1] == [0, True], found["output"]
    assert [each for each in answers if each["mark"]] == []
    asked = [each for each in answers if each["answer"] != NOT_EMULATED]
    assert len(asked) == sum(each.is_emulated for each in QUESTIONS)
    ids = {*re.findall(r"Removed (?!object)[\w-]+ (\S+)\.$", found["output"], re.M), folder.name}
    assert len(ids) > 6
    for secret in {*ids, ACCOUNT, "Signature=", "PRIVATE KEY", ".cloudfront.net"}:
        assert not any(secret in text for text in texts), secret


def test_kills_at_each_call(killed: tuple[Path, dict[str, Any]]) -> None:
    """Leave nothing beside what others have, before or after whatever call a run died."""
    rows = killed[1]["rows"]
    calls = [row["call"] for row in rows]

    assert len(calls) > 65
    assert killed[1]["theirs"] == 18
    for row in rows:
        assert (row["left"], row["more"], row["gone"]) == ([], [], []), row
    assert rows[-1]["deaths"] > 15
