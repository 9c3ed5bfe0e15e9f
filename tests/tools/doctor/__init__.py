"""Test the doctor: its checks one by one, and against a whole site in the emulator."""

from __future__ import annotations

from collections.abc import Iterable

from cfsigned_django.tools.findings import Finding, Level


def ids(findings: Iterable[Finding]) -> list[str]:
    """Return the ids of findings."""
    return [each.id for each in findings]


def faults(findings: Iterable[Finding]) -> list[str]:
    """Return the ids of what is wrong."""
    return [each.id for each in findings if each.level is not Level.OK]
