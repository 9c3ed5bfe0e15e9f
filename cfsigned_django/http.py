"""Let no cache keep a response for longer than its signed URLs are valid.

The middleware ``"cfsigned_django.http.cap_cache_control"`` lowers the headers
that browsers and proxies obey, :func:`patch_cache_control` does the same in one
view, and :func:`cache_page` keeps a page in the cache of the site. Each uses
:func:`watch_expiry` to know when the first URL of a response expires.

Add the middleware to MIDDLEWARE directly after Django's
``UpdateCacheMiddleware`` if you use that; otherwise, its place does not matter.
"""

from __future__ import annotations

import functools
import logging
import math
import re
import time
from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase
from django.middleware.cache import CacheMiddleware
from django.utils import cache as caching
from django.utils.decorators import sync_and_async_middleware
from django.utils.http import http_date, parse_http_date_safe

from cfsigned_django import conf
from cfsigned_django.storage.context import (
    ExpiryWatch,
    current_watch,
    note,
    resume,
    watch_expiry as watch_expiry,
)

View: TypeAlias = Callable[..., Any]

logger = logging.getLogger("cfsigned_django.http")

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

    if _is_unrendered(response):
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
    # A response from a cache carries the expiry of its URLs, which were signed before.
    ends = [end for end in (watch.expires, _renew(response)) if end is not None]
    if not ends:
        return
    _remember_end(response, min(ends))
    life = _seconds_until(min(ends))
    if _will_django_keep(request) and _has_no_age(response):
        caching.patch_cache_control(response, max_age=min(life, conf.cache_middleware_seconds()))
    asked = _cap(response, life)
    if asked <= life + TOLERANCE:
        return
    route = getattr(request.resolver_match, "route", None) or request.path
    if route not in warned and len(warned) < MAX_WARNINGS:
        warned.add(route)
        logger.warning(
            "The response of %s may be cached for %d s, but a signed URL in it expires in %d s. "
            "The headers were capped. A copy stored by Django's cache_page was not, and will show "
            "dead links: lower its timeout, raise AWS_QUERYSTRING_EXPIRE, or use "
            "cfsigned_django.http.cache_page.",
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


# --- Pages in the cache of the site


def cache_page(
    timeout: int,
    *,
    cache: str | None = None,
    key_prefix: str | None = None,
    reserve: int = 60,
    shared: bool = False,
) -> Callable[[View], View]:
    """Cache a page as Django's decorator does, but for no longer than its signed URLs live.

    ``timeout`` and ``reserve`` are seconds. A page that is served from the
    cache at the last moment has URLs that are valid for ``reserve`` seconds
    more, so the browser has time to fetch the files. A page with signed URLs,
    or one that read the session, is cached per ``Cookie`` and ``Authorization``
    header, and a response that sets a cookie is not cached. ``shared=True``
    serves a page that did not read the session, with its signed URLs, to
    everyone who requests its address.
    """

    def decorate(view: View) -> View:
        page_cache = _PageCache(view, timeout, cache, key_prefix, reserve, shared=shared)

        if iscoroutinefunction(view):

            @functools.wraps(view)
            async def kept_async(
                request: HttpRequest, *args: Any, **kwargs: Any
            ) -> HttpResponseBase:
                if (kept := page_cache.find(request)) is not None:
                    return kept
                with watch_expiry() as watch:
                    response = await view(request, *args, **kwargs)
                return page_cache.keep(request, response, watch)

            return cast(View, markcoroutinefunction(kept_async))

        @functools.wraps(view)
        def kept_sync(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if (kept := page_cache.find(request)) is not None:
                return kept
            with watch_expiry() as watch:
                response = view(request, *args, **kwargs)
            return page_cache.keep(request, response, watch)

        return kept_sync

    return decorate


class _PageCache:
    """Django's cache middleware for one view, with a timeout for each page."""

    def __init__(
        self,
        view: View,
        timeout: int,
        cache: str | None,
        key_prefix: str | None,
        reserve: int,
        *,
        shared: bool,
    ) -> None:
        # Built for each page, since a middleware has one timeout.
        self._make = functools.partial(
            CacheMiddleware, view, cache_alias=cache, key_prefix=key_prefix
        )
        self._timeout = timeout
        self._reserve = reserve
        self._is_shared = shared

    def find(self, request: HttpRequest) -> HttpResponseBase | None:
        """Return the cached page, with headers that count from now; None if there is none."""
        kept = self._make().process_request(request)
        if kept is None:
            return None
        end = _renew(kept)
        if end is not None:
            note(math.floor(end))  # for an outer cache
        return cast(HttpResponseBase, kept)

    def keep(self, request: HttpRequest, response: Any, watch: ExpiryWatch) -> HttpResponseBase:
        """Store the page once it is rendered: its URLs are known only then."""
        if not _is_unrendered(response):
            return self._keep_rendered(request, response, watch)
        _render_under(watch, response)
        response.add_post_render_callback(
            lambda rendered: self._keep_rendered(request, rendered, watch)
        )
        return cast(HttpResponseBase, response)

    def _keep_rendered(
        self, request: HttpRequest, response: HttpResponseBase, watch: ExpiryWatch
    ) -> HttpResponseBase:
        timeout, end = self._timeout, None
        if watch.expires is not None:
            end = watch.expires - self._reserve
            _remember_end(response, end)
            timeout = min(timeout, _seconds_until(end))
        # Which files a page may show can depend on any cookie, or on what a proxy says of the
        # viewer, and this package cannot see that it does.
        has_viewer = watch.expires is not None and not self._is_shared
        if has_viewer or _is_for_one_viewer(request):
            caching.patch_vary_headers(response, ("Cookie", "Authorization"))
        if response.cookies or _changes_viewer_state(request):
            _stop_django_keeping(request)
        middleware = self._make(page_timeout=timeout)
        kept = cast(HttpResponseBase, middleware.process_response(request, response))
        if end is not None:
            _cap(kept, _seconds_until(end))
        return kept


def _render_under(watch: ExpiryWatch, response: Any) -> None:
    """Let the watch, which ended with the view, also note what the template signs."""
    before = vars(response).get("render")  # set by another cache_page

    def render() -> Any:
        # A cached response is pickled, and this function cannot be.
        del response.render
        if before is not None:
            response.render = before
        with resume(watch):
            return response.render()

    response.render = render


def _is_for_one_viewer(request: HttpRequest) -> bool:
    """Return whether the page read the session or messages.

    Django's middleware adds ``Vary: Cookie`` only after the page is stored.
    """
    session, messages = getattr(request, "session", None), getattr(request, "_messages", None)
    return (session is not None and session.accessed) or (messages is not None and messages.used)


def _changes_viewer_state(request: HttpRequest) -> bool:
    """Return whether the response changes a session, sets a CSRF token, or shows messages.

    Such a page would be stored under the cookies of the request. A new viewer
    has none; the next new viewer has none either, and would get this page.
    """
    session, messages = getattr(request, "session", None), getattr(request, "_messages", None)
    return (
        (session is not None and session.modified)
        or (messages is not None and messages.used and len(messages) > 0)
        or request.META.get("CSRF_COOKIE_NEEDS_UPDATE", False)
    )


# --- Django's private flag

#: Django's cache middleware stores a response only if this attribute of its request is true. The
#: attribute is private, and there is no public one. Only the next two functions use it.
_UPDATE_CACHE: Final = "_cache_update_cache"


def _will_django_keep(request: HttpRequest) -> bool:
    return bool(getattr(request, _UPDATE_CACHE, False))


def _stop_django_keeping(request: HttpRequest) -> None:
    setattr(request, _UPDATE_CACHE, False)


# --- What headers say

_AGE = re.compile(r'\b(max-age|s-maxage)\s*=\s*"?(\d+)"?', re.IGNORECASE)
_STALE = re.compile(r'\b(stale-[a-z-]+)\s*=\s*"?(\d+)"?', re.IGNORECASE)
#: With one of these, Django's cache middleware adds no max-age.
_SAYS_ENOUGH = re.compile(r"\b(private|no-cache|no-store|max-age)\b", re.IGNORECASE)
#: The attribute of a response that says until when it may be shown, in Unix seconds. It is
#: pickled with the response.
_END: Final = "_cfsigned_end"


def _seconds_until(end: float) -> int:
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


def _remember_end(response: HttpResponseBase, end: float) -> None:
    vars(response)[_END] = end


def _renew(response: HttpResponseBase) -> float | None:
    """Rewrite the headers of a cached response to count from now. Return when its URLs expire.

    Return None, and change nothing, if the response has no signed URLs.
    """
    end: float | None = vars(response).get(_END)
    if end is not None:
        # Django's Age counts from when the page was built: subtract it from the ages.
        said = response.headers.get("Age", "")
        passed = int(said) if said.isdecimal() else 0
        del response.headers["Age"]
        header = _cache_control_of(response)
        aged = _AGE.sub(lambda found: f"{found[1]}={max(0, int(found[2]) - passed)}", header)
        if aged != header:
            response.headers["Cache-Control"] = aged
        _cap(response, _seconds_until(end))
    return end


def _is_unrendered(response: object) -> bool:
    """Return whether the response is not rendered yet, so that its URLs are not signed yet."""
    return getattr(response, "is_rendered", True) is False
