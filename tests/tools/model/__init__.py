"""Match path patterns without the model that is tested here."""

from __future__ import annotations


def reference_match(pattern: str, text: str) -> bool:
    """Match by the two sentences of the guide: * is any characters, ? is exactly one."""
    reachable = {0}
    for sign in f"/{pattern.removeprefix('/')}":
        if sign == "*":
            reachable = set(range(min(reachable, default=len(text) + 1), len(text) + 1))
        else:
            reachable = {at + 1 for at in reachable if at < len(text) and sign in ("?", text[at])}
    return len(text) in reachable
