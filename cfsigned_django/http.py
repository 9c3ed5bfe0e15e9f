"""Let no cache keep a response for longer than its signed URLs are valid.

The middleware ``"cfsigned_django.http.cap_cache_control"`` lowers the headers
that browsers, proxies and Django's cache middleware obey, and
:func:`patch_cache_control` does the same in one view. Both use
:func:`watch_expiry` to know when the first URL of a response expires.

Add the middleware to MIDDLEWARE directly after Django's
``UpdateCacheMiddleware`` if you use that; otherwise, its place does not matter.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable
from typing import Any, Final, cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase
from django.utils import cache as caching
from django.utils.decorators import sync_and_async_middleware
from django.utils.http import http_date, parse_http_date_safe

from cfsigned_django.storage.context import ExpiryWatch, current_watch, watch_expiry as watch_expiry

logger: Final = logging.getLogger("cfsigned_django.http")

#: A response may ask for this many seconds more than its URLs live: it takes a moment to build.
TOLERANCE: Final = 5
#: The middleware warns once per route, for at most this many: other paths are unlimited.
MAX_WARNINGS: Final = 500


# --- The headers of one response


def patch_cache_control(response: HttpResponseBase, *, reserve: int = 0, **directives: Any) -> None:
    """Add directives as Django's function does, then cap them at the life of the signed URLs.

    ``max-age``, ``s-maxage``, the ``stale-...`` directives and ``Expires`` are
    lowered, never added: to the shortest remaining life of the URLs that were
    signed for this response, less ``reserve``, both in seconds. URLs that were
    signed for an earlier response and come from a cache of the site are not
    known.

    Raise :exc:`ImproperlyConfigured` if nothing notes which URLs are signed:
    use the middleware, or call this within ``with watch_expiry():``.
    """
    watch = current_watch()
    if watch is None:
        raise ImproperlyConfigured(
            "patch_cache_control() does not know which URLs were signed for the response. Add "
            '"cfsigned_django.http.cap_cache_control" to MIDDLEWARE, or build the response and '
            "call patch_cache_control() within a block of watch_expiry()."
        )
    if directives:
        caching.patch_cache_control(response, **directives)

    def cap_rendered(rendered: HttpResponseBase) -> None:
        if watch.expires is not None:
            _cap(rendered, _seconds_until(watch.expires - reserve))

    if getattr(response, "is_rendered", True) is False:
        # Its URLs are signed when it is rendered, under the same watch.
        cast(Any, response).add_post_render_callback(cap_rendered)
    else:
        cap_rendered(response)


# --- The middleware


@sync_and_async_middleware
def cap_cache_control(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Cap how long a response may be cached at the shortest life of its signed URLs.

    Log a warning, once per route, if the response asked for more: a copy that
    Django's ``cache_page`` has already stored is not capped.
    """
    warned: set[str] = set()

    if iscoroutinefunction(get_response):

        async def capped_async(request: HttpRequest) -> HttpResponseBase:
            with watch_expiry() as watch:
                response: HttpResponseBase = await get_response(request)
            _finish(request, response, watch, warned)
            return response

        return capped_async

    def capped(request: HttpRequest) -> HttpResponseBase:
        with watch_expiry() as watch:
            response: HttpResponseBase = get_response(request)
        _finish(request, response, watch, warned)
        return response

    return capped


def _finish(
    request: HttpRequest, response: HttpResponseBase, watch: ExpiryWatch, warned: set[str]
) -> None:
    """Cap the response, and with it the copy that Django's outer middleware will store."""
    ends = [end for end in (watch.expires, vars(response).get(_END)) if end is not None]
    if not ends:
        return
    end = vars(response)[_END] = min(ends)
    # The headers of a copy from the cache count from when it was made, which is its Age.
    age = response.headers.get("Age", "")
    life = _seconds_until(end) + (int(age) if age.isdecimal() else 0)
    # Django's middleware stores a response only if this attribute, which is private, is true.
    if getattr(request, "_cache_update_cache", False) and _has_no_age(response):
        caching.patch_cache_control(response, max_age=min(life, settings.CACHE_MIDDLEWARE_SECONDS))
    asked = _cap(response, life)
    if asked <= life + TOLERANCE:
        return
    route = getattr(request.resolver_match, "route", None) or request.path
    if route not in warned and len(warned) < MAX_WARNINGS:
        warned.add(route)
        logger.warning(
            "The response of %s may be cached for %d s, but a signed URL in it expires in %d s. "
            "The headers were capped. A copy stored by Django's cache_page was not, and will show "
            "dead links: lower its timeout, or raise AWS_QUERYSTRING_EXPIRE.",
            route,
            asked,
            life,
        )


def _has_no_age(response: HttpResponseBase) -> bool:
    """Return whether Django's middleware would store this for CACHE_MIDDLEWARE_SECONDS."""
    return (
        response.status_code == 200
        and not response.streaming
        and not _SAYS_ENOUGH.search(_cache_control_of(response))
        and not (response.cookies and caching.has_vary_header(response, "Cookie"))
        and not caching.has_vary_header(response, "*")
    )


# --- What headers say

_AGE = re.compile(r'\b(max-age|s-maxage)\s*=\s*"?(\d+)"?', re.IGNORECASE)
_STALE = re.compile(r'\b(stale-[a-z-]+)\s*=\s*"?(\d+)"?', re.IGNORECASE)
#: With one of these, Django's cache middleware adds no max-age.
_SAYS_ENOUGH = re.compile(r"\b(private|no-cache|no-store|max-age)\b", re.IGNORECASE)
#: The attribute of a response that says when its first URL expires, in Unix seconds. It is
#: pickled with the copy in a cache.
_END: Final = "_cfsigned_end"


def _seconds_until(end: int) -> int:
    return max(0, math.floor(end - time.time()))


def _cap(response: HttpResponseBase, life: int) -> int:
    """Lower the headers to ``life`` seconds. Return how many seconds they allowed before."""
    now = time.time()
    header = _cache_control_of(response)
    ages = [int(seconds) for _, seconds in _AGE.findall(header)]
    fresh = min(max(ages, default=0), life)
    capped = _AGE.sub(lambda found: _at_most(found, life), header)
    capped = _STALE.sub(lambda found: _at_most(found, life - fresh), capped)
    if capped != header:
        response.headers["Cache-Control"] = capped
    expires = parse_http_date_safe(response.headers.get("Expires", ""))
    if expires is not None:
        ages.append(math.floor(expires - now))
        if expires > now + life:
            response.headers["Expires"] = http_date(math.floor(now) + life)
    return max(ages, default=0)


def _at_most(found: re.Match[str], most: int) -> str:
    return f"{found[1]}={most}" if int(found[2]) > most else found[0]


def _cache_control_of(response: HttpResponseBase) -> str:
    return str(response.headers.get("Cache-Control", ""))
