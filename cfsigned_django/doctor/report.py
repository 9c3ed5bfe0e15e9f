"""Write findings for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cfsigned_django.doctor.findings import Finding, Level

_LABELS = {Level.ERROR: "ERROR", Level.WARNING: "warning", Level.OK: "ok"}
_INDENT = " " * 9

#: Takes a level and a line; returns the line as a terminal shall show it.
Paint = Callable[[Level, str], str]


def write_report(findings: Iterable[Finding], paint: Paint) -> Iterator[str]:
    """Yield the lines of a report: a line for what was found, then why and what to do."""
    counts = dict.fromkeys(Level, 0)
    for each in findings:
        counts[each.level] += 1
        is_note = each.level is Level.OK and bool(each.fix)
        label = "note" if is_note else _LABELS[each.level]
        yield paint(each.level, f"{label:<8} {each.what} [{each.id}]")
        if each.why:
            yield f"{_INDENT}why: {each.why}"
        if each.fix:
            yield f"{_INDENT}fix: {each.fix}"
    errors, warnings = counts[Level.ERROR], counts[Level.WARNING]
    yield (
        f"{_count(errors, 'error')}, {_count(warnings, 'warning')}, {counts[Level.OK]} in order."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
