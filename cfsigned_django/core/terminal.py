"""Make text from outside harmless for a terminal and for a log, and write durations."""

from __future__ import annotations

import re

# Control characters, which a terminal obeys, and those that change the direction of text.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""Return a text for a terminal, with control characters as ``\u001b``.

    JSON stays the same JSON. Line breaks and tabs stay.
    """
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def in_one_line(text: str) -> str:
    r"""Return a printable text without line breaks, which become ``\n``: no line can be forged."""
    return printable(text).replace("\n", "\\n")


_UNITS = (("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def duration(seconds: float) -> str:
    """Return a duration in its two largest units, such as ``2 h 5 min`` or ``365 days``."""
    rest, said = int(seconds), []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            said.append(f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}")
    return " ".join(said[:2]) or "0 s"
