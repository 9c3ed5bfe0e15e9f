"""Find the origins that are a bucket, how CloudFront reads them, and what a domain name covers.

API reference: DistributionConfig, Origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.origins import names_bucket, origins_of
from cfsigned_django.tools.model import listed

_IDENTITY_PATH: Final = "origin-access-identity/cloudfront/"


def is_origin_of(origin: Mapping[str, Any], bucket: str) -> bool:
    """Return whether an origin is the bucket through S3's REST interface."""
    return names_bucket(origin["DomainName"], bucket) and not origin.get("CustomOriginConfig")


def bucket_origins(config: Mapping[str, Any], bucket: str) -> list[Document]:
    """Return the origins that are the bucket."""
    return [each for each in listed(config.get("Origins")) if is_origin_of(each, bucket)]


def origin_in_bucket(
    config: Mapping[str, Any], behavior: Mapping[str, Any], bucket: str
) -> Document | None:
    """Return the origin through which a behavior reads the bucket, also in an origin group."""
    found = origins_of(config, behavior)
    return next((each for each in found if is_origin_of(each, bucket)), None)


def access_identity_of(origin: Mapping[str, Any]) -> str:
    """Return the ID of the origin access identity of an origin, or an empty string."""
    path: str = (origin.get("S3OriginConfig") or {}).get("OriginAccessIdentity") or ""
    return path.removeprefix(_IDENTITY_PATH)


def access_control_of(origin: Mapping[str, Any]) -> str:
    """Return the ID of the origin access control of an origin, or an empty string."""
    return origin.get("OriginAccessControlId") or ""


def may_sign(origin: Mapping[str, Any]) -> bool:
    """Return whether an origin has an access control or identity, with which CloudFront signs."""
    return bool(access_control_of(origin) or access_identity_of(origin))


def covers(alias: str, domain: str) -> bool:
    """Return whether a domain name of a distribution, such as ``*.example.com``, covers a host."""
    alias, domain = alias.lower(), domain.lower()
    if alias.startswith("*."):
        return domain.partition(".")[2] == alias[2:]
    return alias == domain
