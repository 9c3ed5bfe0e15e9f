"""Examine a site whose behavior reads an origin group: the bucket, and where to ask if it fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import list_of
from tests.doctor import faults, ids
from tests.doctor.world import World, behavior_of

REPLICA = "media-replica.s3.eu-west-1.amazonaws.com"


def read_group(config: Document, *, replica_first: bool = False, bucket: bool = True) -> None:
    """Let the behavior of the storage read a group of the bucket and its replica."""
    behavior = behavior_of(config)
    origin = next(
        each for each in config["Origins"]["Items"] if each["Id"] == behavior["TargetOriginId"]
    )
    replica = {**origin, "Id": "replica", "DomainName": REPLICA, "OriginPath": "/copies"}
    config["Origins"] = list_of([replica, *config["Origins"]["Items"]])
    members = [origin["Id"] if bucket else "pages", "replica"]
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
