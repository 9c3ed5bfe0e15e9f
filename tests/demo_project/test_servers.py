"""The servers of a demo, without one: what ends with it, and which ports it takes.

They are those of ``demo_project/servers.py``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from demo_project.run import Demo
from demo_project.servers import Child, Command, DemoFailed, HeldPorts, Reaper, answers
from demo_project.state import BASE_FOLDER, HOST, DemoState
from tests.background import wait_until
from tests.demo_project.running import NEEDED

pytestmark = NEEDED

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_server_that_dies_is_named(tmp_path: Path) -> None:
    """Say which server ended, how, and where its log is: that ends the demo, as a failure does."""
    log = tmp_path / "sleeper.log"
    command = Command(name="sleeper", arguments=SLEEPER, environment=os.environ, log=log)
    reaper = Reaper()
    server = Child(command, reaper)
    demo = Demo(state=DemoState.open(tmp_path), servers=[server])
    demo.raise_if_ended()
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: server.ended, "the end of the sleeper")
    with pytest.raises(DemoFailed, match=r"sleeper ended by SIGKILL(?s:.*)sleeper\.log"):
        demo.raise_if_ended()
    server.stop()
    reaper.close()


def exists(pid: int) -> bool:
    """Return whether a process runs; one that has ended and was not waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_reaper_ends_what_a_killed_demo_left(tmp_path: Path) -> None:
    """End the children of a demo that was killed and could not clean up."""
    code = f"""
        import os, signal, sys
        from pathlib import Path
        from demo_project.servers import Child, Command, Reaper, environment
        command = Command(
            name="sleeper",
            arguments={SLEEPER!r},
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
    wait_until(lambda: not exists(int(killed.stdout)), "the end of the sleeper")


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
