"""Type every command of the demo's page while the demo runs."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo_project.state import BASE_FOLDER, FOLDER_VARIABLE, LINK_VARIABLE
from tests.background import plain_environment
from tests.demo_project.running import ARGUMENTS, NEEDED, RunningDemo, made_by
from tests.pages import DOCS, snippets
from tests.reader import Reader, Terminal, commands

pytestmark = NEEDED

#: In seconds: the shortest, since the rotation waits for the end of a link.
LINK_SECONDS = 15


@pytest.mark.package
def test_every_command_of_the_page_works(tmp_path: Path) -> None:
    """Rotate, break, diagnose and repair as the page says, and see what it shows."""
    start, *rest = (
        each for each in snippets(DOCS / "tutorial" / "demo.md") if each.language == "console"
    )
    [(make, _)] = commands(start.code)
    assert made_by(make) == ARGUMENTS

    demo = RunningDemo(tmp_path / "demo", link_seconds=LINK_SECONDS)
    with ExitStack() as stack:
        stack.callback(demo.stop)
        edge = demo.start().ports["edge"]
        environment = {
            **plain_environment(),
            FOLDER_VARIABLE: str(demo.folder),
            LINK_VARIABLE: str(LINK_SECONDS),
        }
        terminal = Terminal(BASE_FOLDER, environment)
        stack.callback(terminal.close)
        reader = Reader(
            folder=BASE_FOLDER,
            environment=environment,
            replaced={".venv/bin/python": sys.executable, ":8001/": f":{edge}/"},
            terminal=terminal,
            servers=stack,
        )
        for snippet in rest:
            reader.do(snippet)
