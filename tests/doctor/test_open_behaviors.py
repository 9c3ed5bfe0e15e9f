"""Tell open behaviors that serve files of the storage from those that serve what is public."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import list_of
from tests.doctor import faults
from tests.doctor.seeded import insert_open
from tests.doctor.world import World, behavior_of

OPEN = {"Enabled": False, "Quantity": 0}
ABOUT_OPEN = (
    "open-folder",
    "open-file",
    "behavior-open",
    "earlier-behavior-open",
    "later-behavior-open",
    "origin-path-open",
)


def opened(world: World) -> list[tuple[str, str]]:
    """Return what the doctor says of open behaviors: the id, and of which."""
    return [(each.id, each.subject) for each in world.examine() if each.id in ABOUT_OPEN]


def read_bucket(config: Document, *patterns: str) -> None:
    """Add open behaviors of the bucket, before all others."""
    items = config["CacheBehaviors"]["Items"]
    leak = {**behavior_of(config), "TrustedKeyGroups": OPEN}
    leaks = [{**leak, "PathPattern": each} for each in patterns]
    config["CacheBehaviors"] = list_of([*leaks, *items])


def default(config: Document, **changes: Any) -> None:
    """Let the default behavior be like that of the storage."""
    media = {name: each for name, each in behavior_of(config).items() if name != "PathPattern"}
    config["DefaultCacheBehavior"] = {**media, **changes}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("media/public/*", "open-folder"),
        ("/media/public/*.css", "open-folder"),
        ("/media/logo.png", "open-file"),
        ("media/public/logo.png", "open-file"),
        ("media/logo.pn?", "earlier-behavior-open"),
        ("logo.png", ""),
        ("media/*.css", "earlier-behavior-open"),
        ("*/public/*", "earlier-behavior-open"),
        ("assets/*", ""),
    ],
)
def test_earlier_open_behaviors(pattern: str, expected: str, world: World) -> None:
    """Tell a folder or a file that is meant to be public from a pattern of private files."""
    world.update(lambda config: read_bucket(config, pattern))

    assert opened(world) == ([(expected, f"the behavior {pattern}")] if expected else [])


@pytest.mark.parametrize(
    "origin",
    [
        {"DomainName": "static-files.s3.amazonaws.com"},
        {"DomainName": "s3.amazonaws.com", "OriginPath": "/static-files"},
        {"OriginPath": "/static"},
    ],
)
def test_open_behaviors_of_other_files(origin: dict[str, str], world: World) -> None:
    """Find nothing where an open behavior reads another bucket, or another folder."""
    world.update(lambda config: insert_open(config, "*.css", **origin))

    assert faults(world.examine()) == []


@pytest.mark.parametrize(
    ("pattern", "folder", "expected"),
    [
        ("open/*", "/media", "open-folder"),
        ("*.css", "/media/open", "open-folder"),
        ("*.css", "/media", "origin-path-open"),
        ("albums*", "/media", "origin-path-open"),
        ("logo.png", "/media", "open-file"),
        ("logo.pn?", "/media", "origin-path-open"),
        ("logo.png", "/static", ""),
    ],
)
def test_folders_by_an_origin_path(pattern: str, folder: str, expected: str, world: World) -> None:
    """Check a pattern by what it is in the bucket: a folder may be public there as well."""
    world.update(lambda config: insert_open(config, pattern, OriginPath=folder))

    assert opened(world) == ([(expected, f"the behavior {pattern}")] if expected else [])


@pytest.mark.parametrize(("pattern", "leaks"), [("prod/*", False), ("prod/*.jpg", True)])
def test_restricted_other_paths(pattern: str, leaks: bool, world: World) -> None:
    """Find nothing where a restricted behavior takes the other paths before the open default."""

    def narrow(config: Document) -> None:
        insert_open(config, pattern, OriginPath="")
        media, twin = behavior_of(config), config["CacheBehaviors"]["Items"][0]
        twin["TrustedKeyGroups"] = media["TrustedKeyGroups"]
        config["Origins"]["Items"][0]["OriginPath"] = "/prod"
        default(config, TargetOriginId="twin", TrustedKeyGroups=OPEN)

    world.update(narrow)

    assert opened(world) == ([("origin-path-open", "the default behavior")] if leaks else [])


class TestStorageAtTheRoot:
    """The storage saves at the root of the bucket, as without AWS_LOCATION."""

    @pytest.fixture(autouse=True)
    def at_the_root(self, site: Any, world: World) -> None:
        """Save at the root."""
        site.AWS_LOCATION = ""

    def test_static_files_by_an_origin_path(self, world: World) -> None:
        """Let the static files of a healthy site be public under a folder of their own."""
        world.update(default)
        world.update(lambda config: insert_open(config, "assets/*", OriginPath="/public"))

        assert opened(world) == [("open-folder", "the behavior assets/*")]

    def test_one_origin_path_for_all(self, world: World) -> None:
        """Say of one behavior one thing where all read the bucket by one origin with a path."""
        world.update(default)
        world.update(lambda config: config["Origins"]["Items"][0].update(OriginPath="/site1"))
        world.update(lambda config: read_bucket(config, "assets/*", "*.css"))

        assert opened(world) == [
            ("open-folder", "the behavior assets/*"),
            ("earlier-behavior-open", "the behavior *.css"),
        ]

    def test_files_that_are_named(self, world: World) -> None:
        """Note the files that somebody made public by their names, and no more than these."""
        world.update(default)
        world.update(lambda config: read_bucket(config, "favicon.ico", "index.html", "*.html"))

        assert opened(world) == [
            ("open-file", "the behavior favicon.ico"),
            ("open-file", "the behavior index.html"),
            ("earlier-behavior-open", "the behavior *.html"),
        ]

    def test_open_default_behind_a_narrow_pattern(self, world: World) -> None:
        """See the files beside media/*, which the open default behavior serves."""
        world.name = "media/albums/1.jpg"
        world.update(lambda config: default(config, TrustedKeyGroups=OPEN))

        assert opened(world) == [("later-behavior-open", "the default behavior")]

    def test_open_pattern_behind_a_narrow_one(self, world: World) -> None:
        """See a later pattern that takes files, and let a later folder be public."""
        world.name = "media/albums/1.jpg"

        def append(config: Document) -> None:
            read_bucket(config, "*.pdf", "public/*", "media/old/*")
            items = config["CacheBehaviors"]["Items"]
            config["CacheBehaviors"] = list_of([*items[3:], *items[:3]])

        world.update(append)

        assert opened(world) == [
            ("later-behavior-open", "the behavior *.pdf"),
            ("open-folder", "the behavior public/*"),
        ]


def test_open_default_behind_the_whole_location(world: World) -> None:
    """Find nothing where the restricted pattern takes all that the storage saves."""
    world.update(lambda config: default(config, TrustedKeyGroups=OPEN))

    assert faults(world.examine()) == []


def test_addresses_that_the_policy_lets_in(world: World) -> None:
    """See a leak by an origin without a way in where the policy lets strangers in, from somewhere.

    Without such a statement the bucket refuses that origin, and nothing leaks.
    """
    office = {
        **world.statement(),
        "Sid": "Office",
        "Principal": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    }
    world.update(
        lambda config: insert_open(config, "*.pdf", OriginPath="/media", OriginAccessControlId="")
    )
    private = opened(world)
    world.set_policy(world.statement(), office)

    assert private == []
    assert opened(world) == [("origin-path-open", "the behavior *.pdf")]
