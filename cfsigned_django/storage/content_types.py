"""The content type that the ending of a name stands for, whatever a browser said of the file."""

from __future__ import annotations

import mimetypes
from collections.abc import Set as AbstractSet


def content_type_of(name: str) -> str | None:
    """Return the type of the ending of a name; None if it has no ending that is known."""
    # mimetypes reads URLs: the type of "data:text/html,a.jpg" would be text/html.
    return mimetypes.guess_type(f"./{name}")[0]


def is_unsafe(name: str, unsafe: AbstractSet[str]) -> bool:
    """Return whether a name has one of these types, or an ending that is not known."""
    content_type = content_type_of(name)
    return content_type is None or content_type in unsafe
