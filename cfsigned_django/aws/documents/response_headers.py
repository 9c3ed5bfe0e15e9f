"""Read what a response headers policy says of CORS.

API reference: ResponseHeadersPolicyCorsConfig. Developer Guide, "Understand
response headers policies": without the override, a header that the origin
sends is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cfsigned_django.aws.documents.behavior import listed
from cfsigned_django.aws.documents.cors import matches_origin


def has_cors(config: Mapping[str, Any] | None) -> bool:
    """Tell whether the policy sets CORS headers at all."""
    return bool((config or {}).get("CorsConfig"))


def lacking_origins(config: Mapping[str, Any] | None, origins: Sequence[str]) -> list[str]:
    """Return the origins to which the policy gives no Access-Control-Allow-Origin."""
    cors = (config or {}).get("CorsConfig") or {}
    allowed = listed(cors.get("AccessControlAllowOrigins"))
    return [
        origin for origin in origins if not any(matches_origin(origin, each) for each in allowed)
    ]


def overrides_origin(config: Mapping[str, Any] | None) -> bool:
    """Tell whether the CORS headers of the policy take the place of those of S3."""
    return bool(((config or {}).get("CorsConfig") or {}).get("OriginOverride"))
