"""Find the place that an origin reads, however its host is written, and its other readers. Pure.

Developer Guide, "Origin settings" (Origin path).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.behavior import (
    behaviors,
    is_open,
    listed,
    pattern_of,
)
from cfsigned_django.tools.model import s3
from cfsigned_django.tools.model.behaviors import is_within, may_overlap


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
        return f"{self.folder}/{path_pattern.removeprefix('/')}"


def place_of(origin: Mapping[str, Any]) -> OriginFolder:
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


def places_of(config: Mapping[str, Any], behavior: Mapping[str, Any]) -> list[OriginFolder]:
    """Return the places that a behavior reads."""
    return [place_of(each) for each in origins_of(config, behavior)]


def origin_path_exposures(
    config: Mapping[str, Any],
    behavior: Mapping[str, Any],
    storage_locations: Iterable[OriginFolder],
    path_pattern: str,
    *,
    lets_in_strangers: bool,
) -> list[tuple[str, OriginFolder]]:
    """Return the files of a pattern that a behavior reads from another folder.

    Each item is a pattern of keys in the bucket, and the storage location of the files.
    ``storage_locations`` are the places of the files. With an origin path of /media, a
    request for /a.jpg reads media/a.jpg, so the pattern /*.jpg of viewers is
    /media/*.jpg in the bucket. An origin without an access control or identity counts
    only if the bucket policy ``lets_in_strangers``, even if only from some addresses;
    public ACLs of objects are ignored. Paths that a restricted behavior takes first do
    not count.
    """
    origins, closed = origins_of(config, behavior), _restricted_before(config, behavior)
    places = [place_of(each) for each in origins if lets_in_strangers or _may_sign(each)]
    return [
        (pattern, home)
        for place in places
        for home in storage_locations
        if place.holds_same(home)
        and place.folder != home.folder
        and may_overlap(
            pattern := place.pattern(pattern_of(behavior)), files := home.pattern(path_pattern)
        )
        and not _is_closed((pattern, files), place, closed)
    ]


def _restricted_before(config: Mapping[str, Any], behavior: Mapping[str, Any]) -> list[str]:
    """Return the patterns that require a signature and are tried before a behavior."""
    before = takewhile(lambda each: each is not behavior, behaviors(config))
    return [pattern_of(each) for each in before if not is_open(each)]


def _is_closed(patterns: Iterable[str], place: OriginFolder, closed: Iterable[str]) -> bool:
    """Return whether viewers certainly need a signature for everything in one of the patterns.

    The patterns are of keys in the bucket: what a behavior could read from the place,
    and the files. A pattern is closed if it lies within what one restricted behavior
    could read from the place.
    """
    # In an origin path these are literal, but would be read as wildcards here.
    if {"*", "?"} & {*place.folder}:
        return False
    taken = [place.pattern(each) for each in closed]
    return any(is_within(inner, outer) for inner in patterns for outer in taken)


def _may_sign(origin: Mapping[str, Any]) -> bool:
    identity = (origin.get("S3OriginConfig") or {}).get("OriginAccessIdentity")
    return bool(origin.get("OriginAccessControlId") or identity)
