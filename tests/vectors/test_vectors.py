"""Obey the rows: what CloudFront does, as data that others can run, too.

Modules: signing/verifier.py, signing/policy.py, signing/resource.py, signing/encoding.py,
signing/signer.py, tools/edge/behavior.py, tools/edge/origin_request.py, tools/model/forwarding.py
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest
from cfnlint.jsonschema import StandardValidator

from tests.pages import read
from tests.vectors import FOLDER, KINDS, rows
from tests.vectors.__main__ import JS, PAGE, WHO, Count, expected, tables

FILES = sorted(FOLDER.glob("*-*.json"))
JAVASCRIPT = "AWS's JavaScript signer"
OURS = {"the verifier", "the edge, over HTTP", "the signer"}
PYTHON = [(kind, who) for kind in WHO for who in WHO[kind] if who != JAVASCRIPT]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_form(path: Path) -> None:
    """Have the form that the schema says."""
    schema = json.loads(read(FOLDER / "schema.json"))
    errors = StandardValidator(schema).iter_errors(json.loads(read(path)))
    assert [f"{list(each.path)}: {each.message}" for each in errors] == []


def test_ids_and_signatures() -> None:
    """Give each row another name, and the signature of its text (`make vectors` signs)."""
    every = [row for kind in KINDS for row in rows(kind)]
    assert len({row.id for row in every}) == len(every)
    assert [row.id for row in rows("verify") if not row.is_signed] == []


def test_pairs() -> None:
    """Give each sentence of AWS's a row that obeys and one that breaks it, or say why not."""
    every = {row.id: row for kind in KINDS for row in rows(kind)}
    pairs = defaultdict[tuple[str, str], set[str]](set)
    for row in every.values():
        if "page" not in row.rule:
            assert row.fields["status"] != "documented", f"{row.id}: name the page"
            continue
        known = [row, *(every[each] for each in row.rule.get("also", ()))]
        halves = [each.halves for each in known if each.fields["status"] != "open"]
        pairs[row.rule["page"], row.rule["says"]].update({*row.rule} & {"only"}, *halves)
    assert [
        says
        for (_, says), found in pairs.items()
        if ({"obeys", "breaks"} <= found) is ("only" in found)
    ] == []


@pytest.mark.parametrize(("kind", "who"), PYTHON)
def test_answers(kind: str, who: str) -> None:
    """Answer as the rows say if it is the package, and as the page says if it is another."""
    found = Count.of(kind, who, WHO[kind][who])
    assert found.line() in read(PAGE)
    if who in OURS:  # Down to the code that AWS leaves open.
        answers = found.agreed + found.differs + found.other
        assert [(row.id, each) for row, each in answers if each != expected(row)] == []


@pytest.mark.js
@pytest.mark.skipif(not (JS / "node_modules").exists(), reason="needs npm: make javascript")
def test_page() -> None:
    """Show on the page what `make vectors` finds, AWS's signer for JavaScript included."""
    assert tables(WHO) in read(PAGE)
