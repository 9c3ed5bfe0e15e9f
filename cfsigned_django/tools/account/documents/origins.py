"""Find the place that an origin reads, however its host is written, and its other readers. Pure.

Developer Guide, "Origin settings" (Origin path).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.model import listed, s3


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
        """Return whether both are in the same bucket, or on the same host."""
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
    """Return the places that a behavior reads."""
    return [folder_of(each) for each in origins_of(config, behavior)]
