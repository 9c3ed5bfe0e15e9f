"""Find nothing wrong with what the page has people make by hand.

Modules: management/commands/cfsigned_doctor.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from cfsigned_django.tools.account.documents.bucket import missing_origins
from cfsigned_django.tools.catalog import CATALOG
from tests.golden import DIRECTORY as GOLDEN
from tests.pages import DOCS, read, snippets, table
from tests.tools.doctor import levels
from tests.tools.doctor.world import ARN, BUCKET, NAME, World, bucket

CONSOLE = DOCS / "aws" / "console.md"
CORS = DOCS / "how-to" / "cors.md"
SHOWN_ARN = "arn:aws:cloudfront::111122223333:distribution/E1A2B3C4D5E6F7"


def json_of(page: Path, role: str) -> Any:
    """Return the JSON of the block of a page that has this role, about the site's own things."""
    [found] = [each.code for each in snippets(page) if each.role == role]
    for shown, own in {"media-example": BUCKET, SHOWN_ARN: ARN}.items():
        found = found.replace(shown, own)
    return json.loads(found)


def test_nothing_is_wrong_by_hand(online: World) -> None:
    """Find in order what the page says after its steps, with its bucket policy and CORS rules."""
    rules = json_of(CORS, "cors")
    bucket(policy=json_of(CONSOLE, "policy"), cors_rules=rules)(online)

    origins = [each for rule in rules for each in ("--cors-origin", *rule["AllowedOrigins"])]
    found, _ = levels("--object", NAME, *origins)

    rows = table(CONSOLE, "Section")
    in_order = {each for row in rows for each in re.findall(r"`([a-z0-9-]+)`", row[1])}
    assert set(found.values()) == {"ok"}
    assert missing_origins(rules, origins[1::2]) == []
    assert in_order <= found.keys(), "Edit docs/aws/console.md, whose table has the good ids."
    named = {each for row in rows for each in re.findall(r"`([a-z0-9-]+)`", row[2])}
    assert named <= {*CATALOG}, "Edit docs/aws/console.md, whose table names the findings."


def test_cors_page() -> None:
    """The page shows a finding as the doctor prints it, and names only findings that there are."""
    [shown] = [each.code for each in snippets(CORS) if each.role == "finding"]
    named = {*re.findall(r"`(cors-[a-z-]+)`", read(CORS))}

    golden = GOLDEN / "doctor-healthy-site.txt"
    assert shown in read(golden), f"Edit docs/how-to/cors.md: paste from {golden.name}."
    assert named
    assert named <= {*CATALOG}, "Edit docs/how-to/cors.md."
