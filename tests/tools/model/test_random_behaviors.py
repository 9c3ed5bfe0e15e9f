"""Judge random sites of several behaviors, and compare with what each path shows, written out.

Nothing here is the model's: patterns are matched by the two sentences of the guide, and what serves
a path is looked up, path by path.

Modules: tools/model/behaviors.py, tools/account/state/exposure.py, tools/edge/behavior.py
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import product
from typing import Any

import pytest

from cfsigned_django.tools.account.account import Account, AwsDistribution, Bucket, BucketState
from cfsigned_django.tools.account.documents.cache_behavior import list_of
from cfsigned_django.tools.account.state.judge import judge
from cfsigned_django.tools.account.state.wanted import Wanted
from cfsigned_django.tools.edge.behavior import Behavior, select_behavior
from tests.tools.model import reference_match

BUCKET = "site-media"
HOST = f"{BUCKET}.s3.amazonaws.com"
#: Origin -> the host and the folder that it reads, and whether CloudFront signs what it asks for.
ORIGINS = {
    "root": (HOST, "", True),
    "media": (HOST, "/media", True),
    "prod": (HOST, "/prod", True),
    "albums": (HOST, "/media/albums", True),
    "unsigned": (HOST, "/media", False),
    "copy": (f"other-{HOST}", "", True),
    "app": ("app.example.com", "", False),
}
#: Who may sign for a behavior: key groups, or an AWS account.
TRUST = [(), (), ("ours",), ("ours",), ("other",), ("ours", "other"), ("self",)]
PATTERNS = [
    *("*", "/*", "media/*", "/media/*", "media*", "m*", "?edia/*", "*/albums/*"),
    *("*.jpg", "*.css", "media/*.jpg", "media/?.jpg", "x.jpg", "media/logo.png", "logo.png"),
    *("albums/*", "media/albums/*", "prod/*", "p*", "prod/media/*", "/prod/media/*.css", "*x*"),
]
#: Every path that is looked at: the folders and names that these patterns tell apart.
_FOLDERS = ["media", "albums", "prod", "zedia", "z"]
_STEMS = ["x", "z", "xz", "px", "pz", "mx", "mz", "mediax", "mediaz"]
_NAMES = ["", "logo.png", *(stem + end for stem in _STEMS for end in ("", ".jpg", ".css"))]
PATHS = [
    "/" + "".join(f"{each}/" for each in folders) + name
    for size in range(4)
    for folders in product(_FOLDERS, repeat=size)
    for name in _NAMES
]
JUDGED = {"behavior-open", "open-folder", "earlier-behavior-elsewhere", "group-not-on-behavior"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Each:
    """A behavior; the default one has no pattern."""

    pattern: str | None
    origin: str
    trusted: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the subject of findings about it."""
        return "the default behavior" if self.pattern is None else f"the behavior {self.pattern}"

    @property
    def groups(self) -> set[str]:
        """Return the key groups that it trusts."""
        return {*self.trusted} - {"self"}

    @property
    def paths(self) -> frozenset[str]:
        """Return the paths that its pattern matches."""
        return matched(self.pattern or "*")

    @property
    def place(self) -> tuple[str, str]:
        """Return the host and the folder that it reads."""
        return ORIGINS[self.origin][:2]

    def document(self) -> dict[str, Any]:
        """Return it as CloudFront does."""
        groups = list_of(sorted(self.groups))
        signers = list_of(["self"] if "self" in self.trusted else [])
        found: dict[str, Any] = {
            "TargetOriginId": self.origin,
            "ViewerProtocolPolicy": "https-only",
            "TrustedKeyGroups": {"Enabled": bool(self.groups), **groups},
            "TrustedSigners": {"Enabled": "self" in self.trusted, **signers},
        }
        return found if self.pattern is None else {"PathPattern": self.pattern, **found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Behaviors in their order, the default one at the end, and what the site asks of them."""

    behaviors: tuple[Each, ...]
    location: str
    probe: str
    #: The key group of the settings; empty: none.
    group: str


@cache
def matched(pattern: str) -> frozenset[str]:
    """Return the paths that a pattern matches."""
    return frozenset(each for each in PATHS if reference_match(pattern, each))


def random_site(dice: random.Random) -> Site:
    """Return a site of one to six behaviors."""
    patterns = [*dice.sample(PATTERNS, dice.randrange(6)), None]
    location = dice.choice(["/media/", "/"])
    return Site(
        behaviors=tuple(
            Each(
                pattern=each,
                origin=dice.choice(["root", "root", *ORIGINS]),
                trusted=dice.choice(TRUST),
            )
            for each in patterns
        ),
        location=location,
        probe=location + dice.choice(["z", "x.jpg", "albums/z"]),
        group=dice.choice(["ours", ""]),
    )


def expected(site: Site) -> Iterator[tuple[str, str]]:
    """Yield what is to be said of each behavior, path by path."""
    asked = [each for each in site.behaviors if site.probe in each.paths]
    private = next((each for each in asked if each.trusted), asked[0])
    ours = {site.group} if site.group else private.groups
    if not private.trusted:
        yield private.name, "behavior-open"
    elif not private.groups & ours:
        yield private.name, "group-not-on-behavior"
    # Where files are: where the storage saves, and where the private behavior reads.
    homes = {(HOST, ""), private.place}
    left, is_before = {*PATHS}, True
    for each in site.behaviors:
        served = left & each.paths
        left -= each.paths
        if each is private:
            is_before = False
            continue
        if not each.trusted:
            shown = [
                home
                for home in homes
                if home[0] == each.place[0]
                and (each.place in homes or ORIGINS[each.origin][2])
                and any(is_private(site, home, each.place[1] + path) for path in served)
            ]
            if shown:
                parts = [is_part(site, each, home) for home in shown]
                yield each.name, "open-folder" if all(parts) else "behavior-open"
        taken = {each for each in served & private.paths if each.startswith(site.location)}
        is_other_part = len(private.paths) == len(PATHS) and is_part(site, each, (HOST, ""), "")
        if is_before and taken and not is_other_part:
            if each.place not in homes:
                yield each.name, "earlier-behavior-elsewhere"
            elif each.trusted and ours and not each.groups & ours:
                yield each.name, "group-not-on-behavior"


def is_private(site: Site, home: tuple[str, str], key: str) -> bool:
    """Return whether a key in the bucket is one of the private files of a home."""
    return key.startswith(home[1] + site.location)


def is_part(site: Site, each: Each, home: tuple[str, str], folder: str | None = None) -> bool:
    """Return whether all that a pattern matches is one file, or in one folder of the files."""
    if not {"*", "?"} & {*(each.pattern or "*")}:
        return True
    keys = [(each.place[1] if folder is None else folder) + path for path in each.paths]
    if not all(is_private(site, home, key) for key in keys):
        return False
    rests = [key.removeprefix(home[1] + site.location) for key in keys]
    return all("/" in rest for rest in rests) and len({each.split("/")[0] for each in rests}) == 1


def said(site: Site) -> list[tuple[str, str]]:
    """Return what the judge says of each behavior."""
    origins = [
        {
            "Id": name,
            "DomainName": host,
            "OriginPath": folder,
            "OriginAccessControlId": "E1" if is_signed else "",
        }
        for name, (host, folder, is_signed) in ORIGINS.items()
    ]
    *named, default = [each.document() for each in site.behaviors]
    distribution = AwsDistribution(
        id="EOURS",
        arn="arn:aws:cloudfront::111122223333:distribution/EOURS",
        status="Deployed",
        domain_name="d111111abcdef8.cloudfront.net",
        config={
            "Enabled": True,
            "Origins": list_of(origins),
            "CacheBehaviors": list_of(named),
            "DefaultCacheBehavior": default,
        },
        active_key_pairs={},
    )
    bucket = Bucket(name=BUCKET, state=BucketState.OURS)
    wanted = Wanted(bucket=BUCKET, location=site.location, path=site.probe, key_group_id=site.group)
    account = Account(distribution=distribution, bucket=bucket)
    found = judge(account, wanted, now=datetime(2026, 11, 30, tzinfo=UTC))
    return [(each.subject, each.id) for each in found if each.id in JUDGED]


#: How often: the long run is a part of make simulation.
TRIALS = [200, pytest.param(2_000, marks=pytest.mark.simulation)]


@pytest.mark.parametrize("trials", TRIALS)
def test_random_behaviors(trials: int) -> None:
    """Say of each behavior what its paths show, and nothing else; the edge serves as they show."""
    seed = os.environ.get("SIMULATION_SEED", "1")
    seen: Counter[str] = Counter()
    for number in range(trials):
        dice = random.Random(f"{seed} {number}")
        site = random_site(dice)
        truth = sorted(expected(site))
        assert sorted(said(site)) == truth, (number, site)
        seen.update(fact_id for _, fact_id in truth)
        played = [
            Behavior(path_pattern=each.pattern or "*", trusted_key_groups=each.trusted)
            for each in site.behaviors
        ]
        for path in dice.sample(PATHS, 5):
            at = [path in each.paths for each in site.behaviors].index(True)
            assert select_behavior(played, path) is played[at], (path, site)

    assert {*seen} == JUDGED
