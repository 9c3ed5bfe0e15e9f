"""Make text from outside harmless for a terminal and for a log."""

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
