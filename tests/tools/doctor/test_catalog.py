"""Keep the ids of findings, and what the documentation says of them, as they are.

Modules: tools/catalog.py, tools/doctor/report.py
"""

from __future__ import annotations

import json
import re

import pytest
from django.core.management import CommandError

from cfsigned_django.core.validation import TABLE
from cfsigned_django.tools.catalog import CATALOG, Level
from docs.entries import print_findings
from tests.golden import DIRECTORY as GOLDEN
from tests.pages import DOCS, read
from tests.tools.doctor import run
from tests.tools.doctor.sites import HEALTHY, LIVE, OPENED, SITES, ids_in
from tests.tools.doctor.test_explain import KNOWLEDGE, WRONG
from tests.tools.doctor.test_live import ANSWERS, CORS, OTHERWISE

#: What comes in no table: in test_command and test_live.
ALONE = {
    *("cannot-sign", "foreign-signer", "database"),
    *("changed-url", "unsigned-url"),
    *("rotation-waits", "rotation-stuck"),
    "cannot-invalidate",
}


def test_documentation_lists_every_kind() -> None:
    """The page has each id, in the order of the catalog: a heading if there is something to do."""
    page = print_findings(read(DOCS / "problems" / "findings.md"))
    headings = re.findall(r"^### (.+)$", page, re.MULTILINE)
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE)

    edit = "Edit docs/problems/findings.md: a part begins with the id that its {findings} names."
    assert headings == [each for each, kind in CATALOG.items() if kind.fix], edit
    assert rows == [each for each, kind in CATALOG.items() if not kind.fix], edit
    assert page.count("**To do:**") == len(headings)


def test_meaning_of_an_id() -> None:
    """Print of each finding and system check what it means, why it matters and what to do."""
    for each in (*CATALOG, *TABLE):
        kind = CATALOG.get(each)

        said, code = run("--finding", each)
        [found] = json.loads(run("--finding", each, "--json")[0])

        assert f"[{each}]" in said
        assert (found["id"], code) == (each, 0)
        assert {found["why"], found["fix"]} >= ({kind.why, kind.fix} if kind else {TABLE[each]})
        assert not re.search(r"\{\w+\}", said)
        assert "see:" not in said
        if kind is not None:
            assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", each)
            assert kind.level is Level.OK or (kind.why.endswith(".") and kind.fix.endswith("."))

    with pytest.raises(CommandError, match="--finding 'buckets'"):
        run("--finding", "buckets")


def test_every_kind_comes() -> None:
    """Each id comes in some case."""
    lists = [
        *(ids_in(ids) for ids, _ in [*SITES, *LIVE]),
        *(ids for _, ids in WRONG),
        re.findall(r"\[([a-z-]+)\]", read(GOLDEN / "doctor-explain.txt")),
        *(ids for *_, ids in KNOWLEDGE),
        [kind_id for *_, kind_id in ANSWERS if kind_id],
        *(ids for *_, ids in OTHERWISE),
        *(ids for *_, ids, _ in CORS),
        *(ids.split() for _, kinds in OPENED for ids in kinds.values()),
    ]
    expected = {*HEALTHY, *(each for ids in lists for each in ids)}

    assert {*CATALOG} - expected == ALONE, (
        "Give it a row in tests/tools/doctor: SITES (sites.py) for an account, WRONG "
        "(test_explain.py) for a URL, ANSWERS (test_live.py) for an answer; or a test, and ALONE."
    )
    assert {each for each in expected if not each.startswith("cfsigned.")} <= {*CATALOG}, (
        "Edit cfsigned_django/tools/catalog.py, or leave out its row in tests/tools/doctor."
    )
