"""Check that caches keep no page longer than its signed URLs live."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.checks import CheckMessage

from cfsigned_django import conf
from cfsigned_django.conf import whole_seconds
from cfsigned_django.storage.registry import signing_storages
from cfsigned_django.validation import problem

_UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
_CAP = "cfsigned_django.http.cap_cache_control"


def check_caches() -> list[CheckMessage]:
    """Return which caches keep a page for longer than the shortest-lived signed URL.

    Looks at MIDDLEWARE. What a view keeps, with ``cache_page`` or ``{% cache %}``,
    is known only from its responses: see
    :func:`cfsigned_django.http.cap_cache_control`.
    """
    configs = [storage.signing.config() for _, storage in signing_storages()]
    lifetimes = [whole_seconds(config.querystring_expire) for config in configs]
    known = [each for each in lifetimes if each is not None]  # find_problems() reports the others
    return [*_middleware(min(known))] if known else []


def _middleware(least: int) -> Iterator[CheckMessage]:
    """Warn if Django's middleware keeps whole pages for too long."""
    names = conf.middleware()
    if _UPDATE not in names or _CAP in names[names.index(_UPDATE) + 1 :][:1]:
        return
    seconds = conf.cache_middleware_seconds()
    if seconds > least:
        yield problem(
            "cfsigned.W040",
            f"CACHE_MIDDLEWARE_SECONDS is {seconds}, but a signed URL may live only {least} s: "
            "pages from the cache would contain expired URLs.",
        )
