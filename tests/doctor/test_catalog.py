"""Keep the ids of findings, and what the documentation says of them, as they are."""

from __future__ import annotations

import re
from pathlib import Path

from cfsigned_django.doctor.catalog import CATALOG, finding
from cfsigned_django.doctor.findings import Level
from tests.doctor.test_explain import KNOWLEDGE, WRONG
from tests.doctor.test_faults import FAULTS, HEALTHY, OPENED, SOUND
from tests.doctor.test_live import ANSWERS, CLOCKS, CORS

PAGE = Path(__file__).parent.parent.parent / "docs" / "problems" / "403.md"
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| (ok|warning|error) \| (.+) \| (.+) \|$", re.MULTILINE)

#: What comes in no table: in test_command, test_failures and test_live.
ALONE = {
    *("cannot-sign", "foreign-signer", "cannot-decrypt", "key-pair-differs", "database"),
    *("old-encryption", "weak-secret-key"),
    *("rotation-waits", "rotation-stuck", "aws-not-asked", "url-good", "url-policy"),
    "url-refusal-cors",
    *("bucket-refused", "clock-unknown", "signed-passes"),
}


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


def test_every_kind_comes() -> None:
    """Each id comes in some case; a system check has its own id in place of check-warning."""
    scenes = [*FAULTS.values(), *SOUND.values()]
    lists = [
        *(ids for _, ids in scenes),
        *(ids for _, ids in WRONG),
        *(ids for *_, ids in KNOWLEDGE),
        [kind_id for *_, kind_id in ANSWERS if kind_id],
        [kind_id for *_, kind_id in CLOCKS],
        *(ids for _, _, ids, _ in CORS),
        *([*kinds.values()] for _, kinds in OPENED),
    ]
    expected = {*HEALTHY, *(each for ids in lists for each in ids)}

    assert {*CATALOG} - expected == ALONE | {"check-warning", "check-error"}
    assert {each for each in expected if not each.startswith("cfsigned.")} <= {*CATALOG}


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
