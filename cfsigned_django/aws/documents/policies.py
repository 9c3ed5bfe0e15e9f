"""Let a signed URL name the file that a browser saves, and pages of several origins read it.

S3 answers ``response-content-disposition`` in the query with that header. So
CloudFront must pass it on, and must keep one copy per value: else one viewer's
file name would be served to all. The managed AllViewer policies do not pass it
on to S3 (Developer Guide, "Use managed origin request policies"). No managed
cache policy that is known here has Origin in its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import list_of, listed

#: What a storage's url() puts into a query for ``download=`` and ``parameters=``.
DOWNLOAD_PARAMETERS: Final = ("response-content-disposition", "response-content-type")
#: What CORS-S3Origin forwards (the same page).
CORS_HEADERS: Final = (
    "Origin",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
)
_YEAR: Final = 31536000
_DAY: Final = 86400


def cache_policy_config(name: str) -> Document:
    """Return CachingOptimized with Origin and the download parameters in the cache key.

    With both, whichever is asked for: a later run that wants the other one as
    well finds that what an earlier one made will do.
    """
    return {
        "Name": name,
        "Comment": "CachingOptimized, with Origin and the download parameters in the cache key",
        "DefaultTTL": _DAY,
        "MaxTTL": _YEAR,
        "MinTTL": 1,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": True,
            "EnableAcceptEncodingBrotli": True,
            "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": list_of(["Origin"])},
            "CookiesConfig": {"CookieBehavior": "none"},
            "QueryStringsConfig": _parameters(),
        },
    }


def origin_request_policy_config(name: str) -> Document:
    """Return CORS-S3Origin with the download parameters forwarded."""
    return {
        "Name": name,
        "Comment": "CORS-S3Origin, with the download parameters forwarded",
        "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": list_of(list(CORS_HEADERS))},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": _parameters(),
    }


def _parameters() -> Document:
    return {
        "QueryStringBehavior": "whitelist",
        "QueryStrings": list_of(list(DOWNLOAD_PARAMETERS)),
    }


def has_downloads_in_cache_key(cache_policy: Mapping[str, Any] | None) -> bool:
    """Tell whether a cache policy keeps one copy per download name."""
    return _covers_downloads(_cache_key(cache_policy).get("QueryStringsConfig"))


def has_origin_in_cache_key(cache_policy: Mapping[str, Any] | None) -> bool:
    """Tell whether a cache policy keeps one copy per origin; it forwards Origin then as well."""
    headers = _cache_key(cache_policy).get("HeadersConfig") or {}
    names = {each.lower() for each in listed(headers.get("Headers"))}
    return headers.get("HeaderBehavior") == "whitelist" and "origin" in names


def keeps_copies(cache_policy: Mapping[str, Any] | None) -> bool:
    """Tell whether anything stays in the cache: nothing does by CachingDisabled."""
    return (cache_policy or {}).get("MaxTTL") != 0


def _cache_key(cache_policy: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return (cache_policy or {}).get("ParametersInCacheKeyAndForwardedToOrigin") or {}


def forwards_downloads(origin_request_policy: Mapping[str, Any] | None) -> bool:
    """Tell whether an origin request policy passes the download parameters on."""
    return _covers_downloads((origin_request_policy or {}).get("QueryStringsConfig"))


def forwards_origin(origin_request_policy: Mapping[str, Any] | None) -> bool:
    """Tell whether an origin request policy passes the Origin header on to S3."""
    config = (origin_request_policy or {}).get("HeadersConfig") or {}
    names = {each.lower() for each in listed(config.get("Headers"))}
    match config.get("HeaderBehavior"):
        case "allViewer" | "allViewerAndWhitelistCloudFront":
            return True
        case "whitelist":
            return "origin" in names
        case "allExcept":
            return "origin" not in names
        case _:
            return False


def _covers_downloads(config: Mapping[str, Any] | None) -> bool:
    names = {each.lower() for each in listed((config or {}).get("QueryStrings"))}
    match (config or {}).get("QueryStringBehavior"):
        case "all":
            return True
        case "whitelist":
            return names.issuperset(DOWNLOAD_PARAMETERS)
        case "allExcept":
            return names.isdisjoint(DOWNLOAD_PARAMETERS)
        case _:
            return False
