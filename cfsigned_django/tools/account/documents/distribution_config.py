"""Build a distribution and what it refers to, and attach a bucket to an existing one.

API reference: DistributionConfig, Origin, OriginAccessControlConfig, KeyGroupConfig,
PublicKeyConfig.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, count
from typing import Any, Final

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.behavior import list_of, listed
from cfsigned_django.tools.account.documents.origins import names_bucket, origins_of
from cfsigned_django.tools.account.documents.policies import CACHE_POLICIES

#: "Maximum length 64 characters" (API reference, OriginAccessControlConfig).
_NAME_LENGTH: Final = 64
_IDENTITY_PATH: Final = "origin-access-identity/cloudfront/"
#: What the console proposes for SNI (Developer Guide, "Supported protocols and ciphers").
_PROTOCOL: Final = "TLSv1.2_2021"
_READ_METHODS: Final = ("GET", "HEAD")
#: The fields of a viewer certificate that belong to the certificate, and go with it.
_CERTIFICATE_FIELDS: Final = frozenset(
    {
        "ACMCertificateArn",
        "Certificate",
        "CertificateSource",
        "CloudFrontDefaultCertificate",
        "IAMCertificateId",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """How CloudFront reads a bucket: exactly one ID is set."""

    access_control_id: str = ""
    access_identity_id: str = ""

    def __post_init__(self) -> None:
        if bool(self.access_control_id) == bool(self.access_identity_id):
            raise ValueError("Pass either an access control or an access identity, not both.")


def name_for(bucket: str) -> str:
    """Return the name of everything that is created for a bucket: key group, policies and so on.

    A later run finds them by this name. Two long bucket names may begin alike, so a
    truncated name ends in a hash of the whole name.
    """
    name = f"cfsigned-{bucket}"
    if len(name) <= _NAME_LENGTH:
        return name
    ending = f"-{hashlib.sha256(bucket.encode()).hexdigest()[:8]}"
    return f"{name[: _NAME_LENGTH - len(ending)]}{ending}"


def origin_domain(bucket: str, region: str) -> str:
    """Return the host from which CloudFront reads a bucket; never a website endpoint."""
    suffix = ".cn" if region.startswith("cn-") else ""
    return f"{bucket}.s3.{region}.amazonaws.com{suffix}"


def is_origin_of(origin: Mapping[str, Any], bucket: str) -> bool:
    """Return whether an origin is the bucket through S3's REST interface."""
    return names_bucket(origin["DomainName"], bucket) and not origin.get("CustomOriginConfig")


def find_origin(config: Mapping[str, Any], origin_id: str) -> Document | None:
    """Return the origin with that ID, or None."""
    return next((each for each in listed(config.get("Origins")) if each["Id"] == origin_id), None)


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


def attachment_of(origin: Mapping[str, Any]) -> Attachment | None:
    """Return the access control or identity of an origin; None if it has neither, or both."""
    control, identity = access_control_of(origin), access_identity_of(origin)
    if bool(control) == bool(identity):
        return None
    return Attachment(access_control_id=control, access_identity_id=identity)


def access_control_config(bucket: str) -> Document:
    """Return the configuration of an origin access control that signs every request to S3."""
    return {
        "Name": name_for(bucket),
        "Description": f"CloudFront reads {bucket}",
        "SigningProtocol": "sigv4",
        "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3",
    }


def access_identity_config(bucket: str) -> Document:
    """Return the configuration of an origin access identity; sent twice, it creates only one."""
    return {"CallerReference": name_for(bucket), "Comment": name_for(bucket)}


def attach(origin: Mapping[str, Any], attachment: Attachment) -> Document:
    """Return the origin with this attachment only, and every other field unchanged."""
    identity = attachment.access_identity_id
    s3 = dict(origin.get("S3OriginConfig") or {})
    s3["OriginAccessIdentity"] = f"{_IDENTITY_PATH}{identity}" if identity else ""
    return {
        **origin,
        "OriginAccessControlId": attachment.access_control_id,
        "S3OriginConfig": s3,
    }


def free_origin_id(config: Mapping[str, Any] | None, bucket: str) -> str:
    """Return an unused ID for a new origin of the bucket."""
    blocks = [(config or {}).get(each) for each in ("Origins", "OriginGroups")]
    taken = {each["Id"] for block in blocks for each in listed(block)}
    proposed = chain([f"S3-{bucket}"], (f"S3-{bucket}-{number}" for number in count(2)))
    return next(each for each in proposed if each not in taken)


def new_origin(bucket: str, region: str, *, origin_id: str = "") -> Document:
    """Return an origin for the bucket, without an access control or identity."""
    return {
        "Id": origin_id or f"S3-{bucket}",
        "DomainName": origin_domain(bucket, region),
        "OriginPath": "",
        "CustomHeaders": {"Quantity": 0},
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        "OriginAccessControlId": "",
    }


def replace_origin(config: Mapping[str, Any], origin: Mapping[str, Any]) -> Document:
    """Return the configuration with an origin changed, or added at the end."""
    items = listed(config.get("Origins"))
    if find_origin(config, origin["Id"]) is None:
        items.append(dict(origin))
    items = [dict(origin) if each["Id"] == origin["Id"] else each for each in items]
    return {**config, "Origins": {**config.get("Origins", {}), **list_of(items)}}


def new_behavior(origin_id: str) -> Document:
    """Return a behavior that reads an origin; only its trusted key group is missing."""
    methods: Document = list_of(list(_READ_METHODS))
    return {
        "TargetOriginId": origin_id,
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": {**methods, "CachedMethods": methods},
        "Compress": True,
        "CachePolicyId": CACHE_POLICIES["CachingOptimized"],
        "SmoothStreaming": False,
        "FieldLevelEncryptionId": "",
        "LambdaFunctionAssociations": {"Quantity": 0},
        "FunctionAssociations": {"Quantity": 0},
        "TrustedSigners": {"Enabled": False, "Quantity": 0},
        "TrustedKeyGroups": {"Enabled": False, "Quantity": 0},
    }


def new_distribution_config(
    bucket: str, origin: Mapping[str, Any], behavior: Mapping[str, Any]
) -> Document:
    """Return a distribution that serves only the bucket.

    The caller reference is always the same for a bucket. If a run died before the response
    came, the next run therefore does not create a second distribution. IPv6 is off, because a
    policy with IpAddress does not work with it (Developer Guide, "Create a signed URL
    using a custom policy").
    """
    return {
        "CallerReference": name_for(bucket),
        "Comment": name_for(bucket),
        "Enabled": True,
        "HttpVersion": "http2and3",
        "IsIPV6Enabled": False,
        "PriceClass": "PriceClass_All",
        "Origins": list_of([dict(origin)]),
        "DefaultCacheBehavior": dict(behavior),
        "CacheBehaviors": {"Quantity": 0},
    }


def with_domain(config: Mapping[str, Any], domain: str, certificate: str) -> Document:
    """Return the configuration with one more alternate domain name, and an ACM certificate.

    If a custom certificate is already attached, the viewer protocol settings stay. With
    CloudFront's own certificate, nobody has chosen those settings.
    """
    aliases = listed(config.get("Aliases"))
    attached = config.get("ViewerCertificate") or {}
    present = attached if certificate_of(config) else {}
    return {
        **config,
        "Aliases": {**(config.get("Aliases") or {}), **list_of([*aliases, domain])},
        "ViewerCertificate": {
            **{name: each for name, each in attached.items() if name not in _CERTIFICATE_FIELDS},
            "ACMCertificateArn": certificate,
            "SSLSupportMethod": present.get("SSLSupportMethod", "sni-only"),
            "MinimumProtocolVersion": present.get("MinimumProtocolVersion", _PROTOCOL),
        },
    }


def certificate_of(config: Mapping[str, Any]) -> str:
    """Return the custom certificate that is attached; empty for CloudFront's own."""
    given = config.get("ViewerCertificate") or {}
    return given.get("ACMCertificateArn") or given.get("IAMCertificateId") or ""


def covers(alias: str, domain: str) -> bool:
    """Return whether a domain name of a distribution, such as ``*.example.com``, covers a host."""
    alias, domain = alias.lower(), domain.lower()
    if alias.startswith("*."):
        return domain.partition(".")[2] == alias[2:]
    return alias == domain


def key_group_config(name: str, key_pair_ids: list[str]) -> Document:
    """Return the configuration of a key group; CloudFront requires at least one key in it."""
    return {"Name": name, "Items": key_pair_ids, "Comment": "Made by cfsigned_setup"}


def public_key_config(name: str, caller_reference: str, public_key_pem: str) -> Document:
    """Return the configuration of a public key."""
    return {"CallerReference": caller_reference, "Name": name, "EncodedKey": public_key_pem}
