"""Keep the ids of findings, and what the documentation says of them, as they are.

Modules: tools/catalog.py, tools/doctor/report.py
"""

from __future__ import annotations

import json
import os
import re
from textwrap import fill

import pytest
from django.core.management import CommandError

from cfsigned_django.core.validation import TABLE
from cfsigned_django.tools.catalog import CATALOG, FindingType
from cfsigned_django.tools.doctor.report import in_general, sentence
from cfsigned_django.tools.findings import Level
from tests.golden import DIRECTORY as GOLDEN
from tests.pages import DOCS, read
from tests.tools.doctor import run
from tests.tools.doctor.sites import HEALTHY, LIVE, OPENED, SITES, ids_in
from tests.tools.doctor.test_explain import KNOWLEDGE, WRONG
from tests.tools.doctor.test_live import ANSWERS, CORS, OTHERWISE

PAGE = DOCS / "problems" / "findings.md"
#: The line of the page below which all is written by UPDATE_GOLDEN=1.
WRITTEN = "<!-- Written by UPDATE_GOLDEN=1 from here on. -->\n"
#: The first finding of each section, and its heading.
SECTIONS = {
    "cannot-sign": "Settings",
    "database": "Keys in the database",
    "clock-off": "Clock",
    "aws-unreadable": "Access to AWS",
    "no-distribution": "Distribution",
    "key-unknown": "Key group",
    "behavior-open": "Behaviors",
    "origin-not-bucket": "Origin",
    "bucket-missing": "Bucket",
    "cors-rule-missing": "CORS, downloads and caching at AWS",
    "no-answer": "Who answers",
    "unsigned-refused": "Requests with and without a signature",
    "cors": "CORS in the answers",
    "s3-private": "S3 without CloudFront",
    "url-not-absolute": "One URL, with --explain",
}
#: What is code in the texts of the catalog, or would be markup on a page.
CODE = re.compile(
    r"\{%.*?%\}|(?:manage\.py )?cfsigned_\w+(?:\.\w+)*(?: --[a-z-]+(?: (?:ARN|NAME)\b)?)*"
    r"|--[a-z][a-z-]*|\b[A-Z]+_[A-Z0-9_]+\b|\w+\(\)|\b(?:download|inline|parameters|ip_address|crossorigin)=(?:\"\w+\")?"
    r"|<img>|&amp;|\\u0026|\\/"
)

#: What comes in no table: in test_command and test_live.
ALONE = {
    *("cannot-sign", "foreign-signer", "database"),
    *("changed-url", "unsigned-url"),
    *("rotation-waits", "rotation-stuck"),
    "cannot-invalidate",
}


def test_documentation_lists_every_kind() -> None:
    """The page has each id: a heading with meaning and remedy, or a row if there is none to do."""
    above, _, _ = read(PAGE).partition(WRITTEN)
    page = above + WRITTEN + written()
    if os.environ.get("UPDATE_GOLDEN") == "1":
        PAGE.write_text(page, encoding="utf-8")

    assert read(PAGE) == page


def written() -> str:
    """Return the sections."""
    sections: dict[str, list[str]] = {}
    for kind_id in CATALOG:
        sections.setdefault(SECTIONS.get(kind_id) or [*sections][-1], []).append(kind_id)
    return "".join(f"\n## {heading}\n{section(ids)}" for heading, ids in sections.items())


def section(ids: list[str]) -> str:
    """Return what the page says of some findings: first those with something to do."""
    text = ""
    for kind_id in ids:
        kind = CATALOG[kind_id]
        if kind.fix:
            option = kind.option or "--revert-drift"
            repair = f" In a stack: cfsigned_setup --stack NAME {option}."
            stack = repair if kind.resource else ""
            level = "note" if kind.level is Level.OK else kind.level.value
            text += f"\n### {kind_id}\n\n"
            text += wrapped(f"**{level.capitalize()}.** {meaning(kind)}") + "\n\n"
            text += wrapped(f"**To do:** {marked(kind.fix)}{marked(stack)}") + "\n"
    good = [f"| `{each}` | {meaning(CATALOG[each])} |\n" for each in ids if not CATALOG[each].fix]
    return text + ("\n| In order | |\n|---|---|\n" + "".join(good) if good else "")


def meaning(kind: FindingType) -> str:
    """Return what a finding says, and why that matters, with names in place of values."""
    return marked(" ".join(filter(None, (sentence(in_general(kind)), kind.why))))


def marked(text: str) -> str:
    """Return a text with code in backticks."""
    return CODE.sub(r"`\g<0>`", text)


def wrapped(text: str) -> str:
    """Return a paragraph in lines of at most 100 characters."""
    return fill(text, 100, break_long_words=False, break_on_hyphens=False)


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

    assert {*CATALOG} - expected == ALONE
    assert {each for each in expected if not each.startswith("cfsigned.")} <= {*CATALOG}
