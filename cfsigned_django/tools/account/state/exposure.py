"""Judge the other behaviors of a distribution: which private files they serve, or take.

Only open behaviors count, which require no signature. For each, the worst alone is said:

- It reads the same bucket, and matches a folder or one file within the private location: a note.
  Outside of the location there is nothing to say.
- Any other way to private files in the bucket, also by an origin path, or behind the restricted
  behavior: an error.
- It reads elsewhere, is tried first and takes paths of private files: a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cfsigned_django.tools.account.account import BucketPart, BucketState
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.behavior import (
    behaviors,
    is_open,
    pattern_of,
)
from cfsigned_django.tools.account.documents.bucket_policy import (
    is_for_strangers,
    statements,
)
from cfsigned_django.tools.account.documents.origins import (
    OriginFolder,
    origin_path_exposures,
    origins_of,
    places_of,
)
from cfsigned_django.tools.account.state.facts import Fact, Level, fact
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.model.behaviors import is_within, may_overlap


def exposure_facts(site: SiteInAws) -> Iterator[Fact]:
    """Yield the worst of each other open behavior."""
    config, private = site.config, site.behavior
    if config is None:
        return
    before: list[Document] = []
    for each in behaviors(config):
        if each is not private and is_open(each) and not _is_taken(pattern_of(each), before):
            comes_later = any(one is private for one in before)
            other = _Other(
                site=site, config=config, behavior=each, before=before, comes_later=comes_later
            )
            found = [*other.facts()]
            if found:
                yield max(found, key=lambda one: list(Level).index(one.level))
        before.append(each)


def named(path_pattern: str | None) -> str:
    """Return the name of a behavior for the middle of a sentence; None is the default one."""
    return "the default behavior" if path_pattern is None else f"the behavior {path_pattern}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Other:
    """An open behavior beside the private one, and those that are tried ``before`` it.

    If it ``comes_later``, the private one is among these.
    """

    site: SiteInAws
    config: Document
    behavior: Document
    before: Sequence[Document]
    comes_later: bool

    def facts(self) -> Iterator[Fact]:
        """Yield what it serves or takes."""
        files, pattern = self.site.wanted.files, self.pattern
        is_asked = may_overlap(pattern, files) and not _is_taken(files, self.before)
        reads_same = self.homes & {*places_of(self.config, self.behavior)}
        if is_asked and reads_same:
            yield self._under_its_paths(files)
        elif is_asked and self._takes_paths():
            yield self._fact("earlier-behavior-elsewhere", host=self._hosts())
        found = origin_path_exposures(
            self.config,
            self.behavior,
            self.homes,
            files,
            lets_in_strangers=_lets_in_strangers(self.site),
        )
        if found:
            yield self._under_other_paths(found)

    @property
    def pattern(self) -> str:
        """Return its path pattern."""
        return pattern_of(self.behavior)

    @property
    def homes(self) -> set[OriginFolder]:
        """Return where the files are: where the storage saves, and where CloudFront reads.

        In an origin group with the bucket, another bucket is a copy of it, but a host serves
        other files.
        """
        bucket, private = self.site.wanted.bucket, self.site.behavior
        read = [] if private is None else places_of(self.config, private)
        if not bucket:
            return {*read}
        if any(each.bucket == bucket for each in read):
            read = [each for each in read if each.bucket]
        return {OriginFolder(bucket=bucket), *read}

    def _under_its_paths(self, files: str) -> Fact:
        if _is_file(self.pattern) or _is_folder(self.pattern, files):
            return self._fact("open-folder")
        restricted = named(self.site.wanted.path_pattern)
        if self.comes_later:
            return self._fact("behavior-open", way=f", where {restricted} does not match")
        return self._fact(
            "behavior-open", way=f": it comes before {restricted}, and the first pattern decides"
        )

    def _under_other_paths(self, found: list[tuple[str, OriginFolder]]) -> Fact:
        files = self.site.wanted.files
        if _is_file(self.pattern) or all(
            _is_folder(pattern, home.pattern(files)) for pattern, home in found
        ):
            return self._fact("open-folder")
        places = places_of(self.config, self.behavior)
        folders = " and ".join(place.folder or "/" for place in places)
        return self._fact(
            "behavior-open", way=f" under other paths: it reads the bucket from {folders}"
        )

    def _takes_paths(self) -> bool:
        """Return whether it takes paths of the private behavior.

        A file or folder that the default behavior leaves to others is another part of the site.
        """
        if self.comes_later or not may_overlap(self.pattern, self.site.pattern):
            return False
        is_part = _is_file(self.pattern) or _is_folder(self.pattern, self.site.wanted.files)
        return self.site.pattern != "*" or not is_part

    def _hosts(self) -> str:
        origins = origins_of(self.config, self.behavior)
        hosts = [f"{each['DomainName']}{each.get('OriginPath') or ''}" for each in origins]
        return " and ".join(hosts) or str(self.behavior["TargetOriginId"])

    def _fact(self, fact_id: str, **values: str) -> Fact:
        wanted, name = self.site.wanted, named(self.behavior.get("PathPattern"))
        return fact(
            fact_id,
            name,
            behavior=name,
            restricted=named(wanted.path_pattern),
            files=wanted.location or wanted.files,
            **values,
        )


def _is_taken(pattern: str, before: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether an earlier behavior matches every path of a pattern."""
    return any(is_within(pattern, pattern_of(each)) for each in before)


def _is_file(pattern: str) -> bool:
    """Return whether a pattern is the path of one file, which is public on purpose."""
    return not {"*", "?"} & {*pattern}


def _is_folder(pattern: str, files: str) -> bool:
    """Return whether a pattern matches only a folder within the files of another pattern."""
    rest, location = f"/{pattern.removeprefix('/')}", f"/{files.removeprefix('/')}"
    if not is_within(rest, location):
        return False
    folder = rest.removeprefix(location.partition("*")[0]).partition("*")[0].partition("?")[0]
    return "/" in folder


def _lets_in_strangers(site: SiteInAws) -> bool:
    """Return whether the bucket may accept unsigned requests. If its policy is unknown, it may."""
    bucket = site.account.bucket
    if bucket is None or bucket.state is BucketState.REFUSED or BucketPart.POLICY in bucket.unread:
        return True
    return any(is_for_strangers(each) for each in statements(bucket.policy))
