"""Keep the ids of findings, and what the documentation says of them, as they are."""

from __future__ import annotations

import re
from pathlib import Path

from cfsigned_django.doctor.catalog import CATALOG, finding
from cfsigned_django.doctor.findings import Level

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "diagnose.md"
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| (ok|warning|error) \| (.+) \| (.+) \|$", re.MULTILINE)


def test_documentation_lists_every_kind() -> None:
    """The tables of the page have one row for each id, with level, meaning and remedy."""
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))

    shown = {kind_id: (level, *map(plain, texts)) for kind_id, level, *texts in rows}

    assert len(rows) == len(shown)
    assert shown == {
        kind_id: (str(kind.level), kind.meaning, kind.fix or "Nothing")
        for kind_id, kind in CATALOG.items()
    }


def plain(cell: str) -> str:
    """Return the text of a cell without the marks of code."""
    return cell.replace("`", "")


def test_every_fault_has_a_reason_and_a_remedy() -> None:
    """Say of each warning and error why it matters and what to do, in whole sentences."""
    for kind_id, kind in CATALOG.items():
        assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", kind_id)
        assert not kind.meaning.endswith(".")
        if kind.level is not Level.OK:
            assert kind.why.endswith(".")
            assert kind.fix.endswith(".")


def test_every_kind_is_used() -> None:
    """Have a place in the code for each id, and a test that names it."""
    package = ROOT / "cfsigned_django" / "doctor"
    code = "".join(path.read_text() for path in package.glob("*.py") if path.name != "catalog.py")
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    for kind_id in CATALOG:
        made = kind_id.replace("tampered", "{kind}").replace("expired-", "{kind}-")
        assert f'"{kind_id}"' in code or f'f"{made}"' in code, kind_id
        assert kind_id in tests or kind_id.startswith("check-"), kind_id


def test_own_words() -> None:
    """Let a finding say why and what to do in its own words."""
    made = finding("clock", "What.", subject="x", why="Why.", fix="Fix.")

    assert made.to_json() == {
        "id": "clock",
        "level": "ok",
        "what": "What.",
        "why": "Why.",
        "fix": "Fix.",
        "subject": "x",
    }
