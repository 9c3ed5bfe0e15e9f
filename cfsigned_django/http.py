"""Let no cache keep a response for longer than the signed URLs in it live.

Name ``"cfsigned_django.http.cap_cache_control"`` in MIDDLEWARE, directly behind
Django's ``UpdateCacheMiddleware`` where that is in use, else anywhere.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase
from django.utils import cache as caching
from django.utils.decorators import sync_and_async_middleware

from cfsigned_django import conf
from cfsigned_django.cache_headers import (
    cache_control_of,
    cap,
    is_unrendered,
    life_of,
    remember_end,
    renew,
)
from cfsigned_django.page_cache import cache_page as cache_page
from cfsigned_django.storage.expiry_watch import (
    ExpiryWatch,
    current_watch,
    watch_expiry as watch_expiry,
)

logger = logging.getLogger("cfsigned_django.http")

#: For so many seconds more than its URLs live a response may ask, since it takes a while to make.
MOMENTS = 5
#: After so many routes nothing is logged any more: paths without a route are as many as people ask.
MOST_WARNINGS = 500
_warned: set[str] = set()
# Where one of these stands, Django's cache middleware needs no max-age to know what to do.
_SAYS_ENOUGH = re.compile(r"\b(private|no-cache|no-store|max-age)\b", re.IGNORECASE)


def patch_cache_control(
    response: HttpResponseBase, *, reserve: int = 0, now: float | None = None, **directives: Any
) -> None:
    """Add directives as Django's function does, and let no cache outlive the signed URLs.

    Lowers ``max-age``, ``s-maxage``, the ``stale-...`` directives and
    ``Expires`` to the shortest remaining life, in seconds, of the URLs that
    were signed for this response, less ``reserve``; adds none of them. URLs
    that were signed for an earlier response, and kept in a cache of the site,
    are not known. ``now`` is in Unix seconds.

    Raise :exc:`ImproperlyConfigured` where nothing watches which URLs are
    signed: that is the middleware, or ``with watch_expiry():``.
    """
    watch = current_watch()
    if watch is None:
        raise ImproperlyConfigured(
            "patch_cache_control() cannot know which URLs are in the response. Add "
            '"cfsigned_django.http.cap_cache_control" to MIDDLEWARE, or make the response within '
            "a block of watch_expiry(), and call it there."
        )
    if directives:
        caching.patch_cache_control(response, **directives)

    def cap_rendered(rendered: HttpResponseBase) -> None:
        if watch.expires is not None:
            cap(rendered, life_of(watch.expires - reserve, now), now=now)

    if is_unrendered(response):
        # Its URLs are signed when it is rendered, still under the same watch.
        cast(Any, response).add_post_render_callback(cap_rendered)
    else:
        cap_rendered(response)


@sync_and_async_middleware
def cap_cache_control(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Cap how long a response may be cached at the shortest life of its signed URLs.

    Logs a warning, once for each route, where it asked for more: what
    ``cache_page`` has kept by then is not capped.
    """
    if iscoroutinefunction(get_response):

        async def capped_async(request: HttpRequest) -> HttpResponseBase:
            with watch_expiry() as watch:
                response: HttpResponseBase = await get_response(request)
            _finish(request, response, watch)
            return response

        return capped_async

    def capped(request: HttpRequest) -> HttpResponseBase:
        with watch_expiry() as watch:
            response: HttpResponseBase = get_response(request)
        _finish(request, response, watch)
        return response

    return capped


def _finish(request: HttpRequest, response: HttpResponseBase, watch: ExpiryWatch) -> None:
    """Cap the response, and what Django's middleware outside this one would keep it for."""
    # Where it comes out of a cache, its URLs were signed before.
    ends = [end for end in (watch.expires, renew(response)) if end is not None]
    if not ends:
        return
    remember_end(response, min(ends))
    life = life_of(min(ends))
    if _is_kept_without_age(request, response):
        caching.patch_cache_control(response, max_age=min(life, conf.cache_middleware_seconds()))
    asked = cap(response, life)
    if asked > life + MOMENTS:
        route = getattr(request.resolver_match, "route", None) or request.path
        if _is_first(route):
            _warn(route, asked, life)


def _is_kept_without_age(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Tell whether Django's middleware will keep it for CACHE_MIDDLEWARE_SECONDS."""
    return (
        getattr(request, "_cache_update_cache", False)
        and response.status_code == 200
        and not response.streaming
        and not _SAYS_ENOUGH.search(cache_control_of(response))
        and not (response.cookies and caching.has_vary_header(response, "Cookie"))
        and not caching.has_vary_header(response, "*")
    )


def _is_first(route: str) -> bool:
    """Tell whether nothing was logged of a route, as long as there are not too many of them."""
    if route in _warned or len(_warned) >= MOST_WARNINGS:
        return False
    _warned.add(route)
    return True


def _warn(route: str, asked: int, life: int) -> None:
    logger.warning(
        "The response of %s says that it may be cached for %d s, and a signed URL in it ends in "
        "%d s. The headers were capped; a copy that cache_page kept was not, and will show dead "
        "links. Lower its timeout, raise AWS_QUERYSTRING_EXPIRE, or use "
        "cfsigned_django.http.cache_page.",
        route,
        asked,
        life,
    )
