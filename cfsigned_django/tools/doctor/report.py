"""How the findings of the doctor are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from cfsigned_django.core.text import in_one_line
from cfsigned_django.core.validation import TABLE
from cfsigned_django.tools.catalog import CATALOG, Finding, FindingType, Level, finding


def has_error(findings: Iterable[Finding]) -> bool:
    return any(each.level is Level.ERROR for each in findings)


def worst_first(findings: Iterable[Finding], own: str) -> list[Finding]:
    """Return the findings by level, errors first; within a level, those of other storages last.

    ``own`` is how messages name the storage that is examined.
    """
    theirs = [each for each in findings if "STORAGES[" in each.subject and own not in each.subject]
    found = sorted(findings, key=lambda each: each in theirs)
    return sorted(found, key=lambda each: [*Level].index(each.level), reverse=True)


_LABELS = {Level.ERROR: "ERROR", Level.WARNING: "warning", Level.OK: "ok"}
_INDENT = " " * 9


def lines_of(found: Finding) -> Iterator[tuple[Level | None, str]]:
    """Yield what, why and fix of a finding.

    The line that says what was found has the level of the finding.
    """
    is_note = found.level is Level.OK and bool(found.fix)
    label = "note" if is_note else _LABELS[found.level]
    # The words of a check do not say which storage it is about.
    is_of_storage = found.id in TABLE and found.subject != "settings"
    named = f"{found.subject}: " if is_of_storage else ""
    yield found.level, f"{label:<8} {in_one_line(named + found.what)} [{found.id}]"
    if found.why:
        yield None, f"{_INDENT}why: {in_one_line(found.why)}"
    if found.fix:
        yield None, f"{_INDENT}fix: {in_one_line(found.fix)}"


def write_report(findings: Iterable[Finding]) -> Iterator[tuple[Level | None, str]]:
    """Yield the lines of each finding, with the command that explains a fault; then the counts."""
    counts = dict.fromkeys(Level, 0)
    for each in findings:
        counts[each.level] += 1
        yield from lines_of(each)
        if each.level is not Level.OK:
            yield None, f"{_INDENT}see: manage.py cfsigned_doctor --finding {each.id}"
    said = [
        f"{count} {level}{'' if count == 1 else 's'}"
        for level, count in counts.items()
        if level is not Level.OK
    ]
    yield None, f"{', '.join(said[::-1])}, {counts[Level.OK]} in order."


def moment(seconds: float) -> str:
    """Return a time, in Unix seconds, as ``2026-11-24 18:55:16 UTC``."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def sentence(text: str) -> str:
    """Return a text as a sentence: a capital at its beginning, a period at its end."""
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


# What an ID means

# The place of a value in a pattern, and of one that may be empty: nothing separates it from what
# stands before it.
_VALUE: Final = re.compile(r"\{(\w+)\}")
_MAY_BE_EMPTY: Final = re.compile(r"(?<=[\w.}])\{\w+\}")


def in_general(kind: FindingType) -> str:
    """Return what all findings of a kind say, with names in place of values."""
    what = _MAY_BE_EMPTY.sub("", kind.what)
    return _VALUE.sub(lambda found: found[1].replace("_", " ").upper(), what)


def describe(type_id: str) -> Finding:
    """Return what a finding or a system check means. Raise ``KeyError`` if there is none."""
    if fix := TABLE.get(type_id):
        what = f"The system check {type_id} {'fails' if '.E' in type_id else 'warns'}."
        return check_finding(type_id, "settings", what=what, fix=fix)
    return finding(type_id, type_id, what=in_general(CATALOG[type_id]))


def check_finding(check_id: str, subject: str, *, what: str, fix: str) -> Finding:
    """Return a system check as a finding, which has the ID of the check."""
    level = Level.ERROR if ".E" in check_id else Level.WARNING
    signed = "cookies" if check_id[-3:-1] == "05" else "URLs"
    why = f"The site is not set up as signed {signed} need it. manage.py check reports it as well."
    return Finding(id=check_id, level=level, what=what, why=why, fix=fix, subject=subject)
