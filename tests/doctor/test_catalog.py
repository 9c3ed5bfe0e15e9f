"""Keep the ids of findings, and what the documentation says of them, as they are.

Modules: doctor/catalog.py, doctor/findings.py
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from cfsigned_django.doctor.catalog import CATALOG
from cfsigned_django.doctor.findings import Level, sentence
from tests.doctor.sites import HEALTHY, LIVE, OPENED, SITES
from tests.doctor.test_explain import KNOWLEDGE, WRONG
from tests.doctor.test_live import ANSWERS, CLOCKS, CORS
from tests.pages import DOCS, read

PAGE = DOCS / "problems" / "findings.md"
#: The line of the page below which all is written by UPDATE_GOLDEN=1.
WRITTEN = "<!-- Written by UPDATE_GOLDEN=1 from here on. -->\n"
#: The first finding of each section, and its heading.
SECTIONS = {
    "settings": "Settings, keys and clock",
    "aws-unreadable": "What AWS says",
    "origin": "Origin, bucket, and what CloudFront forwards",
    "no-answer": "What CloudFront and S3 answer",
    "url-not-absolute": "One URL, with --explain",
}
#: What is code in the texts of the catalog, or would be markup on a page.
CODE = re.compile(
    r"\{%.*?%\}|(?:manage\.py )?cfsigned_\w+(?:\.\w+)*(?: --[a-z-]+(?: ARN)?)*|--[a-z][a-z-]*"
    r"|\b[A-Z]+_[A-Z0-9_]+\b|\w+\(\)|\b(?:download|ip_address|crossorigin)=(?:\"\w+\")?"
    r"|<img>|&amp;|\\u0026|\\/"
)

#: The place of a value in the pattern of a text.
PLACE = re.compile(r"\{(\w+)\}")
#: The same if the value may be empty: nothing separates it from what stands before it.
MAY_BE_EMPTY = re.compile(r"(?<=[\w.}])\{\w+\}")

#: What comes in no table: in test_command, test_failures and test_live.
ALONE = {
    *("cannot-sign", "foreign-signer", "cannot-decrypt", "key-pair-differs", "database"),
    *("old-encryption", "weak-secret-key", "changed-url", "unsigned-url"),
    *("rotation-waits", "rotation-stuck", "aws-not-asked", "url-good", "url-policy"),
    "url-refusal-cors",
    *("bucket-refused", "clock-unknown", "signed-passes"),
    *("invalidation", "cannot-invalidate", "variants-kept"),
}


def test_documentation_lists_every_kind() -> None:
    """The page has one row for each id, with its level, meaning, reason and remedy."""
    above, _, _ = read(PAGE).partition(WRITTEN)
    page = above + WRITTEN + "".join(tables())
    if os.environ.get("UPDATE_GOLDEN") == "1":
        PAGE.write_text(page, encoding="utf-8")

    assert read(PAGE) == page


def tables() -> Iterator[str]:
    """Yield the lines of the page, section by section."""
    for kind_id, kind in CATALOG.items():
        if heading := SECTIONS.get(kind_id):
            yield f"\n## {heading}\n\n| Finding | Level | Meaning | What to do |\n"
            yield "|---|---|---|---|\n"
        what = MAY_BE_EMPTY.sub("", kind.what)
        what = PLACE.sub(lambda found: found[1].replace("_", " ").upper(), what)
        meaning = " ".join(filter(None, (sentence(what), kind.why)))
        option = f" {kind.option}" if kind.option else ""
        step = f"cfsigned_setup{option}, step {kind.step}" if kind.is_repaired else ""
        fix = " ".join(filter(None, (kind.fix or "Nothing", f"Or: {step}." if step else "")))
        texts = (CODE.sub(r"`\g<0>`", each) for each in (meaning, fix))
        yield f"| `{kind_id}` | {kind.level} | {' | '.join(texts)} |\n"


def test_every_fault_has_a_reason_and_a_remedy() -> None:
    """Say of each warning and error why it matters and what to do, in whole sentences."""
    for kind_id, kind in CATALOG.items():
        assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", kind_id)
        if kind.level is not Level.OK:
            assert kind.why.endswith(".")
            assert kind.fix.endswith(".")


def test_every_kind_comes() -> None:
    """Each id comes in some case; a system check has its own id in place of check-warning."""
    lists = [
        *(ids.replace("|", "").split() for ids, _ in [*SITES, *LIVE]),
        *(ids for _, ids in WRONG),
        *(ids for *_, ids in KNOWLEDGE),
        [kind_id for *_, kind_id in ANSWERS if kind_id],
        [kind_id for *_, kind_id in CLOCKS],
        *(ids for *_, ids, _ in CORS),
        *([*kinds.values()] for _, kinds in OPENED),
    ]
    expected = {*HEALTHY, *(each for ids in lists for each in ids)}

    assert {*CATALOG} - expected == ALONE | {"check-warning", "check-error"}
    assert {each for each in expected if not each.startswith("cfsigned.")} <= {*CATALOG}
