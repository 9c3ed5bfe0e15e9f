"""Check that caches keep no page longer than its signed URLs live."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage

from cfsigned_django.core.validation import problem
from cfsigned_django.storage.site_storages import site_storages

_UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
_CAP = "cfsigned_django.http.cap_cache_control"


def check_caches(**kwargs: Any) -> list[CheckMessage]:
    """Return which caches keep a page for longer than the shortest-lived signed URL.

    Looks at MIDDLEWARE. What a view keeps, with ``cache_page`` or ``{% cache %}``,
    is known only from its responses: see
    :func:`cfsigned_django.http.cap_cache_control`.
    """
    configs = [each.config for each in site_storages() if each.signs]
    # find_problems() reports the others.
    known = [each.querystring_expire for each in configs if "querystring_expire" not in each.wrong]
    names, seconds = settings.MIDDLEWARE, settings.CACHE_MIDDLEWARE_SECONDS
    if _UPDATE not in names or _CAP in names[names.index(_UPDATE) + 1 :][:1]:
        return []
    if not known or seconds <= (least := min(known)):
        return []
    what = (
        f"CACHE_MIDDLEWARE_SECONDS is {seconds}, but a signed URL may live only {least} s: "
        "pages from the cache would contain expired URLs."
    )
    return [problem("cfsigned.W040", what)]
