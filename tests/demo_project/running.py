"""Start a demo with its own folder and ports, and stop it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from demo_project.state import BASE_FOLDER, LINK_VARIABLE, PREFERRED_PORTS, DemoState
from tests.background import free_ports, listens, wait_until

#: Marks of the tests that start one.
NEEDED = [
    pytest.mark.skipif(
        any(find_spec(name) is None for name in ("ministack", "PIL")),
        reason="needs the demo group: ministack and Pillow",
    ),
    pytest.mark.skipif(
        not Path("/proc/self/task").exists(), reason="needs /proc to find processes"
    ),
]
#: In seconds, for a start on a busy machine.
PATIENCE = 300
#: How long its links live: a rotation waits for the end of one, and a busy machine asks late.
LINK_SECONDS = 45
#: What make demo passes to Python.
ARGUMENTS = ("-m", "demo_project.run")


def open_ports(state: DemoState) -> list[int]:
    """Return the ports of a demo on which anything listens."""
    return [port for port in state.ports.values() if listens(port)]


def made_by(command: str) -> tuple[str, ...]:
    """Return what a command of make passes to Python."""
    options = ("--dry-run", "--no-print-directory", "--old-file=.venv/.demo")
    planned = subprocess.check_output([*shlex.split(command), *options], cwd=BASE_FOLDER, text=True)
    return tuple(planned.split()[1:])


class RunningDemo:
    """A demo with its own folder and ports, not the preferred ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ports = dict(zip(PREFERRED_PORTS, free_ports(len(PREFERRED_PORTS)), strict=True))
        replace(DemoState.open(folder), ports=ports).save()
        self._output = folder / "printed.txt"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> DemoState:
        """What the folder holds now."""
        return DemoState.open(self.folder)

    @property
    def printed(self) -> str:
        """What the demo has printed since its latest start."""
        return self._output.read_text("utf-8")

    def start(self) -> DemoState:
        """Start it if it does not run, and return its state when everything is up."""
        if self._process is None:
            process = self._begin()
            is_up = "Ctrl-C stops everything"
            wait_until(lambda: process.poll() is not None or is_up in self.printed, is_up, PATIENCE)
            assert process.poll() is None, self.printed
        return self.state

    def fail_to_start(self, link_seconds: int) -> int:
        """Start it with a lifetime of links, and return its exit code when it has given up."""
        return self._begin(link_seconds).wait(PATIENCE)

    def _begin(self, link_seconds: int = LINK_SECONDS) -> subprocess.Popen[bytes]:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, *ARGUMENTS, "--folder", str(self.folder)],
                cwd=BASE_FOLDER,
                env=os.environ | {LINK_VARIABLE: str(link_seconds)},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self._process

    def kill(self) -> None:
        """Kill it with all its servers, as a machine does that loses its power."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            # On a busy machine one server may have ended because another one is gone.
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self._process.wait()
        self._process = None
        # What is killed ends a moment later: the next start wants the same ports.
        wait_until(lambda: not open_ports(self.state), "ports that are closed")

    def stop(self) -> int:
        """Stop it in good order, by SIGTERM, and return its exit code; 0 if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.terminate()
        return process.wait(PATIENCE)
