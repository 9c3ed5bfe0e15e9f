"""Test the system checks, and what is wrong with a configuration."""

from __future__ import annotations

from typing import Any


def ids(problems: list[Any]) -> list[str]:
    """Return the ids of problems, without their common beginning."""
    return [each.id.removeprefix("cfsigned.") for each in problems]
