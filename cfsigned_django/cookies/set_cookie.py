"""Put sets of signed cookies into a response, side by side."""

from __future__ import annotations

from collections.abc import Iterable
from http.cookies import Morsel
from typing import Any, Final

from django.http import HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers

from cfsigned_django.cookies.place import CookiePlace
from cfsigned_django.signing import Policy
from cfsigned_django.signing.encoding import decode_base64

POLICY: Final = "CloudFront-Policy"
EXPIRES: Final = "CloudFront-Expires"
KEY_PAIR_ID: Final = "CloudFront-Key-Pair-Id"
HASH: Final = "CloudFront-Hash-Algorithm"
#: The names of all cookies that CloudFront reads (developer guide, "Use signed cookies").
NAMES: Final = (POLICY, EXPIRES, "CloudFront-Signature", KEY_PAIR_ID, HASH)


class _PartitionedMorsel(Morsel[str]):
    """A cookie that is kept apart for each site that embeds it; Python 3.14 is the first to know.

    A site that is embedded in others needs it: browsers block its other cookies there.
    """

    def OutputString(self, attrs: Any = None) -> str:
        """Return the cookie as a header has it."""
        return f"{super().OutputString(attrs)}; Partitioned"


def put(response: HttpResponseBase, values: dict[str, str], place: CookiePlace) -> None:
    """Add a set of cookies to the response, beside those of other places."""
    for name, value in values.items():
        _add(response, name, value, place)
    make_private(response)


def delete(response: HttpResponseBase, place: CookiePlace, names: Iterable[str] = NAMES) -> None:
    for name in names:
        morsel = _add(response, name, "", place)
        morsel["max-age"] = 0
        morsel["expires"] = "Thu, 01 Jan 1970 00:00:00 GMT"
    make_private(response)


def make_private(response: HttpResponseBase) -> None:
    """Let no cache keep a response that carries the cookies of one viewer, but the browser's own.

    Some caches obey ``s-maxage``, ``Surrogate-Control`` and the headers of RFC
    9213, such as ``CDN-Cache-Control``, before ``private``.
    """
    header = response.headers.get("Cache-Control", "")
    parts = [part.strip() for part in header.split(",")]
    response.headers["Cache-Control"] = ", ".join(
        part for part in parts if part.partition("=")[0].strip().lower() != "s-maxage"
    )
    for name in list(response.headers):
        if name.lower() == "surrogate-control" or name.lower().endswith("cdn-cache-control"):
            del response.headers[name]
    patch_cache_control(response, private=True)
    patch_vary_headers(response, ("Cookie",))


def _add(response: HttpResponseBase, name: str, value: str, place: CookiePlace) -> Morsel[str]:
    morsel: Morsel[str] = _PartitionedMorsel() if place.partitioned else Morsel()
    morsel.set(name, value, value)
    morsel["path"] = place.path
    if place.domain is not None:
        morsel["domain"] = place.domain
    if place.samesite is not None:
        morsel["samesite"] = place.samesite
    morsel["secure"], morsel["httponly"] = place.secure, place.httponly
    # Django's key is the name, so that a second set would replace the first. Everything that reads
    # a response takes the name from the morsel.
    response.cookies[f"{name} {place.key}"] = morsel
    return morsel


def refuse_overlap(response: HttpResponseBase, place: CookiePlace, covered: str) -> None:
    """Raise if a browser would send two policies with one request, of which one would count."""
    for morsel in list(response.cookies.values()):
        if morsel.key not in (POLICY, EXPIRES) or not morsel.value:
            continue
        other = CookiePlace(domain=morsel["domain"] or None, path=morsel["path"])
        is_same = other.key == place.key and _resource_of(morsel) == covered
        if place.overlaps(other) and not is_same:
            raise ValueError(
                f"This response already sets signed cookies for {other.path}, and browsers would "
                f"send both sets for files in {place.path}, of which CloudFront reads one. Open "
                "one folder that contains both, or folders side by side."
            )


def _resource_of(morsel: Morsel[str]) -> str | None:
    """Return what a cookie opens; None if it opens one file, whose name it does not have."""
    if morsel.key != POLICY:
        return None
    return Policy.from_json(decode_base64(morsel.value).decode()).resource
