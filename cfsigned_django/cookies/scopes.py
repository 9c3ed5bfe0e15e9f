"""Which folders a viewer may open: the scopes of the site, and the cookies that they give."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Final

from django.http import HttpRequest
from django.utils.module_loading import import_string

from cfsigned_django import conf
from cfsigned_django.cookies.place import Place, checked_place, why_not_from
from cfsigned_django.storage.registry import find_storage

logger = logging.getLogger("cfsigned_django.cookies")

#: Browsers send every set that matches, and CloudFront accepts 20,480 bytes of headers.
MAX_SETS: Final = 8


class SignedCookieScope:
    """Which folders of a storage a viewer may open.

    Name each subclass in AWS_CLOUDFRONT_COOKIE_SCOPES. The attributes are the
    arguments of :func:`set_signed_cookies`; ``lifetime`` is its ``expire``, by
    default AWS_QUERYSTRING_EXPIRE.
    """

    storage: str = "default"
    lifetime: int | timedelta | None = None
    domain: str | None = None
    path: str | None = None
    samesite: str | None = "Lax"
    partitioned: bool = False
    secure: bool = True
    httponly: bool = True

    def get_folders(self, request: HttpRequest) -> Iterable[str]:
        """Return the folders that this viewer may open now, or one; none if there are none.

        Each is data, such as ``f"courses/{course.pk}"``, and becomes one set of
        cookies. This is asked once per lifetime, and after a log-in or a
        rotation of the keys. On a server for ASGI, it runs in a thread.
        """
        raise NotImplementedError(f"{type(self).__name__} must define get_folders(request).")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadySet:
    """A set of cookies that is ready to be put into a response."""

    alias: str
    covered: str
    values: dict[str, str]
    expires: int
    place: Place


def places_for(request: HttpRequest) -> Iterator[tuple[SignedCookieScope, str, str, Place]]:
    """Yield what all scopes give this viewer: scope, folder, URL of the resource, and place."""
    found = [
        (scope, list(islice(list_folders(scope.get_folders(request)), MAX_SETS + 1)))
        for scope in load_scopes(conf.cookie_scopes())
    ]
    if sum(len(folders) for _, folders in found) > MAX_SETS:
        scope, folders = max(found, key=lambda each: len(each[1]))
        common = os.path.commonpath(folders)
        raise ValueError(
            f"This viewer has more than {MAX_SETS} folders, most of them from "
            f"{type(scope).__name__}, and a browser would send more cookies than CloudFront "
            "accepts. Let get_folders() return one folder that contains them"
            + (f", such as {common!r}," if common else "")
            + " and nothing that this viewer may not open."
        )
    for scope, folder in ((scope, folder) for scope, folders in found for folder in folders):
        covered = find_storage(scope.storage).resource_url(folder=folder)
        place = checked_place(
            covered,
            domain=scope.domain,
            path=scope.path,
            samesite=scope.samesite,
            partitioned=scope.partitioned,
            secure=scope.secure,
            httponly=scope.httponly,
        )
        if reason := why_not_from(request, place, covered):
            _warn_once(reason)
            continue
        yield scope, folder, covered, place


def list_folders(given: str | Iterable[str]) -> Iterable[str]:
    """Return the folders. A single name is one folder, not its letters."""
    return [given] if isinstance(given, str) else given


def sets_for(request: HttpRequest) -> Iterator[ReadySet]:
    """Yield the sets that all scopes give this viewer, signed."""
    for scope, folder, covered, place in places_for(request):
        signing = find_storage(scope.storage)
        policy, values = signing.sign_cookies(folder=folder, expire=scope.lifetime)
        yield ReadySet(
            alias=scope.storage,
            covered=covered,
            values=values,
            expires=policy.date_less_than,
            place=place,
        )


@functools.lru_cache(maxsize=1)
def load_scopes(names: tuple[str, ...]) -> tuple[SignedCookieScope, ...]:
    """Return an instance of each scope, by dotted path."""
    return tuple(import_string(name)() for name in names)


@functools.lru_cache(maxsize=100)
def _warn_once(reason: str) -> None:
    """Log why pages at some address cannot set cookies: others of the site may, so they go on."""
    logger.error("Signed cookies are not set. %s", reason)
