"""The questions: what depends on each, what a failure becomes, and what the report shows."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from acceptance.questions import (
    NOT_EMULATED,
    QUESTIONS,
    Question,
    Seen,
    invalidation_with_dots,
    invalidation_with_two_slashes,
    place_of,
)
from acceptance.report import Report
from acceptance.site import Pace
from acceptance.world import World
from cfsigned_django.viewer import Answer, NoAnswer
from tests.pages import ROOT, read

#: Stands for a world that no question of these tests asks.
WORLD: Any = type("World", (), {"is_emulator": False})()
EMULATOR: Any = type("Emulator", (), {"is_emulator": True})()


@pytest.mark.parametrize("each", QUESTIONS, ids=lambda each: each.ask.__name__)
def test_names_what_depends_on_it(each: Question) -> None:
    """Name pages that exist, or what the package defines, by file and line."""
    assert each.depends
    for depends in each.depends:
        path, _, rest = place_of(depends).partition(":")
        line = read(ROOT / path).splitlines()[int(rest.split()[0]) - 1 if rest else 0]
        assert depends.rpartition(":")[2].rpartition(".")[2] in line or not rest


def test_refuses_what_is_not_there() -> None:
    """Find no line for a function that the package does not define."""
    with pytest.raises(LookupError):
        place_of("signing.policy:Policy.is_gone")


def test_facts_are_on_the_page() -> None:
    """Number each question by a fact of the page, and ask about each fact of the page."""
    page = read(ROOT / "docs/explanation/checked-on-aws.md")
    facts = re.findall(r"^\| (\d+(?:\.\d+)?) \|", page, re.M)

    assert len(facts) == len({*facts})
    assert {*facts} == {each.fact for each in QUESTIONS}


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


class Edge:
    """A world whose edge keeps one copy of each file, which some items of invalidations clear."""

    def __init__(self, forgets: str = "", *, keeps: bool = True) -> None:
        self.forgets, self.keeps = forgets, keeps
        self.file, self.copy = b"acceptance", b""
        self.looks, self.in_vain = 0, set[str]()
        self.distribution_id = "D1"
        self.pace = Pace(look=0, glance=0)
        self.clients = SimpleNamespace(cloudfront=self)

    def custom(self, path: str) -> str:
        """Return a policy; here, it opens everything."""
        return path

    def link(self, path: str, **given: str) -> str:
        """Return a signed URL."""
        return path

    def write(self, name: str, body: bytes) -> None:
        """Write the file."""
        self.file = body

    def get(self, url: str) -> Answer:
        """Answer with the copy, else with the file, which may become the copy."""
        self.looks += 1
        answer = "Hit" if self.copy else "Miss"
        body = self.copy or self.file
        self.copy = body if self.keeps else b""
        return Answer(status=200, headers={"x-cache": answer}, body=body)

    def seconds_until(self, is_so: Any, every: float = 0) -> float | None:
        """Look twice."""
        return 0 if is_so() or is_so() else None

    def create_invalidation(self, *, InvalidationBatch: Any, **given: str) -> Any:
        """Forget the copy, if that is what the item does."""
        if self.forgets in InvalidationBatch["Paths"]["Items"]:
            self.copy = b""
        return {"Invalidation": {"Id": "I1"}}

    def get_invalidation(self, **given: str) -> Any:
        """Say that it is done."""
        return {"Invalidation": {"Status": "Completed"}}


@pytest.mark.parametrize(
    ("edge", "answer", "looks"),
    [
        (Edge("//double.txt"), "forgotten", 4),
        (Edge("/double.txt"), "kept", 4),
        (Edge(keeps=False), "never kept", 2),
    ],
)
def test_sees_what_an_edge_forgets(edge: Any, answer: str, looks: int) -> None:
    """Tell the copy from the file by its bytes; wait once for an edge that keeps nothing."""
    assert invalidation_with_two_slashes(edge) == answer
    before = edge.looks
    again = invalidation_with_dots(edge)

    assert before == looks
    assert again == ("kept" if answer != "never kept" else answer)
    assert (edge.looks == before) == (answer == "never kept")


def test_cookies_by_path() -> None:
    """Send the sets whose Path the path begins with, the longest first, as browsers do."""
    world: Any = type("World", (World,), {"said": lambda self, url, Cookie: Cookie, "domain": "x"})
    sets = {"/a/": "1", "/a/b/": "2", "/c/": "3"}

    assert world.with_cookies(world.__new__(world), "/a/b/c.txt", sets) == "2; 1"


def test_report(tmp_path: Path) -> None:
    """Write what differs first, with what would have to change, and none of the given words."""
    asked = replace(
        QUESTIONS[0], fact="1.4", asks="Is | it so?", expected="yes", depends=("conf:OPTIONS",)
    )
    differs = replace(asked, asks="Is it?")
    report = Report(
        endpoint="",
        day=date(2026, 12, 1),
        is_whole=True,
        seen=[
            Seen(asked, "yes", is_expected=True),
            Seen(differs, "no: 111122223333", is_expected=False),
        ],
    )

    page, data = (path.read_text() for path in report.write(tmp_path, without=["111122223333"]))

    shown = "**1.4 Is it?** no: …. Expected: yes. To change: cfsigned_django/conf.py:"
    assert page.index(shown) < page.index("| 1.4 | Is \\| it so? | yes | yes |  |")
    assert "| 1.4 | Is it? | no: … | yes | differs |" in page
    assert "111122223333" not in page + data
    found = json.loads(data)
    assert (found["asked"], found["day"]) == ("AWS", "2026-12-01")
    assert [each["mark"] for each in found["answers"]] == ["", "differs"]
    assert "emulator" in replace(report, endpoint="http://127.0.0.1").as_markdown()
    broken = replace(report, is_whole=False, seen=report.seen[:1]).as_markdown()
    assert "broke off" in broken
    assert "Nothing so far." in broken
    assert "broke off" not in page
