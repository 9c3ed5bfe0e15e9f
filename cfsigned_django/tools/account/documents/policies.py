"""Policies of a behavior: what is in the cache key, what reaches S3, which headers are added.

With them, a signed URL can set the name under which a browser saves a file, and pages of several
origins can read the file. If the query has ``response-content-disposition``, S3 answers with that
header. CloudFront must therefore forward the parameter, and must keep one copy per value, or the
file name of one viewer would be served to all. The managed AllViewer policies do not forward it to
S3 (Developer Guide, "Use managed origin request policies"). No known managed cache policy has
Origin in its key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cfsigned_django.tools.account.documents.behavior import listed
from cfsigned_django.tools.account.documents.cors import matches_origin

# Managed policies have the same id in every account (Developer Guide: "Use managed cache policies",
# "Use managed origin request policies", "Use managed response headers policies").
CACHE_POLICIES: Final[Mapping[str, str]] = {
    "CachingOptimized": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    "CachingOptimizedForUncompressedObjects": "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
    "CachingDisabled": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
}
ORIGIN_REQUEST_POLICIES: Final[Mapping[str, str]] = {
    "CORS-S3Origin": "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
    "CORS-CustomOrigin": "59781a5b-3903-41f3-afcb-af62929ccde1",
    "AllViewer": "216adef6-5c7f-47e4-b989-5492eafa07d3",
    "AllViewerExceptHostHeader": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
    "AllViewerAndCloudFrontHeaders-2022-06": "33f36d7e-f396-46d9-90e0-52428a34d9dc",
}
RESPONSE_HEADERS_POLICIES: Final[Mapping[str, str]] = {
    "SimpleCORS": "60669652-455b-4ae9-85a4-c4c02393f86c",
    "CORS-With-Preflight": "5cc3b908-e619-4b99-88e5-2cf7f45965bd",
    "CORS-and-SecurityHeaders": "e61eb60c-9c35-4d20-a928-2b84e02af89c",
    "CORS-with-preflight-and-SecurityHeaders": "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
    "SecurityHeaders": "67f7725c-6f97-4210-82d7-5512b31e9d03",
}
#: ID -> name, for people.
NAMES: Final[Mapping[str, str]] = {
    policy_id: name
    for table in (CACHE_POLICIES, ORIGIN_REQUEST_POLICIES, RESPONSE_HEADERS_POLICIES)
    for name, policy_id in table.items()
}


def name_of(policy_id: str) -> str:
    """Return the name of a managed policy, else the ID itself."""
    return NAMES.get(policy_id, policy_id)


#: What url() of a storage adds to the query for ``download=``.
DOWNLOAD_PARAMETERS: Final = ("response-content-disposition",)
#: What it adds for ``parameters={"ResponseContentType": ...}``. Anyone with a URL for a folder can
#: change its query: with this parameter, an uploaded text becomes HTML on the domain of the files.
CONTENT_TYPE_PARAMETER: Final = "response-content-type"


def has_in_cache_key(
    cache_policy: Mapping[str, Any] | None, parameters: Sequence[str] = DOWNLOAD_PARAMETERS
) -> bool:
    """Return whether a cache policy keeps one copy per value of these parameters."""
    return _covers(_cache_key(cache_policy).get("QueryStringsConfig"), parameters)


def has_origin_in_cache_key(cache_policy: Mapping[str, Any] | None) -> bool:
    """Return whether a cache policy keeps one copy per origin, and so forwards Origin."""
    headers = _cache_key(cache_policy).get("HeadersConfig") or {}
    names = {each.lower() for each in listed(headers.get("Headers"))}
    return headers.get("HeaderBehavior") == "whitelist" and "origin" in names


def keeps_copies(cache_policy: Mapping[str, Any] | None) -> bool:
    """Return whether a cache policy caches anything; CachingDisabled does not."""
    return (cache_policy or {}).get("MaxTTL") != 0


def _cache_key(cache_policy: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return (cache_policy or {}).get("ParametersInCacheKeyAndForwardedToOrigin") or {}


def forwards(
    origin_request_policy: Mapping[str, Any] | None,
    parameters: Sequence[str] = DOWNLOAD_PARAMETERS,
) -> bool:
    """Return whether an origin request policy forwards these parameters."""
    return _covers((origin_request_policy or {}).get("QueryStringsConfig"), parameters)


def forwards_origin(origin_request_policy: Mapping[str, Any] | None) -> bool:
    """Return whether an origin request policy forwards the Origin header to S3."""
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


def _covers(config: Mapping[str, Any] | None, parameters: Sequence[str]) -> bool:
    names = {each.lower() for each in listed((config or {}).get("QueryStrings"))}
    match (config or {}).get("QueryStringBehavior"):
        case "all":
            return True
        case "whitelist":
            return names.issuperset(parameters)
        case "allExcept":
            return names.isdisjoint(parameters)
        case _:
            return False


# CORS in a response headers policy. Unless the policy overrides the origin, a header from the
# origin is kept (Developer Guide, "Understand response headers policies").


def has_cors(config: Mapping[str, Any] | None) -> bool:
    """Return whether the policy sets CORS headers at all."""
    return bool((config or {}).get("CorsConfig"))


def lacking_origins(config: Mapping[str, Any] | None, origins: Sequence[str]) -> list[str]:
    """Return the origins for which the policy sends no Access-Control-Allow-Origin."""
    cors = (config or {}).get("CorsConfig") or {}
    allowed = listed(cors.get("AccessControlAllowOrigins"))
    return [
        origin for origin in origins if not any(matches_origin(origin, each) for each in allowed)
    ]


def lacking_credentials(config: Mapping[str, Any] | None, origins: Sequence[str]) -> list[str]:
    """Return the origins that the policy does not name, or does not allow credentials."""
    cors = (config or {}).get("CorsConfig") or {}
    if not cors.get("AccessControlAllowCredentials"):
        return list(origins)
    if "*" in listed(cors.get("AccessControlAllowOrigins")):
        return list(origins)
    return lacking_origins(config, origins)


def stops_scripts(config: Mapping[str, Any] | None) -> bool:
    """Return whether a file runs no script under the Content-Security-Policy that it sends."""
    security = (config or {}).get("SecurityHeadersConfig") or {}
    csp = (security.get("ContentSecurityPolicy") or {}).get("ContentSecurityPolicy") or ""
    rules = [each.lower().split() for each in csp.split(";")]
    return ["sandbox"] in rules or ["script-src", "'none'"] in rules


def overrides_origin(config: Mapping[str, Any] | None) -> bool:
    """Return whether the CORS headers of the policy replace those of S3."""
    return bool(((config or {}).get("CorsConfig") or {}).get("OriginOverride"))
