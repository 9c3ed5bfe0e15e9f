"""Run the demo as a program of its own, kill it, and start it again in the same folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from demo_project.state import BASE_FOLDER, HOST, LINK_VARIABLE, PREFERRED_PORTS, DemoState
from tests.edge_command import free_port

#: In seconds: long enough for every request, and a rotation waits for it.
LINK_SECONDS = 20
#: In seconds, for a start on a busy machine.
PATIENCE = 300


def is_open(port: int) -> bool:
    """Tell whether anything listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def wait_until_closed(ports: Collection[int]) -> None:
    """Return when nothing listens on any of the ports."""
    deadline = time.monotonic() + 20
    while any(map(is_open, ports)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


class RunningDemo:
    """A demo with a folder and ports of its own; not those that every demo would like to have."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ports = {name: free_port() for name in PREFERRED_PORTS}
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

    def log(self, name: str) -> str:
        """Return one of the demo's logs."""
        return (self.state.logs / f"{name}.log").read_text("utf-8")

    def start(self) -> DemoState:
        """Start it if it does not run, and return its state when everything is up."""
        if self._process is None:
            process = self._begin()
            deadline = time.monotonic() + PATIENCE
            while "Ctrl-C stops everything" not in self.printed:
                assert process.poll() is None, self.printed
                assert time.monotonic() < deadline, self.printed
                time.sleep(0.1)
        return self.state

    def fail_to_start(self) -> int:
        """Start it, and return its exit code when it has given up."""
        return self._begin().wait(PATIENCE)

    def _begin(self) -> subprocess.Popen[bytes]:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "demo_project.run", "--folder", str(self.folder)],
                cwd=BASE_FOLDER,
                env=os.environ | {LINK_VARIABLE: str(LINK_SECONDS)},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self._process

    def children(self) -> dict[str, int]:
        """Return the process ids of its servers, by what the command line of each contains."""
        assert self._process is not None
        pid, found = self._process.pid, {}
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_text()
            for name in ("emulator", "cfsigned_edge", "runserver", "reaper"):
                if name in command:
                    found[name] = int(child)
        return found

    def kill(self) -> None:
        """Kill it with all its servers, if it runs, as a machine does that loses its power."""
        if self._process is None:
            return
        for pid in [*self.children().values(), self._process.pid]:
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        # What is killed ends a moment later: the next start wants the same ports.
        wait_until_closed(self.state.ports.values())

    def wait(self) -> int:
        """Return its exit code when it has ended by itself."""
        assert self._process is not None
        code = self._process.wait(PATIENCE)
        self._process = None
        return code

    def stop(self) -> int:
        """Stop it in good order, by SIGTERM, and return its exit code; 0 if it does not run."""
        if self._process is None:
            return 0
        self._process.terminate()
        return self.wait()
