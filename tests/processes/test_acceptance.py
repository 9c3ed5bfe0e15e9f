"""Run the acceptance of AWS against the emulator, and kill it at each of its calls."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ministack_server import run_ministack
from tests.projects import ROOT

pytestmark = pytest.mark.processes

#: Changes that a run makes: see make_everything().
CALLS = 16
#: Changes that a clean-up makes after a whole run: it also disables the distribution.
REMOVALS = 11


def test_kills_at_each_call(tmp_path: Path) -> None:
    """Leave an empty account beside that of others, whatever call a run died at.

    Before it and after it; the clean-up is killed after each change that it makes, too.
    """
    (tmp_path / "aws").mkdir()
    with run_ministack(tmp_path / "aws") as server:
        done = subprocess.run(
            [sys.executable, "-m", "tests.acceptance.kills", server.endpoint_url, str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    rows = json.loads(done.stdout)

    assert [row["run"] for row in rows] == [*2 * [*[9] * CALLS, 0], 0], done.stderr
    for row in rows:
        assert (row["more"], row["gone"], row["clean"][-1]) == ([], [], 0), row
        assert row["theirs"] > CALLS
    assert rows[-1]["clean"] == [9] * REMOVALS + [0]
