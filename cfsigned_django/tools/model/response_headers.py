"""Which headers a response headers policy removes, replaces and adds.

AWS pages (Developer Guide): "Understand response headers policies", "Use managed response headers
policies"; API reference: ResponseHeadersPolicyConfig. Not modelled: Server-Timing, and other values
of Strict-Transport-Security and X-XSS-Protection than the managed policies have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from cfsigned_django.tools.model import Document, listed

Headers: TypeAlias = list[tuple[str, str]]


def apply(policy: Document, headers: Headers, *, origin: str = "", method: str = "GET") -> Headers:
    """Return the headers that a viewer gets, from those of the origin's response.

    ``origin`` is the Origin header of the request, empty without one. Headers are removed first,
    then added; one that the response has already is replaced only if the policy overrides it.
    AWS does not document what becomes of S3's Access-Control-Allow-Origin if the policy overrides
    CORS headers, and does not name the origin that asks: it is left out here.
    """
    cors = cors_headers(policy, origin, method=method)
    gone = {each["Header"].lower() for each in listed(policy.get("RemoveHeadersConfig"))}
    if origin and not cors and overrides_origin(policy):
        gone.add("access-control-allow-origin")
    kept = [each for each in headers if each[0].lower() not in gone]
    added = [(name, value, overrides_origin(policy)) for name, value in cors.items()]
    added += [*_security_headers(policy)]
    added += [
        (each["Header"], each["Value"], each["Override"])
        for each in listed(policy.get("CustomHeadersConfig"))
    ]
    for name, value, overrides in added:
        present = [each for each in kept if each[0].lower() == name.lower()]
        if present and not overrides:
            continue
        kept = [each for each in kept if each not in present] + [(name, value)]
    return kept


def cors_headers(policy: Document, origin: str, *, method: str = "GET") -> dict[str, str]:
    """Return the CORS headers for a request of a page of ``origin``; none for a foreign one."""
    config = policy.get("CorsConfig") or {}
    allowed = listed(config.get("AccessControlAllowOrigins"))
    if not origin or not any(cors_allows(each, origin) for each in allowed):
        return {}
    found = {"Access-Control-Allow-Origin": "*" if "*" in allowed else origin}
    if config.get("AccessControlAllowCredentials"):
        found["Access-Control-Allow-Credentials"] = "true"
    lists = {"Access-Control-Expose-Headers": config.get("AccessControlExposeHeaders")}
    if method == "OPTIONS":  # a preflight
        lists["Access-Control-Allow-Methods"] = config.get("AccessControlAllowMethods")
        lists["Access-Control-Allow-Headers"] = config.get("AccessControlAllowHeaders")
        if "AccessControlMaxAgeSec" in config:
            found["Access-Control-Max-Age"] = str(config["AccessControlMaxAgeSec"])
    return found | {name: ", ".join(listed(each)) for name, each in lists.items() if listed(each)}


def cors_allows(allowed: str, value: str) -> bool:
    """Return whether an entry of a CORS rule of S3, or of a policy, allows an origin or header.

    Each may contain one "*". S3 User Guide: "Elements of a CORS configuration".
    """
    # "[" and "?" have no meaning there.
    literal = allowed.replace("[", "[[]").replace("?", "[?]")
    return fnmatchcase(value, literal)


def overrides_origin(policy: Document) -> bool:
    """Return whether the CORS headers of the policy replace those of S3."""
    return bool((policy.get("CorsConfig") or {}).get("OriginOverride"))


def lacking_origins(policy: Document, origins: Sequence[str]) -> list[str]:
    """Return the origins for which the policy sends no Access-Control-Allow-Origin."""
    return [each for each in origins if not cors_headers(policy, each)]


def lacking_credentials(policy: Document, origins: Sequence[str]) -> list[str]:
    """Return the origins that the policy does not name, or does not allow credentials."""
    needed = "Access-Control-Allow-Credentials"
    found = {each: cors_headers(policy, each) for each in origins}
    return [
        origin
        for origin, headers in found.items()
        if headers.get("Access-Control-Allow-Origin") != origin or needed not in headers
    ]


def stops_scripts(policy: Document) -> bool:
    """Return whether a file runs no script under the Content-Security-Policy that it sends."""
    found = [*_security_headers(policy)]
    csp = next((value for name, value, _ in found if name == "Content-Security-Policy"), "")
    rules = [each.lower().split() for each in csp.split(";")]
    return ["sandbox"] in rules or ["script-src", "'none'"] in rules


#: Field of SecurityHeadersConfig -> the header, and its value, with fields in braces.
_SECURITY: Final = {
    "ContentTypeOptions": ("X-Content-Type-Options", "nosniff"),
    "ReferrerPolicy": ("Referrer-Policy", "{ReferrerPolicy}"),
    "ContentSecurityPolicy": ("Content-Security-Policy", "{ContentSecurityPolicy}"),
    "FrameOptions": ("X-Frame-Options", "{FrameOption}"),
    "StrictTransportSecurity": ("Strict-Transport-Security", "max-age={AccessControlMaxAgeSec}"),
    "XSSProtection": ("X-XSS-Protection", "1; mode=block"),
}


def _security_headers(policy: Document) -> Iterator[tuple[str, str, bool]]:
    """Yield each header, its value, and whether it replaces that of the origin."""
    config = policy.get("SecurityHeadersConfig") or {}
    for name, (header, value) in _SECURITY.items():
        if name in config:
            yield header, value.format_map(config[name]), config[name]["Override"]
