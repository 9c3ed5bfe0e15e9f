"""Run commands of the site as forks of one process: to set Django up and import takes longest.

``python -m tests.processes.commands`` reads a line for each command: a folder, and the arguments.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import django
from django.core.management import execute_from_command_line

from tests.background import PATIENCE, wait_until

#: What most commands, and the checks of Django before them, import besides.
_IMPORTED = (
    "cfsigned_django.aws.key_groups",
    "cfsigned_django.checks.cookies",
    "cfsigned_django.checks.rotation",
    "cfsigned_django.checks.storages",
    "cfsigned_django.management.commands.cfsigned_rotate",
    "cryptography.fernet",
    "django.core.management.commands.makemigrations",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.test",
    "jinja2",
    "tests.processes.site_views",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A separate process, with what it prints and its exit code in a folder."""

    arguments: tuple[str, ...]
    folder: Path
    pid: int

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        code = self.folder / "code"
        text = code.read_text() if code.exists() else ""
        return int(text) if text else None

    def wait(self, patience: float = PATIENCE) -> int:
        """Return the exit code as soon as it has ended; raise TimeoutError before, in seconds."""
        wait_until(lambda: self.poll() is not None, f"{self.arguments} ends", patience)
        code = self.poll()
        assert code is not None
        return code

    def kill(self) -> None:
        """Kill it, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    @property
    def printed(self) -> str:
        """What it has printed, errors included."""
        return (self.folder / "printed").read_text()


class Commands:
    """Start commands, and know each that was started."""

    def __init__(self, folder: Path, parent: subprocess.Popen[str]) -> None:
        self._folder, self._parent = folder, parent
        self.started: list[Command] = []

    def begin(self, *arguments: str) -> Command:
        """Start a management command."""
        folder = self._folder / str(len(self.started))
        folder.mkdir(parents=True)
        assert self._parent.stdin
        assert self._parent.stdout
        print(json.dumps([str(folder), arguments]), file=self._parent.stdin, flush=True)
        pid = int(self._parent.stdout.readline())
        self.started.append(Command(arguments=arguments, folder=folder, pid=pid))
        return self.started[-1]


@contextmanager
def running_commands(folder: Path, environment: Mapping[str, str]) -> Iterator[Commands]:
    """Run commands in a site's folder; kill those that are left at the end of the block."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=folder,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        commands = Commands(folder / "commands", parent)
        try:
            yield commands
        finally:
            for each in commands.started:
                each.kill()
            parent.communicate()


def main() -> None:
    """Start a command for each line, and print its process ID."""
    django.setup()
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()  # else each fork looks through all of it when it ends
    while line := sys.stdin.readline():
        folder, arguments = json.loads(line)
        if not os.fork():
            return _keep(Path(folder), arguments)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return None


def _keep(folder: Path, arguments: list[str]) -> None:
    """Be the parent of one command, and write its exit code; or be that command."""
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        (folder / "code").write_text(str(code))
        return
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    printed = os.open(folder / "printed", os.O_WRONLY | os.O_CREAT)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    execute_from_command_line(["django", *arguments])


if __name__ == "__main__":
    main()
