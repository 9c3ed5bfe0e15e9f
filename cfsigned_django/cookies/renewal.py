"""Renew the signed cookies of a viewer, when the marker says that it is time."""

from __future__ import annotations

import logging
import time
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers

from cfsigned_django import conf
from cfsigned_django.conf import whole_seconds
from cfsigned_django.cookies.marker import MARKER, Marker, session_key_of, viewer_of
from cfsigned_django.cookies.scopes import places_for, sets_for
from cfsigned_django.cookies.set_cookie import HASH, NAMES, delete, put, refuse_overlap
from cfsigned_django.signing.signer import MAX_COOKIE_LENGTH
from cfsigned_django.storage.registry import find_storage

logger = logging.getLogger("cfsigned_django.cookies")

#: Cookies are renewed when a quarter of their life is left, and at most this many seconds.
LONGEST_RENEWAL: Final = 300
_RENEWED: Final = "_cfsigned_cookies_renewed"


def are_cookies_due(request: HttpRequest) -> bool:
    """Return whether the signed cookies of this browser must be set, renewed or deleted.

    No session is read, and nothing is signed. Without a session and without a
    marker, nothing is due, so that caches may keep pages of the public.
    """
    if MARKER not in request.COOKIES:
        return session_key_of(request) is not None and bool(conf.cookie_scopes())
    marker = Marker.load(request)
    if marker is None or marker.viewer != viewer_of(request):
        return True
    if time.time() >= marker.renew_at:
        return True
    try:
        return any(
            find_storage(alias).signing_key_pair_id() != key_pair_id
            for alias, key_pair_id in marker.key_pair_ids.items()
        )
    except ImproperlyConfigured:
        # Nothing can sign now, such as when the database is down: the cookies are still good.
        logger.exception("The signed cookies of a viewer cannot be compared with the key.")
        return False


def renew_cookies(request: HttpRequest, response: HttpResponseBase) -> int | None:
    """Ask the scopes which folders this viewer may open, and set and delete cookies accordingly.

    Return when the first set expires, in Unix seconds; None if there are none.
    Raise :exc:`ValueError` if a scope asks for what cannot be.
    """
    vars(request)[_RENEWED] = True
    old = Marker.load(request)
    try:
        sets = list(sets_for(request)) if session_key_of(request) is not None else []
    except (DatabaseError, ImproperlyConfigured):  # The latter: no key is known that may sign.
        if old is None or old.viewer != viewer_of(request) or old.expires <= time.time():
            raise
        logger.exception("The signed cookies of a viewer cannot be renewed, and are still valid.")
        return old.expires
    viewer = viewer_of(request)  # After the scopes: only who reads a session knows that it ended.
    if not viewer:
        sets = []
    new = {each.place.key for each in sets}
    for place in old.places if old else ():
        # A key that signs with SHA1 has one cookie less: the old one would refuse the new ones.
        delete(response, place, [HASH] if place.key in new else NAMES)
    for each in sets:
        refuse_overlap(response, each.place, each.covered)
        put(response, each.values, each.place)
    if not viewer:
        if MARKER in request.COOKIES:
            response.delete_cookie(MARKER)
        return None
    ends = [each.expires for each in sets]
    now = int(time.time())
    end = min(ends, default=now + LONGEST_RENEWAL)
    marker = Marker(
        viewer=viewer,
        key_pair_ids={each.alias: each.values["CloudFront-Key-Pair-Id"] for each in sets},
        expires=end,
        renew_at=end - min(LONGEST_RENEWAL, (end - now) // 4),
        places=[each.place for each in sets],
    )
    value = marker.dump()
    if len(value) > MAX_COOKIE_LENGTH - 100:
        raise ValueError(
            "The folders of this viewer have names that are too long to be remembered in a cookie. "
            "Open one folder that contains them."
        )
    response.set_cookie(MARKER, value, secure=request.is_secure(), httponly=True, samesite="Lax")
    patch_cache_control(response, private=True)
    patch_vary_headers(response, ("Cookie",))
    return end if sets else None


def find_opened(request: HttpRequest) -> dict[str, int]:
    """Return what this viewer's cookies open: how each URL begins, and when they expire.

    They are the cookies that the browser has, or that the middleware sets in
    the response to this request. The scopes are asked, and nothing is signed.
    Times are Unix seconds.
    """
    if session_key_of(request) is None:
        return {}
    marker = None if are_cookies_due(request) else Marker.load(request)
    given = {each.key for each in marker.places} if marker else set()
    now = int(time.time())
    opened = {}
    for scope, _, covered, place in places_for(request):
        start = covered.removesuffix("*")
        if marker is None:
            lifetime = scope.lifetime or find_storage(scope.storage).querystring_expire
            opened[start] = now + (whole_seconds(lifetime) or 0)
        elif place.key in given:
            opened[start] = marker.expires
    return opened


def was_renewed(request: HttpRequest) -> bool:
    """Return whether :func:`renew_cookies` has run for this request."""
    return bool(vars(request).get(_RENEWED))
