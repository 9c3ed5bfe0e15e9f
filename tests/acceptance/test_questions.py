"""The questions: what depends on each, what a failure becomes, and what the report shows."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from acceptance.questions import NOT_EMULATED, QUESTIONS, Question, Seen
from acceptance.report import Report
from cfsigned_django.viewer import NoAnswer
from tests.pages import ROOT, read

SEEN = Seen(
    fact="1.4",
    asks="Is | it so?",
    expected="yes",
    depends="viewer.py",
    answer="yes",
    is_expected=True,
)
#: Stands for a world that no question of these tests asks.
WORLD: Any = type("World", (), {"is_emulator": False})()
EMULATOR: Any = type("Emulator", (), {"is_emulator": True})()


@pytest.mark.parametrize("each", QUESTIONS, ids=lambda each: each.ask.__name__)
def test_names_what_depends_on_it(each: Question) -> None:
    """Name files of the package or pages that exist, and functions that are in them."""
    if each.depends.startswith("nothing yet"):
        return
    paths = re.findall(r"[\w/-]+\.(?:py|md)", each.depends)
    files = [
        ROOT / (path if path.startswith("docs/") else f"cfsigned_django/{path}") for path in paths
    ]
    assert files
    text = "\n".join(read(path) for path in files)
    for name in re.findall(r"([A-Za-z_.]+)\(\)|\b(_?[A-Z]{2,}_[A-Z_]+)\b", each.depends):
        last = "".join(name).rpartition(".")[2]
        assert last in text or last == "url"


def asks(ask: Any) -> Question:
    """Return a question with the expected answer yes."""
    return replace(QUESTIONS[0], ask=ask, expected="yes", is_emulated=False)


def failing(error: Exception) -> Any:
    """Return what raises it."""

    def ask(world: Any) -> str:
        raise error

    return ask


@pytest.mark.parametrize(
    ("ask", "answer", "is_expected"),
    [
        (lambda world: "yes", "yes", True),
        (lambda world: "no", "no", False),
        (lambda world: ("3 s", True), "3 s", True),
        (failing(NoAnswer("Connection refused")), "could not ask: NoAnswer", False),
        (
            failing(ClientError({"Error": {"Code": "AccessDenied"}}, "x")),
            "could not ask: AccessDenied",
            False,
        ),
    ],
)
def test_compares_what_was_seen(ask: Any, answer: str, is_expected: bool) -> None:
    """Return the answer and whether it is expected; a failure is an answer that is not."""
    seen = asks(ask).seen(WORLD)

    assert (seen.answer, seen.is_expected) == (answer, is_expected)
    assert asks(ask).seen(EMULATOR).answer == NOT_EMULATED


def test_report(tmp_path: Path) -> None:
    """Write what differs first, with what would have to change, and none of the given words."""
    differs = replace(SEEN, asks="Is it?", answer="no: 111122223333", is_expected=False)
    report = Report(
        endpoint="",
        day=date(2026, 12, 1),
        is_whole=True,
        commands=[("cfsigned_setup", "0")],
        seen=[SEEN, differs],
    )

    page, data = (path.read_text() for path in report.write(tmp_path, without=["111122223333"]))

    assert page.index("**1.4 Is it?** no: …. Expected: yes. To change: viewer.py.") < page.index(
        "| 1.4 | Is \\| it so? | yes | yes |  |"
    )
    assert "| 1.4 | Is it? | no: … | yes | differs |" in page
    assert "111122223333" not in page + data
    found = json.loads(data)
    assert (found["asked"], found["day"]) == ("AWS", "2026-12-01")
    assert [each["is_expected"] for each in found["answers"]] == [True, False]
    assert "emulator" in replace(report, endpoint="http://127.0.0.1").as_markdown()
    assert "broke off" in replace(report, is_whole=False).as_markdown()
    assert "broke off" not in page
