"""What the name of a file, a folder or a resource may be, and which content type it stands for.

A name that cannot be used raises :exc:`ValueError`, and one with ``..`` raises
:exc:`SuspiciousFileOperation`.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Set as AbstractSet
from typing import Final

from django.core.exceptions import SuspiciousFileOperation


def refuse_dot_dot(name: str) -> None:
    """Raise if a part of the name is ``..``, separated by slashes or backslashes."""
    if ".." in re.split(r"[\\/]", str(name)):
        raise SuspiciousFileOperation(
            f"The name {name!r} contains '..', which leads out of a folder. Pass the name as the "
            "storage returned it from save()."
        )


#: PostgreSQL refuses NUL, a path of Django takes no line feed, a lone surrogate cannot be encoded.
_IN_NO_NAME = re.compile(r"[\\\0\n\ud800-\udfff]")
#: The longest name of an object, in bytes (S3 User Guide, "Naming Amazon S3 objects").
MAX_NAME_LENGTH: Final = 1024


def is_exact_name(name: str) -> bool:
    """Return whether a file may have this name, and a storage takes it as it is.

    Not ``./a``, ``//a`` or ``a/``, and no more bytes than S3 allows.
    """
    return (
        len(name) <= MAX_NAME_LENGTH
        and not _IN_NO_NAME.search(name)
        and len(name.encode()) <= MAX_NAME_LENGTH
        and not {"", ".", ".."} & set(name.split("/"))
    )


def refuse_nameless(name: str | None) -> None:
    """Raise for a name of nothing but slashes and ``.``: its URL would be the storage's own.

    A file may be named ``...``, and :func:`refuse_dot_dot` raises for ``..``.
    """
    if name is None or (not str(name).strip("./\\") and ".." not in str(name)):
        raise ValueError(
            f"The name {name!r} is not the name of a file. Pass the name as the storage returned "
            "it from save()."
        )


def check_folder(folder: object) -> None:
    """Raise if a part of the folder has no name, or one that no URL can have."""
    if (
        not isinstance(folder, str)
        # f"albums/{slug}" with an empty slug: the URL would open everyone's albums.
        or {"", "."} & set(re.split(r"[\\/]", folder))
        or re.search("[\ud800-\udfff]", folder)
    ):
        raise ValueError(
            f"folder is {folder!r}. It must be the name of a folder in the storage, such as "
            "\"albums/42\": text that UTF-8 can encode, without an empty part, without './', and "
            "without a slash at either end."
        )


def check_resource_name(resource: object, allow_any_resource: bool) -> None:
    """Raise if a resource is not a name, or opens more than it seems to."""
    if not isinstance(resource, str) or not resource or "://" in resource:
        raise ValueError(
            f"resource is {resource!r}. Pass a name in the storage, such as 'albums/42/*', "
            "without protocol and domain."
        )
    if "*" in resource and {"", "."} & set(re.split(r"[\\/]", resource)[:-1]):
        # f"albums/{slug}/*" with an empty slug. Normalized, as names are, it would open everyone's
        # albums.
        raise ValueError(
            f"resource is {resource!r}, and a folder in it has no name. Pass it without '//', "
            "'./' or a leading slash."
        )
    if resource.startswith("*") and not allow_any_resource:
        raise ValueError(
            f"resource is {resource!r}, with nothing before its first *: it covers files in every "
            "folder of the storage. Put a folder in front, such as 'albums/42/*', or pass "
            "allow_any_resource=True if that is intended."
        )


#: Browsers treat these, and what ends in +xml, alike.
_XML: Final = {"text/xml", "application/xml"}


def content_type_of(name: str) -> str | None:
    """Return the type of the ending of a name; None if it has no ending that is known."""
    # mimetypes reads URLs: the type of "data:text/html,a.jpg" would be text/html. WebP is among the
    # types that are not strict before Python 3.13.
    return mimetypes.guess_type(f"./{name}", strict=False)[0]


def is_unsafe(name: str, unsafe: AbstractSet[str]) -> bool:
    """Return whether a name has one of these types, or an ending that is not known.

    If XML is one of them, all types of XML are.
    """
    content_type = content_type_of(name)
    if content_type is None or content_type in unsafe:
        return True
    return (content_type in _XML or content_type.endswith("+xml")) and not _XML.isdisjoint(unsafe)
