"""Judge random sites of several behaviors, and compare with what each path shows, written out.

Nothing here is the model's: patterns are matched by the two sentences of the guide, and what serves
a path is looked up, path by path.

Modules: tools/model/behaviors.py, tools/account/state/other_behaviors.py, tools/edge/behavior.py
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
from cfsigned_django.tools.account.state.judge import judge
from cfsigned_django.tools.account.state.site_in_aws import Wanted
from cfsigned_django.tools.edge.behavior import Behavior, select_behavior
from tests.tools import list_of
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


@cache
def matched(pattern: str) -> frozenset[str]:
    """Return the paths that a pattern matches."""
    return frozenset(each for each in PATHS if reference_match(pattern, each))


def random_site(dice: random.Random) -> tuple[list[Each], Wanted]:
    """Return one to six behaviors in their order, and what the site asks of them."""
    patterns = [*dice.sample(PATTERNS, dice.randrange(6)), None]
    location = dice.choice(["/media/", "/"])
    wanted = Wanted(
        bucket=BUCKET,
        location=location,
        path=location + dice.choice(["z", "x.jpg", "albums/z"]),
        key_group_id=dice.choice(["ours", ""]),
    )
    origins = ["root", "root", *ORIGINS]
    return [
        Each(pattern=each, origin=dice.choice(origins), trusted=dice.choice(TRUST))
        for each in patterns
    ], wanted


def expected(behaviors: list[Each], wanted: Wanted) -> Iterator[tuple[str, str]]:
    """Yield what is to be said of each behavior, path by path."""
    asked = [each for each in behaviors if wanted.path in each.paths]
    private = next((each for each in asked if each.trusted), asked[0])
    ours = {wanted.key_group_id} if wanted.key_group_id else private.groups
    if not private.trusted:
        yield private.name, "behavior-open"
    elif not private.groups & ours:
        yield private.name, "group-not-on-behavior"
    # Where files are: where the storage saves, and where the private behavior reads.
    homes = {(HOST, ""), private.place}
    left, is_before = {*PATHS}, True
    for each in behaviors:
        served = left & each.paths
        left -= each.paths
        if each is private:
            is_before = False
            continue
        if not each.trusted:
            shown = [
                f"{folder}{wanted.location}"
                for host, folder in homes
                if host == each.place[0]
                and (each.place in homes or ORIGINS[each.origin][2])
                and any(
                    f"{each.place[1]}{path}".startswith(f"{folder}{wanted.location}")
                    for path in served
                )
            ]
            if shown:
                parts = [is_part(each, files, each.place[1]) for files in shown]
                yield each.name, "open-folder" if all(parts) else "behavior-open"
        taken = {each for each in served & private.paths if each.startswith(wanted.location)}
        is_whole = wanted.location == "/" and len(private.paths) == len(PATHS)
        is_other_part = is_whole and is_part(each, wanted.location, "")
        if is_before and taken and not is_other_part:
            if each.place not in homes:
                yield each.name, "earlier-behavior-elsewhere"
            elif each.trusted and ours and not each.groups & ours:
                yield each.name, "group-not-on-behavior"


def is_part(each: Each, files: str, folder: str) -> bool:
    """Return whether all that a pattern matches is one file, or in one folder of the files."""
    if not {"*", "?"} & {*(each.pattern or "*")}:
        return True
    keys = [folder + path for path in each.paths]
    rests = [key.removeprefix(files) for key in keys if key.startswith(files)]
    is_one_folder = len({rest.split("/")[0] for rest in rests}) == 1
    return len(rests) == len(keys) and all("/" in rest for rest in rests) and is_one_folder


def said(behaviors: list[Each], wanted: Wanted) -> list[tuple[str, str]]:
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
    *named, default = [each.document() for each in behaviors]
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
        behaviors, wanted = random_site(dice)
        truth = sorted(expected(behaviors, wanted))
        assert sorted(said(behaviors, wanted)) == truth, (number, behaviors, wanted)
        seen.update(fact_id for _, fact_id in truth)
        played = [
            Behavior(path_pattern=each.pattern or "*", trusted_key_groups=each.trusted)
            for each in behaviors
        ]
        for path in dice.sample(PATHS, 5):
            at = [path in each.paths for each in behaviors].index(True)
            assert select_behavior(played, path) is played[at], (path, behaviors)

    assert {*seen} == JUDGED
