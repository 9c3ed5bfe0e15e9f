"""What the demo starts, it stops: whatever becomes of the demo itself."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_project.servers import (
    Child,
    Command,
    DemoFailed,
    HeldPorts,
    Reaper,
    answers,
    environment,
)
from demo_project.state import BASE_FOLDER, HOST
from tests.background import wait_until


@pytest.fixture
def reaper() -> Iterator[Reaper]:
    """Return a reaper that is let go in the end."""
    reaper = Reaper()
    yield reaper
    reaper.close()


def python(name: str, code: str, folder: Path) -> Command:
    """Return a command that runs a piece of Python."""
    return Command(
        name=name,
        arguments=[sys.executable, "-c", textwrap.dedent(code)],
        environment=environment(),
        log=folder / f"{name}.log",
    )


def exists(pid: int) -> bool:
    """Tell whether a process runs, not counting one that has ended and not been waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_for_the_end(pid: int) -> None:
    """Return when a process has ended; fail if it goes on."""
    wait_until(lambda: not exists(pid), "the end of a process")


def test_a_server_that_ends_at_once_is_not_waited_for(reaper: Reaper, tmp_path: Path) -> None:
    """Raise as soon as the process has ended, although nothing answers."""
    server = Child(python("server", "raise SystemExit(3)", tmp_path), reaper)
    with pytest.raises(DemoFailed, match="exit code 3"):
        server.wait_until_ready()
    server.stop()


def test_stopping_ends_the_whole_group(reaper: Reaper, tmp_path: Path) -> None:
    """End what the process started itself as well, also where it ignores SIGTERM."""
    lines: list[str] = []
    code = """
        import signal, subprocess, sys
        ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); "
        child = subprocess.Popen([sys.executable, "-c", ignore + "time.sleep(60)"], stdout=-1)
        child.stdout.readline()
        print(child.pid, flush=True)
        child.wait()
    """
    server = Child(python("server", code, tmp_path), reaper, lines.append)
    wait_until(lambda: lines, "a line of the server")
    server.stop()
    wait_for_the_end(server.pid)
    wait_for_the_end(int(lines[0]))


def test_the_reaper_ends_what_a_killed_demo_left(tmp_path: Path) -> None:
    """End the children of a demo that was killed and could not clean up."""
    code = f"""
        import os, signal, sys
        from pathlib import Path
        from demo_project.servers import Child, Command, Reaper, environment
        command = Command(
            name="sleeper",
            arguments=[sys.executable, "-c", "import time; time.sleep(60)"],
            environment=environment(),
            log=Path({str(tmp_path)!r}) / "sleeper.log",
        )
        print(Child(command, Reaper()).pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=BASE_FOLDER,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert killed.returncode == -9
    wait_for_the_end(int(killed.stdout))


def choose_ports(wanted: dict[str, int]) -> dict[str, int]:
    """Return which ports a demo would get."""
    with HeldPorts(wanted) as held:
        return held.ports


def test_ports_of_two_demos_differ() -> None:
    """Two demos that start at once do not share a port that neither has opened yet."""
    with HeldPorts({"site": 0, "edge": 0}) as first:
        assert not answers(f"http://{HOST}:{first.ports['site']}/")
        with HeldPorts(first.ports) as second:
            assert first.ports.keys() == second.ports.keys()
            assert not set(first.ports.values()) & set(second.ports.values())
        first.give("site")
        assert choose_ports({"site": first.ports["site"]}) == {"site": first.ports["site"]}
        assert choose_ports({"edge": first.ports["edge"]}) != {"edge": first.ports["edge"]}
