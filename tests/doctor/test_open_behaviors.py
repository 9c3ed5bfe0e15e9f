"""Tell open behaviors that serve files of the storage from those that serve what is public."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import list_of
from tests.doctor.seeded import (
    NARROW,
    OFFICE,
    Change,
    both,
    default_like_storage,
    open_like,
    origin,
    policy,
    setting,
    twin,
)
from tests.doctor.world import OPEN, World, behavior_of, open_like_storage, open_twin

ABOUT_OPEN = (
    *("open-folder", "open-file", "behavior-open"),
    *("earlier-behavior-open", "later-behavior-open", "origin-path-open"),
)
ROOT = setting("AWS_LOCATION", "")


def restricted_twin(pattern: str) -> Change:
    """Read the bucket by an origin path, and its root by a restricted pattern and the default."""

    def change(config: Document) -> None:
        open_twin(config, pattern, OriginPath="")
        config["CacheBehaviors"]["Items"][0]["TrustedKeyGroups"] = behavior_of(config)[
            "TrustedKeyGroups"
        ]
        config["Origins"]["Items"][0]["OriginPath"] = "/prod"

    return both(
        lambda world, settings: world.update(change),
        default_like_storage(TargetOriginId="twin", TrustedKeyGroups=OPEN),
    )


def later(*patterns: str) -> Change:
    """Put open behaviors of the bucket behind all others."""

    def change(config: Document) -> None:
        open_like_storage(config, *patterns)
        items, count = config["CacheBehaviors"]["Items"], len(patterns)
        config["CacheBehaviors"] = list_of([*items[count:], *items[:count]])

    return lambda world, settings: world.update(change)


#: What is changed -> the pattern of each open behavior, and what is said of it.
OPENED: list[tuple[Change, dict[str, str]]] = [
    # Behaviors that come before the restricted one.
    (open_like("media/public/*"), {"media/public/*": "open-folder"}),
    (open_like("/media/public/*.css"), {"/media/public/*.css": "open-folder"}),
    (open_like("/media/logo.png"), {"/media/logo.png": "open-file"}),
    (open_like("media/public/logo.png"), {"media/public/logo.png": "open-file"}),
    (open_like("media/logo.pn?"), {"media/logo.pn?": "earlier-behavior-open"}),
    (open_like("logo.png"), {}),
    (open_like("media/*.css"), {"media/*.css": "earlier-behavior-open"}),
    (open_like("*/public/*"), {"*/public/*": "earlier-behavior-open"}),
    (open_like("assets/*"), {}),
    # Behaviors that read a folder of the bucket by an origin path.
    (twin("open/*", OriginPath="/media"), {"open/*": "open-folder"}),
    (twin("*.css", OriginPath="/media/open"), {"*.css": "open-folder"}),
    (twin("*.css", OriginPath="/media"), {"*.css": "origin-path-open"}),
    (twin("albums*", OriginPath="/media"), {"albums*": "origin-path-open"}),
    (twin("logo.png", OriginPath="/media"), {"logo.png": "open-file"}),
    (twin("logo.pn?", OriginPath="/media"), {"logo.pn?": "origin-path-open"}),
    (twin("logo.png", OriginPath="/static"), {}),
    # A restricted behavior takes the other paths before the open default, or not all of them.
    (restricted_twin("prod/*"), {}),
    (restricted_twin("prod/*.jpg"), {"*": "origin-path-open"}),
    # An open default behind a pattern that takes all that the storage saves.
    (default_like_storage(TrustedKeyGroups=OPEN), {}),
    # An origin without access leaks only if the bucket's policy lets in strangers.
    (twin("*.pdf", OriginPath="/media", OriginAccessControlId=""), {}),
    (
        both(twin("*.pdf", OriginPath="/media", OriginAccessControlId=""), policy({}, OFFICE)),
        {"*.pdf": "origin-path-open"},
    ),
    # The storage saves at the root of the bucket, as without AWS_LOCATION.
    (
        both(ROOT, default_like_storage(), twin("assets/*", OriginPath="/public")),
        {"assets/*": "open-folder"},
    ),
    (
        both(
            ROOT,
            default_like_storage(),
            origin(OriginPath="/site1"),
            open_like("assets/*", "*.css"),
        ),
        {"assets/*": "open-folder", "*.css": "earlier-behavior-open"},
    ),
    (
        both(ROOT, default_like_storage(), open_like("favicon.ico", "a.html", "*.html")),
        {"favicon.ico": "open-file", "a.html": "open-file", "*.html": "earlier-behavior-open"},
    ),
    # There, media/* is restricted and asked for.
    (
        both(NARROW, default_like_storage(TrustedKeyGroups=OPEN)),
        {"*": "later-behavior-open"},
    ),
    (
        both(NARROW, later("*.pdf", "public/*", "media/old/*")),
        {"*.pdf": "later-behavior-open", "public/*": "open-folder"},
    ),
]


@pytest.mark.parametrize(("change", "expected"), OPENED, ids=range(len(OPENED)))
def test_open_behaviors(change: Change, expected: dict[str, str], world: World, site: Any) -> None:
    """Say of each open behavior what it serves of the storage, its worst alone."""
    change(world, site)

    found = [each for each in world.examine() if each.id in ABOUT_OPEN]

    names = {
        "the default behavior" if pattern == "*" else f"the behavior {pattern}": kind_id
        for pattern, kind_id in expected.items()
    }
    assert {each.subject: each.id for each in found} == names
    assert len(found) == len(expected)
