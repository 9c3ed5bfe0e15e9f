"""Play what the pages about rotation show: commands, tasks and permissions."""

from __future__ import annotations

import builtins
import io
import json
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest
from django.core.management import ManagementUtility

from cfsigned_django.rotation.models import KeyPair
from tests.admin import KEY_GROUP_ID, KEY_PAIR_IDS
from tests.admin.conftest import cloudfront, story
from tests.pages import DOCS, HOW_TO, ROTATION, SCHEDULER, read, snippets
from tests.rotation import Shell, plain
from tests.rotation.conftest import shell

__all__ = ["cloudfront", "shell", "story"]

pytestmark = pytest.mark.django_db(transaction=True)

KEY_LEAKED = HOW_TO / "key-leaked.md"
POLICY = DOCS / "reference" / "iam" / "rotation.json"
#: A transcript, and how long after the one before it is taken; it may be indented, in a list.
TRANSCRIPT = re.compile(
    r"^ *<!-- rotation(?P<later>[^>]*?) -->\n(?P<indent> *)```console\n(?P<code>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
UNITS = {"s": 1, "min": 60, "days": 86400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Run commands, with the ids of the pages."""

    cloudfront: Shell
    last_code: list[int]
    #: What the person answers to the questions of a command.
    typed: list[str]

    def names(self) -> list[tuple[str, str]]:
        """Return pairs of what the test and what the pages call the same thing."""
        known = KeyPair.objects.exclude(key_pair_id=None).values_list("key_pair_id", flat=True)
        ids = sorted({self.cloudfront.settings_key_id, *filter(None, known)})
        return [
            *zip(ids, KEY_PAIR_IDS, strict=False),
            (self.cloudfront.key_group_id, KEY_GROUP_ID),
        ]

    def run(self, line: str) -> str:
        """Return what a command prints on the screen."""
        if line == "echo $?":
            return f"{self.last_code[0]}\n"
        for test, page in self.names():
            line = line.replace(page, test)
        program, *arguments = shlex.split(line)
        assert program == "python"
        if "--revoke" in arguments:
            self.typed[:] = ["yes", arguments[arguments.index("--revoke") + 1]]
        screen, self.last_code[0] = io.StringIO(), 0
        with redirect_stdout(screen), redirect_stderr(screen):
            try:
                ManagementUtility(arguments).execute()
            except SystemExit as end:
                self.last_code[0] = int(end.code or 0)
        text = screen.getvalue()
        for test, page in self.names():
            text = text.replace(test, page)
        # A key that has no id yet is named by its fingerprint, which is another one each time.
        return plain(text)


@pytest.fixture
def terminal(cloudfront: Shell, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal, at which a person types what is asked for."""

    terminal = Terminal(cloudfront=cloudfront, last_code=[0], typed=[])

    def answer() -> str:
        wanted = terminal.typed.pop(0)
        print(wanted)
        return wanted

    monkeypatch.setattr(builtins, "input", answer)
    return terminal


def transcripts(pages: list[Path]) -> Iterator[re.Match[str]]:
    """Find the transcripts of pages that follow one another, in their order."""
    return TRANSCRIPT.finditer("".join(map(read, pages)))


def play(pages: list[Path], story: Shell, terminal: Terminal) -> list[str]:
    """Run the commands of pages and return what was printed in the place of their transcripts."""
    seen = []
    for found in transcripts(pages):
        for number, unit in re.findall(r"(\d+) (s|min|days)\b", found["later"]):
            story.wait(int(number) * UNITS[unit])
        commands = re.findall(r"^\$ (.*)$", dedent(found["code"]), re.MULTILINE)
        seen.append("".join(f"$ {each}\n{terminal.run(each)}" for each in commands))
    return seen


def shown(pages: list[Path]) -> list[str]:
    """Return the transcripts as the pages show them."""
    texts = [plain(dedent(found["code"])) for found in transcripts(pages)]
    assert len(texts) > 1
    return texts


def test_rotation_by_command(story: Shell, terminal: Terminal) -> None:
    """The commands print what the pages show, and the policy for them allows what they call."""
    story.now = datetime(2026, 9, 1, 14, tzinfo=UTC)

    assert play(ROTATION, story, terminal) == shown(ROTATION)
    called = {each.title().replace("_", "") for each in terminal.cloudfront.calls}
    [statement] = json.loads(read(POLICY))["Statement"]
    assert statement["Action"] == sorted(f"cloudfront:{each}" for each in called)


def test_revocation_by_command(story: Shell, terminal: Terminal) -> None:
    """The commands of the page about a leak print what it shows."""
    story.imported(days=97)
    story.wait(30 * 86400)

    assert play([KEY_LEAKED], story, terminal) == shown([KEY_LEAKED])


def test_a_scheduled_task(
    story: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The task of the page does a step each time, and does not fail because it must wait."""
    celery = ModuleType("celery")
    vars(celery)["shared_task"] = lambda function: function
    monkeypatch.setitem(sys.modules, "celery", celery)
    [code] = [each.code for each in snippets(SCHEDULER) if each.role == "task"]
    names: dict[str, Any] = {}
    exec(compile(code, SCHEDULER.name, "exec"), names)  # noqa: S102 - our own page
    story.imported(days=97)

    for _ in range(4):
        names["rotate_keys"]()
        story.wait(20)

    assert set(KeyPair.objects.values_list("status", flat=True)) == {"active", "trusted"}
    assert "Not yet:" in capsys.readouterr().out
