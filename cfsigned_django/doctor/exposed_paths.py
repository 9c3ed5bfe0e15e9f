"""Check which files of the storage are also served by other, open behaviors. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cfsigned_django.aws.account import Bucket, BucketPart
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import behaviors, is_open, is_within, may_overlap
from cfsigned_django.aws.documents.bucket_policy import is_for_strangers, statements
from cfsigned_django.aws.documents.origins import Place, origin_path_exposures, places_of
from cfsigned_django.doctor.catalog import finding
from cfsigned_django.doctor.findings import Finding, Level, begin, named
from cfsigned_django.doctor.site import ExpectedState


def check_exposed_paths(
    config: Document, behavior: Document, expected: ExpectedState, bucket: Bucket | None
) -> Iterator[Finding]:
    """Yield, for each other open behavior, the worst exposure of the storage's files."""
    before: list[Document] = []
    for each in behaviors(config):
        is_hidden = _is_taken(each["PathPattern"], before)
        if each["PathPattern"] != behavior["PathPattern"] and is_open(each) and not is_hidden:
            found = [
                *_check_paths(config, before, each, behavior, expected),
                *_check_origin_path_exposures(config, each, behavior, expected, bucket),
            ]
            yield from sorted(found, key=lambda each: each.level is Level.OK)[:1]
        before.append(each)


def _check_paths(
    config: Document,
    before: Sequence[Document],
    each: Document,
    behavior: Document,
    expected: ExpectedState,
) -> Iterator[Finding]:
    """Yield the exposure if a behavior serves files of the storage under their own paths."""
    paths, pattern, name = f"{expected.location}*", each["PathPattern"], named(each)
    reads_same = _storage_locations(config, behavior, expected) & {*places_of(config, each)}
    if not reads_same or not may_overlap(pattern, paths) or _is_taken(paths, before):
        return
    if _is_file(pattern):
        yield _open_file(name)
    elif _is_folder(pattern, expected.location):
        yield _open_folder(name)
    elif any(one["PathPattern"] == behavior["PathPattern"] for one in before):
        what = f"{begin(name)} is open and serves files of {expected.location} that "
        what += f"{named(behavior)} does not match."
        yield finding("later-behavior-open", what, subject=name)
    else:
        what = f"{begin(name)} is open, comes before {named(behavior)}, and serves files of "
        what += f"{expected.location}."
        yield finding("earlier-behavior-open", what, subject=name)


def _check_origin_path_exposures(
    config: Document,
    each: Document,
    behavior: Document,
    expected: ExpectedState,
    bucket: Bucket | None,
) -> Iterator[Finding]:
    """Yield the exposure if an origin path lets a behavior serve files under other paths."""
    name = named(each)
    found = origin_path_exposures(
        config,
        each,
        _storage_locations(config, behavior, expected),
        f"{expected.location}*",
        lets_in_strangers=_lets_in_strangers(bucket),
    )
    if not found:
        return
    if _is_file(each["PathPattern"]):
        yield _open_file(name)
        return
    if all(_is_folder(pattern, home.pattern(expected.location)) for pattern, home in found):
        yield _open_folder(name)
        return
    folders = " and ".join(place.folder or "/" for place in places_of(config, each))
    what = f"{begin(name)} is open and reads the bucket from {folders}: it serves files of "
    what += f"{expected.location} under other paths."
    yield finding("origin-path-open", what, subject=name)


def _open_folder(name: str) -> Finding:
    what = f"{begin(name)} is open: everything that the bucket has there is public."
    return finding("open-folder", what, subject=name)


def _open_file(name: str) -> Finding:
    what = f"{begin(name)} is open for one path only: the file at that path is public."
    return finding("open-file", what, subject=name)


def _storage_locations(config: Document, behavior: Document, expected: ExpectedState) -> set[Place]:
    """Return where the storage's files are: where it saves them, and where CloudFront reads."""
    read = places_of(config, behavior)
    if not expected.bucket:
        return {*read}
    if any(each.bucket == expected.bucket for each in read):
        # In an origin group with the bucket, another bucket is a copy of it, but a host serves
        # other files.
        read = [each for each in read if each.bucket]
    return {Place(bucket=expected.bucket), *read}


def _is_taken(pattern: str, before: Sequence[Document]) -> bool:
    """Return whether an earlier behavior matches every path of a pattern."""
    return any(is_within(pattern, each["PathPattern"]) for each in before)


def _is_file(pattern: str) -> bool:
    """Return whether a pattern is the path of one file, which is public on purpose."""
    return not {"*", "?"} & {*pattern}


def _is_folder(pattern: str, location: str) -> bool:
    """Return whether a pattern matches only a folder within the location."""
    rest = f"/{pattern.removeprefix('/')}"
    if not is_within(rest, f"{location}*"):
        return False
    folder = rest.removeprefix(location).partition("*")[0].partition("?")[0]
    return "/" in folder


def _lets_in_strangers(bucket: Bucket | None) -> bool:
    """Return whether the bucket may accept unsigned requests. If its policy is unknown, it may."""
    if bucket is None or not bucket.is_ours or BucketPart.POLICY in bucket.unread:
        return True
    return any(is_for_strangers(each) for each in statements(bucket.policy))
