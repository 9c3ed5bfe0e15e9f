"""How the findings of the doctor are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from cfsigned_django.terminal import in_one_line
from cfsigned_django.tools.account.state.findings import Finding, Level


def has_error(findings: Iterable[Finding]) -> bool:
    """Return whether one of the findings is an error."""
    return any(each.level is Level.ERROR for each in findings)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings by level, errors first; within a level, the order stays."""
    order = [Level.ERROR, Level.WARNING, Level.OK]
    return sorted(findings, key=lambda each: order.index(each.level))


_LABELS = {Level.ERROR: "ERROR", Level.WARNING: "warning", Level.OK: "ok"}
_INDENT = " " * 9


def lines_of(found: Finding) -> Iterator[tuple[Level | None, str]]:
    """Yield what, why and fix of a finding.

    The line that says what was found has the level of the finding.
    """
    is_note = found.level is Level.OK and bool(found.fix)
    label = "note" if is_note else _LABELS[found.level]
    yield found.level, f"{label:<8} {in_one_line(found.what)} [{found.id}]"
    if found.why:
        yield None, f"{_INDENT}why: {in_one_line(found.why)}"
    if found.fix:
        yield None, f"{_INDENT}fix: {in_one_line(found.fix)}"


def finding_lines(findings: Iterable[Finding]) -> Iterator[tuple[Level | None, str]]:
    """Yield the lines of each finding, and for a fault the command that prints its meaning."""
    for each in findings:
        yield from lines_of(each)
        if each.level is not Level.OK:
            yield None, f"{_INDENT}see: manage.py cfsigned_doctor --finding {each.id}"


def write_report(findings: Iterable[Finding]) -> Iterator[tuple[Level | None, str]]:
    """Yield the lines of a report: those of each finding, then the counts."""
    found = list(findings)
    yield from finding_lines(found)
    counts = {level: sum(each.level is level for each in found) for level in Level}
    errors, warnings = counts[Level.ERROR], counts[Level.WARNING]
    total = (
        f"{_count(errors, 'error')}, {_count(warnings, 'warning')}, {counts[Level.OK]} in order."
    )
    yield None, total


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def moment(seconds: float) -> str:
    """Return a time, in Unix seconds, as ``2026-11-24 18:55:16 UTC``."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def sentence(text: str) -> str:
    """Return a text as a sentence: a capital at its beginning, a period at its end."""
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."
