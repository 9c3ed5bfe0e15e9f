"""Keep a page in the cache of the site, for no longer than the signed URLs in it live."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.middleware.cache import CacheMiddleware
from django.utils.cache import patch_vary_headers

from cfsigned_django.cache_headers import cap, is_unrendered, life_of, remember_end, renew
from cfsigned_django.storage.expiry_watch import ExpiryWatch, note, resume, watch_expiry

View: TypeAlias = Callable[..., Any]


def cache_page(
    timeout: int, *, cache: str | None = None, key_prefix: str | None = None, reserve: int = 60
) -> Callable[[View], View]:
    """Keep a page as Django's decorator does, but for no longer than its signed URLs live.

    ``timeout`` and ``reserve`` are seconds. A page that is taken from the
    cache at the last moment still has URLs that live for ``reserve`` seconds,
    in which the browser can fetch what they name. A page that looked at the
    session is kept for the cookies that it was asked with; any other goes to
    whoever asks for its address, with its links.
    """

    def decorate(view: View) -> View:
        # Made for each request: for how long a page is kept depends on what is in it.
        make = functools.partial(_PageCache, view, timeout, cache, key_prefix, reserve)

        if iscoroutinefunction(view):

            @functools.wraps(view)
            async def kept_async(
                request: HttpRequest, *args: Any, **kwargs: Any
            ) -> HttpResponseBase:
                page_cache = make()
                if (kept := page_cache.find(request)) is not None:
                    return kept
                with watch_expiry() as watch:
                    response = await view(request, *args, **kwargs)
                return page_cache.keep(request, response, watch)

            return cast(View, markcoroutinefunction(kept_async))

        @functools.wraps(view)
        def kept_sync(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            page_cache = make()
            if (kept := page_cache.find(request)) is not None:
                return kept
            with watch_expiry() as watch:
                response = view(request, *args, **kwargs)
            return page_cache.keep(request, response, watch)

        return kept_sync

    return decorate


class _PageCache:
    """What Django's cache middleware does with one request, with a say in how long."""

    def __init__(
        self, view: View, timeout: int, cache: str | None, key_prefix: str | None, reserve: int
    ) -> None:
        self._make = functools.partial(
            CacheMiddleware, view, cache_alias=cache, key_prefix=key_prefix
        )
        self._timeout = timeout
        self._reserve = reserve

    def find(self, request: HttpRequest) -> HttpResponseBase | None:
        """Return the page that was kept, which says for how long it lasts from now on."""
        kept = self._make().process_request(request)
        if kept is None:
            return None
        end = renew(kept)
        if end is not None:
            note(math.floor(end))  # for a cache round this one
        return cast(HttpResponseBase, kept)

    def keep(self, request: HttpRequest, response: Any, watch: ExpiryWatch) -> HttpResponseBase:
        """Keep the page, once it is rendered: only then can be said which URLs it holds."""
        if not is_unrendered(response):
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
            remember_end(response, end)
            timeout = min(timeout, life_of(end))
        if _belongs_to_one_viewer(request):
            patch_vary_headers(response, ("Cookie",))
        if _begins_something(request):
            request._cache_update_cache = False  # type: ignore[attr-defined]
        middleware = self._make(page_timeout=timeout)
        kept = cast(HttpResponseBase, middleware.process_response(request, response))
        if end is not None:
            cap(kept, life_of(end))
        return kept


def _render_under(watch: ExpiryWatch, response: Any) -> None:
    """Let the watch, which has ended with the view, see also what is signed in the template."""
    before = vars(response).get("render")  # of another cache_page

    def render() -> Any:
        # What is kept is pickled, which this function could not be.
        del response.render
        if before is not None:
            response.render = before
        with resume(watch):
            return response.render()

    response.render = render


def _belongs_to_one_viewer(request: HttpRequest) -> bool:
    """Tell whether the page looked who asks. Middleware says so only once the page is kept."""
    session, messages = getattr(request, "session", None), getattr(request, "_messages", None)
    return (session is not None and session.accessed) or (messages is not None and messages.used)


def _begins_something(request: HttpRequest) -> bool:
    """Tell whether the answer sets a cookie on its way out, or shows what is shown once.

    That is a session that begins or changes, the token of a form, or a
    message. Such a page would be kept under the cookies that it was asked
    with, which the next viewer has as well: none.
    """
    session, messages = getattr(request, "session", None), getattr(request, "_messages", None)
    return (
        (session is not None and session.modified)
        or (messages is not None and messages.used and len(messages) > 0)
        or request.META.get("CSRF_COOKIE_NEEDS_UPDATE", False)
    )
