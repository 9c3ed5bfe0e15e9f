"""Match path patterns without the model that is tested here."""

from __future__ import annotations

from fuzz.verifier import is_like


def reference_match(pattern: str, text: str) -> bool:
    """Match by the two sentences of the guide: * is any characters, ? is exactly one."""
    return is_like(f"/{pattern.removeprefix('/')}", text)
