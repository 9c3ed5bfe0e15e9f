"""Try whether pages of other origins may read an object, cached or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cfsigned_django.doctor.findings import Finding
from cfsigned_django.doctor.kinds import finding
from cfsigned_django.viewer import Answer, Fetch


def judge_cors(
    fetch: Fetch, signed_url: str, url: str, origins: Sequence[str], *, without_origin: Answer
) -> Iterator[Finding]:
    """Yield what an object answers to each origin; it was asked for without one just before.

    Each origin asks twice: the second answer comes from the cache.
    """
    good = True
    for origin in origins:
        answers = [fetch(signed_url, {"Origin": origin}) for _ in range(2)]
        allowed = [each.headers.get("access-control-allow-origin", "") for each in answers]
        if all(each in (origin, "*") for each in allowed):
            continue
        good = False
        if _is_lost_in_cache(allowed, origin):
            what = f"For {origin}, a cached copy comes with {_said(allowed, origin)}."
            yield finding("cors-lost-in-cache", what, subject=url)
        else:
            where = " from the cache" if any(map(_is_hit, answers)) else ""
            what = f"For {origin}, the object comes{where} with {_said(allowed, origin)}."
            yield finding("cors-headers-missing", what, subject=url)
    if good:
        what = f"Pages of {' and '.join(origins)} may read {url}, cached or not."
        yield finding("cors", what, subject=url)
        if "origin" not in without_origin.headers.get("vary", "").lower():
            what = "Without an Origin, the object comes without Vary: Origin: Chrome may reuse "
            what += "such a copy where CORS is wanted."
            yield finding("cors-browser-cache", what, subject=url)


def _is_lost_in_cache(allowed: Sequence[str], origin: str) -> bool:
    """Tell whether the headers are wrong because of a copy that another request left."""
    others = {each for each in allowed if each not in ("", origin, "*")}
    return bool(others) or len(set(allowed)) > 1


def _is_hit(answer: Answer) -> bool:
    return "hit from" in answer.headers.get("x-cache", "").lower()


def _said(allowed: Sequence[str], origin: str) -> str:
    """Return what is wrong among the values of Access-Control-Allow-Origin."""
    wrong = max((each for each in allowed if each not in (origin, "*")), key=len)
    return f"Access-Control-Allow-Origin: {wrong}" if wrong else "no Access-Control-Allow-Origin"
