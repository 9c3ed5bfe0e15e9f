"""Lower for how long the headers of a response let caches keep it."""

from __future__ import annotations

import math
import re
import time

from django.http import HttpResponseBase
from django.utils import http

from cfsigned_django.expiry_watch import ExpiryWatch

_AGE = re.compile(r'\b(max-age|s-maxage)\s*=\s*"?(\d+)"?', re.IGNORECASE)
_STALE = re.compile(r'\b(stale-[a-z-]+)\s*=\s*"?(\d+)"?', re.IGNORECASE)


def cap(
    response: HttpResponseBase, watch: ExpiryWatch, reserve: int, now: float | None
) -> tuple[int, int]:
    """Lower the headers; return for how long caches might have kept it, and for how long now."""
    if watch.expires is None:
        return 0, 0
    now = time.time() if now is None else now
    life = max(0, math.floor(watch.expires - now) - reserve)
    header = cache_control_of(response)
    ages = [int(seconds) for _, seconds in _AGE.findall(header)]
    fresh = min(max(ages, default=0), life)
    capped = _AGE.sub(lambda found: _at_most(found, life), header)
    capped = _STALE.sub(lambda found: _at_most(found, life - fresh), capped)
    if capped != header:
        response.headers["Cache-Control"] = capped
    ends = http.parse_http_date_safe(response.headers.get("Expires", ""))
    if ends is not None:
        ages.append(math.floor(ends - now))
        if ends > now + life:
            response.headers["Expires"] = http.http_date(math.floor(now) + life)
    return max(ages, default=0), life


def cache_control_of(response: HttpResponseBase) -> str:
    """Return the header, empty where there is none."""
    return str(response.headers.get("Cache-Control", ""))


def age(response: HttpResponseBase) -> HttpResponseBase:
    """Lower ``max-age`` to what is left until ``Expires``, the end of a copy that was kept."""
    ends = http.parse_http_date_safe(response.headers.get("Expires", ""))
    if ends is not None:
        left = max(0, math.floor(ends - time.time()))
        header = cache_control_of(response)
        if (aged := _AGE.sub(lambda found: _at_most(found, left), header)) != header:
            response.headers["Cache-Control"] = aged
            # Django's says the same for max-age: together they would count the time twice.
            del response.headers["Age"]
    return response


def is_unrendered(response: object) -> bool:
    """Tell whether the text of the response, and so its URLs, are still to be made."""
    return getattr(response, "is_rendered", True) is False


def _at_most(found: re.Match[str], most: int) -> str:
    return f"{found[1]}={most}" if int(found[2]) > most else found[0]
