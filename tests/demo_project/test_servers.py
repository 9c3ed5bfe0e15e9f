"""What the demo starts, it stops: whatever becomes of the demo itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_project.reaper import remaining_groups
from demo_project.servers import (
    Child,
    Command,
    DemoFailed,
    HeldPorts,
    Reaper,
    answers,
    environment,
    run,
)
from demo_project.state import BASE_FOLDER, HOST, DemoState


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


def gone(pid: int) -> bool:
    """Wait until a process has ended, and tell whether it did."""
    deadline = time.monotonic() + 10
    while exists(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not exists(pid)


def test_a_step_passes_on_what_it_prints(tmp_path: Path) -> None:
    """Hand each line to the terminal as it comes, return all of them, and keep them in the log."""
    lines: list[str] = []
    code = "import sys; print('하나'); print('two'); print('odd', file=sys.stderr)"
    assert run(python("step", code, tmp_path), lines.append) == "하나\ntwo\n"
    assert lines == ["하나", "two"]
    assert (tmp_path / "step.log").read_text("utf-8") == "odd\n하나\ntwo\n"


def test_a_failing_step_shows_the_end_of_its_log(tmp_path: Path) -> None:
    """Raise with the exit code, the path of the log and its last lines."""
    with pytest.raises(DemoFailed, match=r"failed \(1\)") as caught:
        run(python("step", "import sys; sys.exit('no disk')", tmp_path))
    assert str(tmp_path / "step.log") in str(caught.value)
    assert "no disk" in str(caught.value)


def test_an_exit_code_may_be_an_answer(tmp_path: Path) -> None:
    """Take an exit code that the caller knows, as the doctor's where it finds something."""
    assert (
        run(python("step", "print('ill'); raise SystemExit(1)", tmp_path), codes=(0, 1)) == "ill\n"
    )
    with pytest.raises(DemoFailed, match=r"failed \(2\)"):
        run(python("step", "raise SystemExit(2)", tmp_path), codes=(0, 1))


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
    while not lines:
        time.sleep(0.02)
    server.stop()
    assert gone(server.pid)
    assert gone(int(lines[0]))


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
    assert gone(int(killed.stdout))


def test_the_reaper_spares_what_was_taken_out() -> None:
    """Leave groups alone that ended in good order."""
    assert remaining_groups(["+7\n", "+8\n", "-7\n"]) == {8}


def choose_ports(wanted: dict[str, int]) -> dict[str, int]:
    """Return which ports a demo would get."""
    with HeldPorts(wanted) as held:
        return held.ports


def test_a_taken_port_is_replaced() -> None:
    """Keep the ports that are free and choose another for one that is not."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = choose_ports({"site": port, "edge": 0})
    assert ports["site"] != port
    assert len(set(ports.values())) == 2


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


def test_port_of_a_server_that_ended_is_free() -> None:
    """A server's old connections, which end by themselves, do not make its port taken."""
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((HOST, port)):
            server.accept()[0].close()  # who closes first keeps the connection for a while
    assert choose_ports({"site": port}) == {"site": port}


def test_nobody_answers_on_a_closed_port() -> None:
    """Tell a server that is not there yet from one that answers."""
    port = choose_ports({"site": 0})["site"]
    assert not answers(f"http://{HOST}:{port}/")


def test_state_is_made_once(tmp_path: Path) -> None:
    """Read back ports, passwords and the key of a folder that is there already."""
    made = DemoState.open(tmp_path / "demo")
    key = made.private_key_path.read_bytes()
    assert DemoState.open(tmp_path / "demo") == made
    assert made.private_key_path.read_bytes() == key
    assert made.secret_key not in repr(made)
    assert made.root.secret_access_key not in repr(made)
