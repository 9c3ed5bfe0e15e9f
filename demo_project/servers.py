"""Start, watch and stop the demo's servers, on reserved ports."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

from demo_project.reaper import end_group
from demo_project.state import BASE_FOLDER, FOLDER_VARIABLE, HOST, DemoState

PATIENCE_TO_START = 60.0
PATIENCE_TO_STOP = 5.0


class DemoFailed(Exception):
    """A step of the demo failed; the message says which one, why, and where its log is."""

    def __init__(self, what: str, log: Path, *, lines: int = 15) -> None:
        self.what = what
        self.log = log
        super().__init__(f"{what}\nThe end of its log, {log}:\n{tail(log, lines)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run; `ready_url` answers with any status once the server is up."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    ready_url: str = ""


class Reaper:
    """The process that ends the servers if this one is killed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "demo_project.reaper"],
            cwd=BASE_FOLDER,
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def care_for(self, group: int) -> None:
        """End the process group if this process ends."""
        self._tell(f"+{group}")

    def forget(self, group: int) -> None:
        """Leave the process group alone: it has ended, and its number may be used again."""
        self._tell(f"-{group}")

    def close(self) -> None:
        """Let the reaper end, and wait for it."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        if self._process.stdin and self._process.poll() is None:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()


class Child:
    """One running process of the demo; after `stop`, no process of its group is left."""

    def __init__(
        self, command: Command, reaper: Reaper, echo: Callable[[str], None] | None = None
    ) -> None:
        self.command = command
        self._reaper = reaper
        command.log.parent.mkdir(parents=True, exist_ok=True)
        self._log = command.log.open("wb")
        self._process = subprocess.Popen(
            command.arguments,
            cwd=BASE_FOLDER,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if echo else self._log,
            stderr=subprocess.STDOUT,
            # Ctrl-C then reaches this process alone, which stops the others in order.
            start_new_session=True,
        )
        reaper.care_for(self._process.pid)
        self._copy = threading.Thread(target=self._copy_output, args=(echo,), daemon=True)
        self._copy.start()

    @property
    def pid(self) -> int:
        """The id of the process, which is the id of its group as well."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process has ended; a server should not end before `stop`."""
        return self._process.poll() is not None

    def wait_until_ready(self) -> Self:
        """Return when the server answers; raise DemoFailed if it ends or takes too long."""
        deadline = time.monotonic() + PATIENCE_TO_START
        while time.monotonic() < deadline:
            if self.ended:
                raise self.failure()
            if answers(self.command.ready_url):
                return self
            time.sleep(0.05)
        what = f"{self.command.name} did not answer within {PATIENCE_TO_START:.0f} s."
        raise DemoFailed(what, self.command.log)

    def failure(self) -> DemoFailed:
        """Return the error that says how the process ended."""
        code = self._process.returncode
        how = f"with exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
        return DemoFailed(f"{self.command.name} ended {how}.", self.command.log)

    def stop(self) -> None:
        """Ask the process's group to stop, kill what is left of it, and wait."""
        end_group(self.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE_TO_STOP)
        # The group may outlive its first process: kill what is left of it.
        end_group(self.pid, signal.SIGKILL)
        self._process.wait()
        self._copy.join(PATIENCE_TO_STOP)
        self._reaper.forget(self.pid)
        self._log.close()

    def _copy_output(self, echo: Callable[[str], None] | None) -> None:
        if echo is None or self._process.stdout is None:
            return
        with self._process.stdout as output:
            for line in output:
                self._log.write(line)
                self._log.flush()
                echo(line.decode("utf-8", "replace").rstrip())


class HeldPorts:
    """Ports that no other process gets: for each name, the requested port if free, else another.

    No server answers on them. Ports not given away are released at the end of the `with` block.
    """

    def __init__(self, wanted: Mapping[str, int]) -> None:
        self._sockets: dict[str, socket.socket] = {}
        try:
            for name, port in wanted.items():
                self._sockets[name] = _bind(port)
        except OSError:
            self.close()
            raise
        self.ports = {name: each.getsockname()[1] for name, each in self._sockets.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def give(self, name: str) -> None:
        """Release the port of the server with this name, which takes it now."""
        self._sockets.pop(name).close()

    def close(self) -> None:
        """Release every port."""
        for each in self._sockets.values():
            each.close()
        self._sockets.clear()


def _bind(port: int) -> socket.socket:
    """Return a socket that has the port, or another one."""
    # A port that a server of this demo used a moment ago can only be shared. Try sharing second:
    # a demo that starts at the same time could share the port, too.
    for candidate, shares in ((port, False), (port, True), (0, False)):
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, shares)
        try:
            held.bind((HOST, candidate))
        except OSError:
            held.close()
        else:
            return held
    raise OSError(f"No free port on {HOST}.")


def answers(url: str) -> bool:
    """Return whether a server answers at the URL, whatever its answer is."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.netloc, timeout=10)
    try:
        connection.request("GET", place.path or "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def tail(log: Path, lines: int) -> str:
    """Return the last lines of a log, indented."""
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    last = text.rstrip().splitlines()[-lines:] or ["(nothing was written)"]
    return "\n".join(f"    {line}" for line in last)


def manage_command(
    state: DemoState,
    name: str,
    *arguments: str,
    ready_url: str = "",
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Command:
    """Return how to run a command of the site's manage.py."""
    return Command(
        name=name,
        arguments=[sys.executable, str(BASE_FOLDER / "manage.py"), *arguments],
        environment=environment(
            DJANGO_SETTINGS_MODULE="demo_project.settings",
            NO_COLOR="1",
            **{FOLDER_VARIABLE: str(state.folder)},
            **variables,
        ),
        log=state.logs / f"{name}.log",
        ready_url=ready_url,
    )


def run(
    command: Command,
    tell: Callable[[str], object] | None = None,
    *,
    codes: Sequence[int] = (0,),
) -> str:
    """Run a command to its end and return what it printed; `tell` gets each line as it comes.

    Its errors go into the log, and below them what it printed. Raise DemoFailed for an exit code
    that is not one of `codes`.
    """
    command.log.parent.mkdir(parents=True, exist_ok=True)
    printed = []
    with (
        command.log.open("wb") as log,
        subprocess.Popen(
            command.arguments,
            cwd=BASE_FOLDER,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        assert process.stdout is not None  # noqa: S101 - as asked for above
        try:
            for line in process.stdout:
                printed.append(line.decode("utf-8", "replace"))
                if tell:
                    tell(printed[-1].rstrip())
        except BaseException:
            process.kill()
            raise
        process.wait()
        log.seek(0, os.SEEK_END)
        log.write("".join(printed).encode())
    if process.returncode not in codes:
        what = " ".join(command.arguments[1:]).replace(f"{BASE_FOLDER}{os.sep}", "")
        raise DemoFailed(f"{what} failed ({process.returncode}).", command.log)
    return "".join(printed)


def environment(**extra: str) -> dict[str, str]:
    """Return this process's environment with additions, and no proxy for local addresses."""
    return {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONUNBUFFERED": "1", **extra}
