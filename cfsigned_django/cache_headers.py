"""Lower for how long the headers of a response let caches keep it."""

from __future__ import annotations

import math
import re
import time

from django.http import HttpResponseBase
from django.utils import http

_AGE = re.compile(r'\b(max-age|s-maxage)\s*=\s*"?(\d+)"?', re.IGNORECASE)
#: The attribute of a response that holds until when it may be shown. Pickles keep it.
_END = "_cfsigned_end"
_STALE = re.compile(r'\b(stale-[a-z-]+)\s*=\s*"?(\d+)"?', re.IGNORECASE)


def life_of(end: float, now: float | None = None) -> int:
    """Return the whole seconds until then; ``now`` is in Unix seconds."""
    return max(0, math.floor(end - (time.time() if now is None else now)))


def cap(response: HttpResponseBase, life: int, *, now: float | None = None) -> int:
    """Lower the headers to ``life`` in seconds; return for how long they let caches keep it."""
    now = time.time() if now is None else now
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
    return max(ages, default=0)


def cache_control_of(response: HttpResponseBase) -> str:
    """Return the header, empty where there is none."""
    return str(response.headers.get("Cache-Control", ""))


def remember_end(response: HttpResponseBase, end: float) -> None:
    """Let the response carry until when it may be shown, also where a cache keeps it."""
    vars(response)[_END] = end


def end_of(response: HttpResponseBase) -> float | None:
    """Return until when a response may be shown, in Unix seconds; None where nothing limits it."""
    end: float | None = vars(response).get(_END)
    return end


def renew(response: HttpResponseBase) -> float | None:
    """Let a response out of a cache say how long it lasts from now on; return until when.

    Leaves alone what holds no signed URLs.
    """
    end = end_of(response)
    if end is not None:
        # What Django says there was at the time: from now on, the rest of it is left.
        said = response.headers.get("Age", "")
        passed = int(said) if said.isdecimal() else 0
        del response.headers["Age"]
        header = cache_control_of(response)
        aged = _AGE.sub(lambda found: f"{found[1]}={max(0, int(found[2]) - passed)}", header)
        if aged != header:
            response.headers["Cache-Control"] = aged
        cap(response, life_of(end))
    return end


def is_unrendered(response: object) -> bool:
    """Tell whether the text of the response, and so its URLs, are still to be made."""
    return getattr(response, "is_rendered", True) is False


def _at_most(found: re.Match[str], most: int) -> str:
    return f"{found[1]}={most}" if int(found[2]) > most else found[0]
