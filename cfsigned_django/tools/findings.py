"""What was found about a site: its level, its words, and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    #: It was checked, and is in order; with something to do, it is a note.
    OK = "ok"
    #: Signed URLs work, or may work; someone should look at it.
    WARNING = "warning"
    #: Viewers are refused, files are not private, or it could not be checked.
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was checked.

    ``what`` says in one sentence what was found, with names and values; ``why``
    says what follows from it, and ``fix`` what to do. Both are empty if all is
    well. ``subject`` is the setting or the AWS resource that the finding is
    about. No field contains a signature or a private key.
    """

    id: str
    level: Level
    what: str
    why: str
    fix: str
    subject: str


def with_paste(found: Finding, value: Mapping[str, Any] | str | None) -> Finding:
    """Return a finding whose fix ends with the exact value that belongs there, if there is one.

    It is a statement or a rule, which the AWS console takes as JSON; or words: a field of a form of
    the console and its value.
    """
    words = value if isinstance(value, str) else f"Paste: {json.dumps(value)}"
    return replace(found, fix=f"{found.fix} {words}") if value else found
