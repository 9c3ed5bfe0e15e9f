"""Do what a page tells its reader to do: type commands, write files, start servers.

The role of a code block says what it is for: ``write FILE``, ``append FILE``,
``cut FILE`` (delete from this line to the end), ``paste FILE`` (settings that a
command has printed, which look like this), ``server NAME`` (in another
terminal), ``log NAME`` (what that terminal shows). Without a role, the commands
of a console block are typed into the first terminal, and print what the block
says, where ``...`` is whatever there is; with the role ``fails``, they exit
with 1. What stands after ``>>>`` is typed to the command above it.
"""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.background import PATIENCE, listens, running, wait_until
from tests.pages import Snippet

_END = "\x01"


class Terminal:
    """A shell that stays open. Each command gets the answer "yes", should it ask."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._shell = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, command: str, expected: str = "0") -> str:
        """Return what a command prints, which must exit with the expected code."""
        assert self._shell.stdin
        assert self._shell.stdout
        self._shell.stdin.write(f"{{ {command}\n}} <<< yes\necho {_END}$?\n")
        self._shell.stdin.flush()
        patience = threading.Timer(PATIENCE, self._shell.kill)
        patience.start()
        lines = []
        for line in self._shell.stdout:
            text, end, code = line.partition(_END)
            lines.append(text)
            if end:
                break
        else:
            code = "the shell ended"
        patience.cancel()
        printed = "".join(lines)
        assert code.strip() == expected, f"{command}\n{printed}\n{code}"
        return printed

    def close(self) -> None:
        """End the shell."""
        self._shell.communicate("exit\n", timeout=PATIENCE)


@dataclass(kw_only=True)
class Reader:
    """Follow pages in a folder, with what they say of it replaced, such as ports by free ones."""

    folder: Path
    environment: dict[str, str]
    replaced: Mapping[str, str]
    terminal: Terminal
    servers: ExitStack
    screen: str = field(default="", init=False)

    def do(self, snippet: Snippet) -> None:
        """Do what a code block is for."""
        code = self.text(snippet.code)
        match snippet.role:
            case None | "fails" | "waits" as role:
                self.type(code, expected={"fails": "1", "waits": "75"}.get(role or "", "0"))
            case "server":
                self.start(snippet.subject or "", code)
            case "log":
                log = self.folder / f"{snippet.subject}.log"
                wait_until(lambda: not missing(code, log.read_text()), f"{log} shows\n{code}")
            case role:
                self.edit(role, self.folder / (snippet.subject or ""), code)

    def text(self, page: str) -> str:
        """Return what a page says, as it is here."""
        for shown, here in self.replaced.items():
            page = page.replace(shown, here)
        return page

    def type(self, code: str, expected: str = "0") -> None:
        """Type the commands of a block into the terminal, and compare what they print."""
        for command, shown in commands(code):
            self.screen = self.terminal.run(command, expected)
            lost = missing(shown, self.screen)
            assert lost == [], f"{command}\n{self.screen}"

    def start(self, name: str, code: str) -> None:
        """Start a server in a new terminal; it runs until the servers are stopped."""
        *before, (last, shown) = commands(code)
        script = "\n".join(["set -e", *(each for each, _ in before), f"exec {last}"])
        port = int(re.findall(r"\b\d{4,5}\b", code)[-1])
        log = self.folder / f"{name}.log"
        self.servers.enter_context(
            running(
                ["bash", "-c", script],
                is_ready=lambda: listens(port),
                log=log,
                folder=self.folder,
                environment={**self.environment, "PYTHONUNBUFFERED": "1"},
                stop_with=signal.SIGINT,
            )
        )
        wait_until(lambda: not missing(shown, log.read_text()), f"{log} shows\n{shown}")

    def edit(self, role: str, path: Path, code: str) -> None:
        """Write, append to or shorten a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text() if path.exists() else ""
        match role:
            case "write":
                after = code
            case "append":
                after = f"{before}\n{code}"
            case "cut":
                kept, found, _ = before.partition(code)
                assert found
                after = kept
            case "paste":
                printed = re.search(r"^AWS_.*^}$", self.screen, re.MULTILINE | re.DOTALL)
                assert printed
                assert names(printed[0]) == names(code)
                after = f"{before}\n{printed[0]}\n"
            case _:
                raise ValueError(f"{role} is not a role: see the top of this module")
        path.write_text(after)


def commands(code: str) -> list[tuple[str, str]]:
    """Return the commands of a console block, and what the block says that each prints."""
    command = r"^\$ (.*\n(?:> .*\n)*)((?:>>> .*\n)*)((?:(?!\$ ).*\n)*)"
    found = []
    for each, typed, shown in re.findall(command, code, re.MULTILINE):
        text = re.sub(r"^> ", "", each, flags=re.MULTILINE).strip()
        if typed:
            text += f" <<'END'\n{re.sub('^>>> ', '', typed, flags=re.MULTILINE)}END"
        found.append((text, shown))
    return found


def missing(shown: str, printed: str) -> list[str]:
    """Return the lines of a block that are not printed, or not in this order.

    A line of three dots stands for any lines, or for none.
    """
    lost, rest = [], printed
    for line in shown.splitlines():
        if line == "...":
            continue
        pattern = ".*".join(map(re.escape, line.split("...")))
        if found := re.search(pattern, rest):
            rest = rest[found.end() :]
        else:
            lost.append(line)
    return lost


def names(settings: str) -> list[str]:
    """Return the names that settings assign to."""
    return re.findall(r"^(\w+) = ", settings, re.MULTILINE)
