"""The policies that a distribution of the stack's template has, as the API shows them.

`stack/template.yaml` is the original. The edge reads no YAML, so a test deploys the template and
compares.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from cfsigned_django.tools.model.forwarding import Forwarding

_NAME: Final = "template.yaml"
# The parameter CorsOrigins of the template takes no others.
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_KEY: Final = "ParametersInCacheKeyAndForwardedToOrigin"
_NO_QUERY: Final[dict[str, Any]] = {
    "EnableAcceptEncodingBrotli": True,
    "EnableAcceptEncodingGzip": True,
    "CookiesConfig": {"CookieBehavior": "none"},
    "HeadersConfig": {"HeaderBehavior": "none"},
    "QueryStringsConfig": {"QueryStringBehavior": "none"},
}
_READ_BY_S3: Final = ["response-content-disposition", "response-content-type", "versionId"]
_QUERY: Final = {"QueryStringBehavior": "whitelist", "QueryStrings": {"Items": _READ_BY_S3}}
FORWARDING: Final = Forwarding(
    cache_policy={"Name": _NAME, _KEY: {**_NO_QUERY, "QueryStringsConfig": _QUERY}}
)
_MANAGED_HEADERS: Final = {
    "Name": "Managed-CORS-and-SecurityHeadersPolicy",
    "CorsConfig": {
        "AccessControlAllowOrigins": {"Items": ["*"]},
        "AccessControlAllowCredentials": False,
        "OriginOverride": False,
    },
    "SecurityHeadersConfig": {
        "ContentTypeOptions": {"Override": True},
        "FrameOptions": {"FrameOption": "SAMEORIGIN", "Override": False},
        "ReferrerPolicy": {"ReferrerPolicy": "strict-origin-when-cross-origin", "Override": False},
        "StrictTransportSecurity": {"AccessControlMaxAgeSec": 31536000, "Override": False},
        "XSSProtection": {"Protection": True, "ModeBlock": True, "Override": False},
    },
}
#: With ManagedPolicies. AWS pages: "Use managed cache policies", "... response headers policies".
MANAGED: Final[dict[str, Any]] = {
    "forwarding": Forwarding(cache_policy={"Name": "Managed-CachingOptimized", _KEY: _NO_QUERY}),
    "response_headers_policy": _MANAGED_HEADERS,
}


def response_headers_policy(cors_origins: Sequence[str] = ()) -> dict[str, Any]:
    """Return the response headers policy of a stack with these CorsOrigins.

    Raise ``ValueError`` for an origin that the template would not accept.
    """
    for origin in cors_origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is not an origin that the template accepts for CORS. Use a scheme, a "
                "host and a port if there is one, such as http://127.0.0.1:8000: no path, no *."
            )
    cors = {
        "AccessControlAllowOrigins": {"Items": [*cors_origins]},
        "AccessControlAllowMethods": {"Items": ["GET", "HEAD"]},
        "AccessControlAllowHeaders": {"Items": ["Range"]},
        "AccessControlExposeHeaders": {"Items": ["Accept-Ranges", "Content-Range", "ETag"]},
        "AccessControlAllowCredentials": True,
        "OriginOverride": True,
    }
    csp = "script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'"
    return {
        "Name": _NAME,
        "SecurityHeadersConfig": {
            "ContentTypeOptions": {"Override": True},
            "ReferrerPolicy": {"ReferrerPolicy": "no-referrer", "Override": True},
            "ContentSecurityPolicy": {"ContentSecurityPolicy": csp, "Override": True},
        },
        **({"CorsConfig": cors} if cors_origins else {}),
    }
