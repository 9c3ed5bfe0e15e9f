"""Texts for people: harmless for a terminal and a log, durations in words, two languages.

In a module whose texts travel with an error, in English for logs and in the language of its reader
on a page, ``_`` is :class:`Phrase`, and marks them for translation. In a module that answers one
person at once, ``_`` is Django's ``gettext``, or ``gettext_lazy`` in tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Self

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


class Phrase(str):
    """A text that keeps its pattern and values, so that it can also be written in another language.

    ``pattern``: the text with ``{names}``. Without values, its braces are left alone.
    ``values``: what is filled into the names.
    """

    pattern: str
    values: Mapping[str, str]

    def __new__(cls, pattern: str, /, **values: str) -> Self:
        """Fill the values into the pattern."""
        text = super().__new__(cls, pattern.format(**values) if values else pattern)
        text.pattern, text.values = pattern, values
        return text


def translated(text: str | Exception, translate: Callable[[str], str]) -> str:
    """Return a text, or that of an error; if it is a :class:`Phrase`, in another language."""
    carried = text.args[0] if isinstance(text, Exception) and text.args else text
    if not isinstance(carried, Phrase):
        return str(text)
    words = translate(carried.pattern)
    return words.format(**carried.values) if carried.values else words
