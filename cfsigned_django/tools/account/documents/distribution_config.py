"""Read the configuration of a distribution: its behaviors, and the places that its origins read.

API reference: DistributionConfig, CacheBehavior, DefaultCacheBehavior, Origin. Developer Guide,
"Origin settings" (Origin path). A list there is ``{"Quantity": n, "Items": [...]}``, without
"Items" if n is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.model import listed, s3


def behaviors(config: Mapping[str, Any]) -> Iterator[Document]:
    """Return the behaviors in the order in which CloudFront tries them; the default is last.

    Only the default one has no PathPattern: another may have the pattern ``*`` as well.
    """
    yield from listed(config.get("CacheBehaviors"))
    yield config["DefaultCacheBehavior"]


def pattern_of(behavior: Mapping[str, Any]) -> str:
    """Return the path pattern of a behavior; that of the default one matches every path."""
    pattern: str = behavior.get("PathPattern", "*")
    return pattern


def trusted_key_groups(behavior: Mapping[str, Any]) -> list[str]:
    """Return the IDs of the key groups whose keys may sign; empty if no signature is required."""
    block = behavior.get("TrustedKeyGroups") or {}
    return listed(block) if block.get("Enabled") else []


def trusted_signers(behavior: Mapping[str, Any]) -> list[str]:
    """Return the AWS accounts ("self" or numbers) whose keys may sign: the older way."""
    block = behavior.get("TrustedSigners") or {}
    return listed(block) if block.get("Enabled") else []


def is_open(behavior: Mapping[str, Any]) -> bool:
    """Return whether a behavior serves files without a signature."""
    return not trusted_key_groups(behavior) and not trusted_signers(behavior)


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginFolder:
    """The place that an origin reads: a bucket, or else a host, and a folder in it.

    ``folder`` is put before the path of a request. It is empty, or begins with a slash
    and does not end with one.
    """

    bucket: str = ""
    host: str = ""
    folder: str = ""

    def holds_same(self, other: OriginFolder) -> bool:
        return (self.bucket, self.host) == (other.bucket, other.host)

    def pattern(self, path_pattern: str) -> str:
        """Return a path pattern of viewers as a pattern of keys in the bucket."""
        # A "*" of the folder is a character like any other.
        return f"{quote(self.folder)}/{path_pattern.removeprefix('/')}"


def folder_of(origin: Mapping[str, Any]) -> OriginFolder:
    """Return the place that an origin reads; all spellings of a bucket's host are one place."""
    host: str = origin["DomainName"].lower()
    folder = (origin.get("OriginPath") or "").rstrip("/")
    found = s3.BUCKET_HOST.fullmatch(host)
    if found is None:
        return OriginFolder(host=host, folder=folder)
    if found["bucket"]:
        return OriginFolder(bucket=found["bucket"], folder=folder)
    # If the host is S3's alone, the path begins with the bucket.
    bucket, slash, rest = folder.removeprefix("/").partition("/")
    return (
        OriginFolder(bucket=bucket, folder=f"{slash}{rest}") if bucket else OriginFolder(host=host)
    )


def names_bucket(domain: str, bucket: str) -> bool:
    """Return whether a host is the REST endpoint of the bucket, not its website endpoint."""
    found = s3.BUCKET_HOST.fullmatch(domain.lower())
    return found is not None and found["bucket"] == bucket and not found["website"]


def is_access_point(origin: Mapping[str, Any]) -> bool:
    """Return whether an origin is an S3 access point; its bucket does not show in CloudFront."""
    return s3.ACCESS_POINT_HOST.fullmatch(origin["DomainName"].lower()) is not None


def origins_of(config: Mapping[str, Any], behavior: Mapping[str, Any]) -> list[Document]:
    """Return the origins that a behavior reads: one, or those of an origin group, in order."""
    wanted = [behavior["TargetOriginId"]]
    for group in listed(config.get("OriginGroups")):
        if group["Id"] in wanted:
            wanted += [each["OriginId"] for each in listed(group.get("Members"))]
    by_id = {each["Id"]: each for each in listed(config.get("Origins"))}
    return [by_id[each] for each in wanted if each in by_id]


def folders_of(config: Mapping[str, Any], behavior: Mapping[str, Any]) -> list[OriginFolder]:
    return [folder_of(each) for each in origins_of(config, behavior)]


def is_origin_of(origin: Mapping[str, Any], bucket: str) -> bool:
    """Return whether an origin is the bucket through S3's REST interface."""
    return names_bucket(origin["DomainName"], bucket) and not origin.get("CustomOriginConfig")


def bucket_origins(config: Mapping[str, Any], bucket: str) -> list[Document]:
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
    return path.removeprefix("origin-access-identity/cloudfront/")


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
