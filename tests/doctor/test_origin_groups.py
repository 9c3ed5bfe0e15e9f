"""Examine a site whose behavior reads an origin group: the bucket, and where to ask if it fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.distribution import new_behavior
from tests.doctor import faults, ids
from tests.doctor.world import World, behavior_of

REPLICA = "media-replica.s3.eu-west-1.amazonaws.com"


def read_group(
    config: Document,
    *,
    replica_first: bool = False,
    bucket: bool = True,
    fallback: str = "replica",
) -> None:
    """Let the behavior of the storage read a group of the bucket and its replica."""
    behavior = behavior_of(config)
    origin = next(
        each for each in config["Origins"]["Items"] if each["Id"] == behavior["TargetOriginId"]
    )
    replica = {**origin, "Id": "replica", "DomainName": REPLICA, "OriginPath": "/copies"}
    config["Origins"] = list_of([replica, *config["Origins"]["Items"]])
    members = [origin["Id"] if bucket else "pages", fallback]
    members = members[::-1] if replica_first else members
    config["OriginGroups"] = list_of(
        [
            {
                "Id": "failover",
                "FailoverCriteria": {"StatusCodes": list_of([500, 503])},
                "Members": list_of([{"OriginId": each} for each in members]),
            }
        ]
    )
    behavior["TargetOriginId"] = "failover"


@pytest.mark.parametrize("replica_first", [False, True])
def test_healthy_group(replica_first: bool, world: World) -> None:
    """Find nothing wrong where one of the group is the bucket, whichever place it has."""
    world.update(lambda config: read_group(config, replica_first=replica_first))

    found = world.examine()

    assert faults(found) == []
    assert {"origin", "bucket"} <= {*ids(found)}


def test_group_that_the_bucket_does_not_let_in(world: World) -> None:
    """Compare the policy of the bucket with the access control of its origin in the group."""
    world.update(read_group)
    world.edit = lambda found: replace(
        found, bucket=replace(found.bucket, policy=None) if found.bucket else None
    )

    found = world.examine()

    assert faults(found) == ["bucket-policy"]
    assert "bucket" not in ids(found)


def test_group_without_the_bucket(world: World) -> None:
    """Name what a group reads that does not have the bucket, and say nothing of the policy."""
    world.update(lambda config: read_group(config, bucket=False))

    found = world.examine()

    assert faults(found) == ["origin-not-bucket"]
    [what] = [each.what for each in found if each.id == "origin-not-bucket"]
    assert what == (
        f"The behavior reads app.example.com and {REPLICA}, not the bucket {world.bucket}."
    )
    assert "bucket" not in ids(found)
    assert "bucket-not-public" in ids(found)


def test_origin_that_is_not_there(world: World) -> None:
    """Say nothing of whom the bucket lets in where no origin is known to compare with."""
    world.edit_distribution(config={**world.config(), "Origins": {"Quantity": 0}})

    found = world.examine()

    assert faults(found) == ["origin-not-bucket"]
    assert "an origin that is not there" in next(
        each.what for each in found if each.id == "origin-not-bucket"
    )
    assert "bucket" not in ids(found)


@pytest.fixture
def rooted(site: Any, world: World) -> World:
    """Return the site with its storage at the root, of which media/* is asked for."""
    site.AWS_LOCATION = ""
    world.name = "media/albums/1.jpg"
    return world


def test_app_that_is_asked_if_the_bucket_fails(rooted: World) -> None:
    """Take what the open default behavior has of the app for no files of the bucket."""
    rooted.update(lambda config: read_group(config, fallback="pages"))

    assert faults(rooted.examine()) == []


def test_pages_before_a_group_with_the_app(rooted: World) -> None:
    """Say nothing of open behaviors of the app that come before the bucket and the app."""

    def restrict_default(config: Document) -> None:
        read_group(config, fallback="pages")
        media = {**behavior_of(config)}
        del media["PathPattern"]
        pages = [{"PathPattern": each, **new_behavior("pages")} for each in ("*.html", "api/*")]
        config["CacheBehaviors"] = list_of(pages)
        config["DefaultCacheBehavior"] = media

    rooted.update(restrict_default)

    found = rooted.examine()

    assert faults(found) == []
    assert "open-folder" not in ids(found)


@pytest.mark.parametrize("origin", ["failover", "replica"])
def test_open_behavior_of_the_replica(origin: str, rooted: World) -> None:
    """See the files of the bucket that an open behavior has by the group, or by its replica."""

    def open_default(config: Document) -> None:
        read_group(config)
        config["DefaultCacheBehavior"]["TargetOriginId"] = origin

    rooted.update(open_default)

    assert faults(rooted.examine()) == ["later-behavior-open"]
