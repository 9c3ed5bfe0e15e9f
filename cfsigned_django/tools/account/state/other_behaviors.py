"""Judge the other behaviors of a distribution: which private files they serve, or take.

Each is judged by the paths that it serves, which those before it leave to it. Of an open one, which
requires no signature, the worst of what it serves is said:

- It matches a folder within the private location, or one file: a warning, or a note of one file; an
  error if a file field saves there; nothing if the settings declare public what it reads.
- Any other way to private files in the bucket, also by an origin path, or behind the restricted
  behavior: an error. Outside of the location there is nothing to say.

Besides, a behavior may take paths of the private one. If it reads elsewhere, that is a warning; if
it trusts other key groups, an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cfsigned_django.tools.account.account import BucketPart, BucketState
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.bucket import request_through
from cfsigned_django.tools.account.documents.distribution_config import (
    OriginFolder,
    behaviors,
    folder_of,
    folders_of,
    is_open,
    may_sign,
    origins_of,
    pattern_of,
    trusted_key_groups,
    trusted_signers,
)
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.catalog import Finding, Level, finding
from cfsigned_django.tools.model.behaviors import find_path
from cfsigned_django.tools.model.resource_policy import Decision, by_anyone, evaluate


def judge_other_distributions(site: SiteInAws) -> Iterator[Finding]:
    """Yield the distributions through which anyone reads private files, as the bucket lets them."""
    for found in site.account.other_distributions:
        opened = [each for each in others(site, found, {}) if each.shows_files()]
        if found["Enabled"] and opened:
            yield finding(
                "other-distribution-open",
                found["Id"],
                distribution=f"{found['Id']} ({found['DomainName']})",
                behaviors=" and ".join(named(each.behavior) for each in opened),
                bucket=site.bucket.name,
            )


def others(site: SiteInAws, config: Document, private: Document) -> Iterator[_Other]:
    """Yield each behavior of a distribution beside the private one."""
    found = [*behaviors(config)]
    for at, each in enumerate(found):
        if each is not private:
            yield _Other(
                site=site,
                config=config,
                private=private,
                behavior=each,
                before=[*map(pattern_of, found[:at])],
                comes_later=any(one is private for one in found[:at]),
            )


def judge_trust(site: SiteInAws, behavior: Document) -> Iterator[Finding]:
    """Yield that a behavior does not trust what the site signs with; nothing if it is open."""
    groups, signers = trusted_key_groups(behavior), trusted_signers(behavior)
    wished, trusted = site.wanted.key_group_id, trusted_key_groups(site.behavior or {})
    ours, known = {wished} if wished else {*trusted}, site.account.key_groups or ()
    holders = {each.id for each in known if site.key_pair_id in each.key_pair_ids}
    if holders & {*trusted, wished}:
        ours = holders
    is_known = bool(ours) or behavior is site.behavior
    if (groups or signers) and is_known and not {*groups} & ours:
        accounts = f"the key pairs of AWS accounts ({', '.join(signers)})"
        values = {"trusted": ", ".join(groups) or accounts}
        values["key_group"] = " or ".join(sorted(ours)) or "a key group"
        yield about(site, behavior, "group-not-on-behavior", **values)


def about(site: SiteInAws, behavior: Document, finding_id: str, **values: Any) -> Finding:
    return finding(
        finding_id,
        named(behavior),
        behavior=named(behavior),
        files=site.wanted.location or site.files,
        **values,
    )


def named(behavior: Document) -> str:
    """Return the name of a behavior for the middle of a sentence."""
    pattern = behavior.get("PathPattern")
    return "the default behavior" if pattern is None else f"the behavior {pattern}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Other:
    """A behavior beside the private one, and the patterns that are tried ``before`` it.

    If it ``comes_later``, that of the private one is among these.
    """

    site: SiteInAws
    config: Document
    private: Document
    behavior: Document
    before: Sequence[str]
    comes_later: bool

    def judge(self) -> Iterator[Finding]:
        """Yield what it serves of the private files, and takes from theirs."""
        if is_open(self.behavior):
            yield from self._serves()
        if self._takes_paths():
            if not self._homes & {*folders_of(self.config, self.behavior)}:
                values = {"restricted": named(self.private), "host": self._hosts()}
                yield about(self.site, self.behavior, "earlier-behavior-elsewhere", **values)
            else:
                yield from judge_trust(self.site, self.behavior)

    def shows_files(self) -> bool:
        """Return whether it signs requests for private files that nobody has to sign."""
        home = OriginFolder(bucket=self.site.wanted.bucket)
        origins = origins_of(self.config, self.behavior)
        places = [folder_of(each) for each in origins if may_sign(each) and self._is_let_in(each)]
        paths, declared = self.site.files, self.site.wanted.declared_paths
        return is_open(self.behavior) and any(
            place.holds_same(home) and self._reaches(place, home, paths, declared)
            for place in places
        )

    def _is_let_in(self, origin: Document) -> bool:
        """Return whether the bucket may accept what another distribution signs for an origin."""
        arn, files = self.config["ARN"], self.site.arn_of_files
        request = request_through(origin, arn, files, uses_tls=False)
        return evaluate(self.site.bucket.policy, request)[0] is not Decision.DENIED

    def _serves(self) -> Iterator[Finding]:
        """Yield the worst of what it serves of the private files."""
        found = [
            (place, home)
            for place in self._places()
            for home in self._homes
            if place.holds_same(home) and self._reaches(place, home, self.site.files)
        ]
        wide = [(place, home) for place, home in found if not self._is_part(place, home)]
        if not wide:
            yield from self._serves_part(found)
            return
        restricted = named(self.private)
        if all(place.folder != home.folder for place, home in wide):
            folders = " and ".join(dict.fromkeys(place.folder or "/" for place, _ in wide))
            way = f" under other paths: it reads the bucket from {folders}"
        elif self.comes_later:
            way = f", where {restricted} does not match"
        else:
            way = f": it comes before {restricted}, and the first pattern decides"
        yield about(self.site, self.behavior, "behavior-open", way=way)

    def _serves_part(self, found: Sequence[tuple[OriginFolder, OriginFolder]]) -> Iterator[Finding]:
        """Yield that nobody declares public what it serves, and which file fields save there."""
        wanted = self.site.wanted

        def serves(paths: str, declared: Sequence[str]) -> bool:
            return any(self._reaches(place, home, paths, declared) for place, home in found)

        saved = [
            name
            for name, paths in wanted.saved_paths.items()
            if paths and serves(paths, wanted.public_paths)
        ]
        unknown = [name for name, paths in wanted.saved_paths.items() if not paths]
        if saved:
            way = f": the upload_to of {' and '.join(saved)} leads there"
            yield about(self.site, self.behavior, "behavior-open", way=way)
        elif serves(self.site.files, wanted.declared_paths):
            may = f" The upload_to of {' and '.join(unknown)} may lead there." if unknown else ""
            told = about(self.site, self.behavior, "open-folder", may=may)
            yield replace(told, level=Level.OK) if self._is_file else told

    def _reaches(
        self, place: OriginFolder, home: OriginFolder, paths: str, declared: Sequence[str] = ()
    ) -> bool:
        """Return whether it serves from a place some paths of a home that are not ``declared``."""
        inside = [place.pattern(self._pattern), home.pattern(paths)]
        outside = [*map(place.pattern, self.before), *map(home.pattern, declared)]
        return find_path(inside, outside) is not None

    def _takes_paths(self) -> bool:
        """Return whether it takes paths of the private behavior, before which it is tried.

        If the files may have every path, a file or folder that is left to others is another part of
        the site.
        """
        private, files = pattern_of(self.private), self.site.files
        if not find_path([self._pattern, files, private], self.before):
            return False
        root = OriginFolder()
        is_limited = any(find_path(["*"], [each]) for each in (private, files))
        return is_limited or not self._is_part(root, root)

    def _is_part(self, place: OriginFolder, home: OriginFolder) -> bool:
        """Return whether it serves only one file, which is public on purpose, or one folder."""
        pattern, files = place.pattern(self._pattern), home.pattern(self.site.files)
        if self._is_file:
            return True
        if find_path([pattern], [files]):
            return False
        folder = pattern.removeprefix(files.partition("*")[0]).partition("*")[0].partition("?")[0]
        return "/" in folder

    @property
    def _pattern(self) -> str:
        return pattern_of(self.behavior)

    @property
    def _is_file(self) -> bool:
        return not {"*", "?"} & {*self._pattern}

    @property
    def _homes(self) -> set[OriginFolder]:
        """Return where the files are: where the storage saves, and where CloudFront reads.

        In an origin group with the bucket, another bucket is a copy of it, but a host serves
        other files.
        """
        bucket, read = self.site.wanted.bucket, folders_of(self.config, self.private)
        if not bucket:
            return {*read}
        if any(each.bucket == bucket for each in read):
            read = [each for each in read if each.bucket]
        return {OriginFolder(bucket=bucket), *read}

    def _places(self) -> list[OriginFolder]:
        """Return the places that it reads.

        An origin without an access control or identity reads another folder only if the bucket
        policy lets in strangers, even if only from some addresses; public ACLs of objects are
        ignored.
        """
        lets_in_strangers = _lets_in_strangers(self.site)
        found = [(folder_of(each), each) for each in origins_of(self.config, self.behavior)]
        return [
            place
            for place, origin in found
            if place in self._homes or may_sign(origin) or lets_in_strangers
        ]

    def _hosts(self) -> str:
        origins = origins_of(self.config, self.behavior)
        hosts = [f"{each['DomainName']}{each.get('OriginPath') or ''}" for each in origins]
        return " and ".join(hosts) or str(self.behavior["TargetOriginId"])


def _lets_in_strangers(site: SiteInAws) -> bool:
    """Return whether the bucket may accept unsigned requests. If its policy is unknown, it may."""
    bucket = site.account.bucket
    if bucket is None or bucket.state is BucketState.REFUSED or BucketPart.POLICY in bucket.unread:
        return True
    decision, _ = evaluate(bucket.policy, by_anyone(site.objects_arn("/*")))
    return decision is not Decision.DENIED
