"""Texts that travel with an error: in English for logs, in the language of its reader on a page.

In a module whose texts travel, ``_`` is :class:`Phrase`, and marks them for translation. In a
module that answers one person at once, ``_`` is Django's ``gettext``, or ``gettext_lazy`` in
tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Self


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
