"""Say moments, spans of time and behaviors in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def moment(seconds: float) -> str:
    """Return a moment, in Unix seconds, as ``2026-11-24 18:55:16 UTC``."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(seconds: float) -> str:
    """Return a span of time in its two largest units, such as ``2 h 5 min``."""
    rest, said = int(seconds), []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            said.append(f"{count} {unit}")
    return " ".join(said[:2]) or "0 s"


def named(behavior: Mapping[str, Any]) -> str:
    """Return what a behavior is called amid a sentence."""
    pattern = behavior["PathPattern"]
    return "the default behavior" if pattern == "*" else f"the behavior {pattern}"


def begin(text: str) -> str:
    """Return a text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]
