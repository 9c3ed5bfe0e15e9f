"""The content type that the ending of a name stands for, whatever a browser said of the file."""

from __future__ import annotations

import mimetypes
from collections.abc import Set as AbstractSet
from typing import Final

#: Browsers treat these, and what ends in +xml, alike.
_XML: Final = {"text/xml", "application/xml"}


def content_type_of(name: str) -> str | None:
    """Return the type of the ending of a name; None if it has no ending that is known."""
    # mimetypes reads URLs: the type of "data:text/html,a.jpg" would be text/html.
    return mimetypes.guess_type(f"./{name}")[0]


def is_unsafe(name: str, unsafe: AbstractSet[str]) -> bool:
    """Return whether a name has one of these types, or an ending that is not known.

    If XML is one of them, all types of XML are.
    """
    content_type = content_type_of(name)
    if content_type is None or content_type in unsafe:
        return True
    return (content_type in _XML or content_type.endswith("+xml")) and not _XML.isdisjoint(unsafe)
