"""Say where an origin reads, however its host is written, and what else reads there; pure.

S3 User Guide, "Methods for accessing a general purpose bucket" and "Website endpoints";
Developer Guide, "Origin settings" (Origin path).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import (
    behaviors,
    is_open,
    is_within,
    listed,
    may_overlap,
)

# Regional or global, with a dot or, in old ones, a hyphen; dual-stack, FIPS, accelerated; website.
_S3_HOST: Final = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?P<website>-website)?(?:-fips|-accelerate|-external-1)?"
    r"(?:\.dualstack)?(?:[.-][a-z]{2}(?:-[a-z]+)+-[0-9]+)?\.amazonaws\.com(?:\.cn)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where files come from: a bucket, or else a host, and the folder in it.

    ``folder`` comes before the path that a viewer asks for: empty, or with a
    slash at its beginning and none at its end.
    """

    bucket: str = ""
    host: str = ""
    folder: str = ""

    def holds_same(self, other: Place) -> bool:
        """Tell whether both are in the same bucket, or on the same host."""
        return (self.bucket, self.host) == (other.bucket, other.host)

    def pattern(self, path_pattern: str) -> str:
        """Return what a path pattern of viewers' is a pattern of in the bucket."""
        return f"{self.folder}/{path_pattern.removeprefix('/')}"


def place_of(origin: Mapping[str, Any]) -> Place:
    """Return where an origin reads; a bucket is one however its host is written."""
    host: str = origin["DomainName"].lower()
    folder = (origin.get("OriginPath") or "").rstrip("/")
    found = _S3_HOST.fullmatch(host)
    if found is None:
        return Place(host=host, folder=folder)
    if found["bucket"]:
        return Place(bucket=found["bucket"], folder=folder)
    # S3's host alone: the bucket begins the path.
    bucket, slash, rest = folder.removeprefix("/").partition("/")
    return Place(bucket=bucket, folder=f"{slash}{rest}") if bucket else Place(host=host)


def names_bucket(domain: str, bucket: str) -> bool:
    """Tell whether a host is the bucket's in S3's REST interface, and no website endpoint."""
    found = _S3_HOST.fullmatch(domain.lower())
    return found is not None and found["bucket"] == bucket and not found["website"]


def origins_of(config: Mapping[str, Any], behavior: Mapping[str, Any]) -> list[Document]:
    """Return the origins that a behavior reads: one, or those of an origin group, in its order."""
    wanted = [behavior["TargetOriginId"]]
    for group in listed(config.get("OriginGroups")):
        if group["Id"] in wanted:
            wanted += [each["OriginId"] for each in listed(group.get("Members"))]
    by_id = {each["Id"]: each for each in listed(config.get("Origins"))}
    return [by_id[each] for each in wanted if each in by_id]


def places_of(config: Mapping[str, Any], behavior: Mapping[str, Any]) -> list[Place]:
    """Return where a behavior reads."""
    return [place_of(each) for each in origins_of(config, behavior)]


def open_under_other_paths(
    config: Mapping[str, Any],
    storage_locations: Iterable[Place],
    path_pattern: str,
    *,
    lets_in_strangers: bool,
) -> Iterator[Document]:
    """Yield the open behaviors that read the files of a pattern from another folder.

    See :func:`origin_path_exposures`. That such a behavior comes after the restricted
    one of the pattern says nothing: its viewers ask for other paths.
    """
    wanted = list(storage_locations)
    for each in behaviors(config):
        if is_open(each) and origin_path_exposures(
            config, each, wanted, path_pattern, lets_in_strangers=lets_in_strangers
        ):
            yield each


def origin_path_exposures(
    config: Mapping[str, Any],
    behavior: Mapping[str, Any],
    storage_locations: Iterable[Place],
    path_pattern: str,
    *,
    lets_in_strangers: bool,
) -> list[tuple[str, Place]]:
    """Return what of a pattern's files a behavior reads from another folder, and of which home.

    ``storage_locations`` are the places where the files are. An origin path of /media
    makes media/a.jpg of a request for /a.jpg, so the pattern /*.jpg of viewers
    is /media/*.jpg in the bucket, which is returned. An origin that has
    neither an access control nor an identity counts only where the policy of
    the bucket ``lets_in_strangers``, if only from some addresses; a public ACL
    of an object is not looked at. What a restricted behavior in front takes
    is none of this behavior's.
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
            pattern := place.pattern(behavior["PathPattern"]), files := home.pattern(path_pattern)
        )
        and not _is_closed((pattern, files), place, closed)
    ]


def _restricted_before(config: Mapping[str, Any], behavior: Mapping[str, Any]) -> list[str]:
    """Return the patterns that want a signature, and that CloudFront tries before a behavior's."""
    before = takewhile(
        lambda each: each["PathPattern"] != behavior["PathPattern"], behaviors(config)
    )
    return [each["PathPattern"] for each in before if not is_open(each)]


def _is_closed(patterns: Iterable[str], place: Place, closed: Iterable[str]) -> bool:
    """Tell whether viewers surely need a signature for all that one of the patterns names.

    These are patterns in the bucket: what a behavior could read by the place,
    or the files. All of it is closed where it lies within what viewers of one
    restricted behavior could ask the place for.
    """
    # In an origin path these are letters, and would be taken for wildcards here.
    if {"*", "?"} & {*place.folder}:
        return False
    taken = [place.pattern(each) for each in closed]
    return any(is_within(inner, outer) for inner in patterns for outer in taken)


def _may_sign(origin: Mapping[str, Any]) -> bool:
    identity = (origin.get("S3OriginConfig") or {}).get("OriginAccessIdentity")
    return bool(origin.get("OriginAccessControlId") or identity)
