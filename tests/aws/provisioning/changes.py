"""Compare documents field by field."""

from __future__ import annotations

from typing import Any

APP = "https://www.example.com"


def changed(before: Any, after: Any, path: str = "") -> set[str]:
    """Return the paths of the fields in which two documents differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {
            found
            for name in before.keys() | after.keys()
            for found in changed(before.get(name), after.get(name), f"{path}/{name}")
        }
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return {
            found
            for number, (one, other) in enumerate(zip(before, after, strict=True))
            for found in changed(one, other, f"{path}/{number}")
        }
    return set() if before == after else {path}
