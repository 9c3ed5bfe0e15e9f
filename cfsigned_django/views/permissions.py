"""Judge what the permission of a view returned: may this viewer see the file of this name?

Names are compared here, character by character, and never by a database: with
its defaults, MariaDB takes ``PASSPORT-Alice.jpg`` for ``passport-alice.jpg``,
and ``résumé.pdf`` for ``resume.pdf``. S3 and CloudFront do not.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Final, TypeAlias

from django.core.exceptions import PermissionDenied
from django.core.files import File
from django.db.models import QuerySet
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest

from cfsigned_django.logs import log_first

logger: Final = logging.getLogger("cfsigned_django.views")

#: How many names of one answer are compared.
MAX_NAMES: Final = 1000

#: What a permission returns: True, or the name or names that the viewer may see.
Permitted: TypeAlias = (
    bool | str | FieldFile | Iterable[str | FieldFile] | AsyncIterable[str | FieldFile] | None
)
#: Takes the request and the name of a file, and returns what this viewer may see.
Permission: TypeAlias = Callable[[HttpRequest, str], Permitted | Awaitable[Permitted]]


def require_permission(view: Any, name: str, answer: object) -> None:
    """Raise :exc:`PermissionDenied` unless the answer of the view's permission allows the name.

    It does if it is True, or if it is this name, or contains it. An answer that
    is neither names, None nor False is logged, once per view.
    """
    if answer is True:
        return
    found = _read(answer)
    names = found[:MAX_NAMES]
    others = [each for each in names if not isinstance(each, str | FieldFile)]
    if others:
        kind = type(answer).__name__
        if others[0] is not answer:
            kind += f" with an element of type {type(others[0]).__name__}"
        _log_refusal(
            view,
            f"returned an object of type {kind}. It must return True, or the names of the files "
            "that the viewer may see: a str, a FieldFile, or an iterable of them. To a "
            "values_list(), add flat=True.",
        )
    elif any((each.name if isinstance(each, FieldFile) else each) == name for each in names):
        return
    elif len(found) > MAX_NAMES:
        _log_refusal(
            view,
            f"returned more than {MAX_NAMES} names, and the requested one is not among the first "
            f"{MAX_NAMES}. Narrow them down, such as with .filter(image=name).",
        )
    raise PermissionDenied


async def settled(answer: Any) -> object:
    """Return the answer of an async permission as a plain one, for :func:`require_permission`."""
    found = await answer if isinstance(answer, Awaitable) else answer
    if not isinstance(found, AsyncIterable) or isinstance(found, QuerySet):
        return found
    names: list[object] = []
    async for each in found:
        names.append(each)
        if len(names) > MAX_NAMES:
            break
    return names


def _read(answer: object) -> list[object]:
    """Return the names in an answer, else the answer itself; at most one more than are compared."""
    if answer is None or answer is False:
        return []
    # Of a mapping, only the names would be read: {name: may_see} would let everyone in.
    if isinstance(answer, str | bytes | File | Mapping) or not isinstance(answer, Iterable):
        return [answer]
    if isinstance(answer, QuerySet):
        answer = answer[: MAX_NAMES + 1]  # Django would fetch all rows.
    return list(islice(answer, MAX_NAMES + 1))


def _log_refusal(view: Any, problem: str) -> None:
    asked = view.permission
    # A method is another object for each request.
    function: Any = asked if inspect.isroutine(asked) else type(asked)
    function = getattr(function, "__func__", function)
    log_first(
        (type(view), function, problem),
        logger.error,
        "The permission %s.%s of %s %s The viewer is refused; this is logged once.",
        function.__module__,
        function.__qualname__,
        type(view).__name__,
        problem,
    )
