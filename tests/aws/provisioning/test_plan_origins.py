"""Plan by which origin a behavior reads the bucket: one that is there, or a new one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.documents.behavior import list_of, listed
from cfsigned_django.aws.documents.distribution import find_origin, new_origin
from cfsigned_django.aws.provisioning.plan import blockers, plan
from tests.aws.provisioning.accounts import LEGACY_ORIGIN, bucket_of, grown_distribution, states
from tests.aws.provisioning.plans import BUCKET, DESIRED, account_with, find

NEW_PATTERN = replace(DESIRED, path_pattern="private/*")
CLEAN = {**new_origin(BUCKET, "us-east-1"), "Id": "clean"}
PUBLIC = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
OFFICE = {**PUBLIC, "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}


def origins(*others: dict[str, Any]) -> Any:
    """Return the origins of the grown distribution, the bucket with its origin path, and more."""
    return list_of([*grown_distribution(BUCKET)["Origins"]["Items"], *others])


class TestNewBehavior:
    """A behavior that is not there yet reads the bucket from its root."""

    def test_origin_without_a_path_is_taken(self) -> None:
        """Take the origin that looks where the site saves, although another comes first."""
        steps = plan(account_with(Origins=origins(CLEAN)), NEW_PATTERN)

        assert find(steps, "behavior").after["TargetOriginId"] == "clean"
        assert find(steps, "behavior").before is None
        assert find(steps, "origin").after["OriginPath"] == ""
        assert "origin path" not in find(steps, "origin").why

    @pytest.mark.parametrize(
        ("taken", "expected"),
        [((), f"S3-{BUCKET}"), ((f"S3-{BUCKET}", f"S3-{BUCKET}-2"), f"S3-{BUCKET}-3")],
    )
    def test_new_origin(self, taken: tuple[str, ...], expected: str) -> None:
        """Make an origin under an id that is free where each one there has an origin path."""
        others = [{**CLEAN, "Id": each, "OriginPath": "/static"} for each in taken]
        account = account_with(Origins=origins(*others))

        steps = plan(account, NEW_PATTERN)

        call = find(steps, "origin").call
        assert call is not None
        assert account.distribution is not None
        config = call.arguments["DistributionConfig"]
        assert listed(config["Origins"])[:-1] == listed(account.distribution.config["Origins"])
        assert (find_origin(config, expected) or {})["OriginPath"] == ""
        assert find(steps, "origin").before is None
        assert find(steps, "behavior").after["TargetOriginId"] == expected

    def test_id_of_a_group(self) -> None:
        """Give the new origin no id that a group of origins has."""
        account = account_with(OriginGroups=list_of([{"Id": f"S3-{BUCKET}"}]))

        assert find(plan(account, NEW_PATTERN), "origin").after["Id"] == f"S3-{BUCKET}-2"

    def test_behavior_that_is_there(self) -> None:
        """Leave a behavior its origin, and say what the origin path means."""
        steps = plan(account_with(Origins=origins(CLEAN)), DESIRED)

        assert find(steps, "behavior").after["TargetOriginId"] == LEGACY_ORIGIN
        assert "looks for every file under /files" in find(steps, "origin").why


class TestOriginGroup:
    """A behavior may read a group of origins: the bucket, and where to ask if that fails."""

    def test_bucket_in_a_group(self) -> None:
        """Give the member that is the bucket its way in, and keep the group on the behavior."""
        steps = plan(grouped("replica", LEGACY_ORIGIN), DESIRED)

        assert states(steps)["distribution"] == "done"
        assert find(steps, "origin").after["Id"] == LEGACY_ORIGIN
        assert find(steps, "behavior").after["TargetOriginId"] == "failover"

    def test_group_without_the_bucket(self) -> None:
        """Name what the group reads where none of it is the bucket."""
        steps = plan(grouped("app", "replica"), DESIRED)

        assert "distribution" in [each.name for each in blockers(steps)]
        assert "serves app.example.com and media-replica" in find(steps, "distribution").why


def grouped(*members: str) -> Any:
    """Return an account whose behavior media/* reads a group."""
    replica = {**CLEAN, "Id": "replica", "DomainName": "media-replica.s3.amazonaws.com"}
    (media,) = grown_distribution(BUCKET)["CacheBehaviors"]["Items"]
    group = {"Id": "failover", "Members": list_of([{"OriginId": each} for each in members])}
    return account_with(
        Origins=origins(replica),
        OriginGroups=list_of([group]),
        CacheBehaviors=list_of([{**media, "TargetOriginId": "failover"}]),
    )


@pytest.mark.parametrize("pattern", ["*.pdf", "/*.pdf"])
def test_behavior_that_the_plan_closes(pattern: str) -> None:
    """Call the behavior that shall be closed no leak, although its origin path leads to the files.

    Another open one of that origin is one.
    """
    (media,) = grown_distribution(BUCKET)["CacheBehaviors"]["Items"]
    opened = {**media, "PathPattern": "*.pdf", "TrustedSigners": {"Enabled": False}}
    signed = {**CLEAN, "OriginPath": "/files", "OriginAccessControlId": "E2", "Id": LEGACY_ORIGIN}
    app = grown_distribution(BUCKET)["Origins"]["Items"][0]
    desired = replace(DESIRED, path_pattern=pattern)

    def planned(*items: dict[str, Any]) -> dict[str, Any]:
        account = account_with(Origins=list_of([app, signed]), CacheBehaviors=list_of(list(items)))
        return {each.name: each for each in plan(account, desired)}

    alone = planned(opened)
    with_another = planned(opened, {**opened, "PathPattern": "old/*"})

    assert alone["behavior"].state == "todo"
    assert "origin-paths" not in alone
    assert with_another["origin-paths"].why.startswith("old/* is open")


@pytest.mark.parametrize(
    ("pattern", "leaks"), [("files/*", False), ("files/media/*.jpg", True), ("other/*", True)]
)
def test_other_paths_that_are_restricted_already(pattern: str, leaks: bool) -> None:
    """Call no leak what a restricted behavior in front takes: the paths under which files are."""
    grown = grown_distribution(BUCKET)
    (media,) = grown["CacheBehaviors"]["Items"]
    account = account_with(
        Origins=origins({**CLEAN, "OriginAccessControlId": "E2"}),
        CacheBehaviors=list_of([media, {**media, "PathPattern": pattern}]),
        DefaultCacheBehavior={**grown["DefaultCacheBehavior"], "TargetOriginId": "clean"},
    )

    assert ("origin-paths" in states(plan(account, DESIRED))) is leaks


@pytest.mark.parametrize(
    ("policy", "closes", "leaks"),
    [
        (None, False, False),
        ({"Statement": [OFFICE]}, True, True),
        ({"Statement": [PUBLIC]}, False, True),
        ({"Statement": [PUBLIC]}, True, False),
    ],
)
def test_origin_without_a_way_in(policy: Any, closes: bool, leaks: bool) -> None:
    """Call an origin that signs nothing a leak where the bucket will let in who does not sign."""
    stranger = {**CLEAN, "Id": "stranger", "OriginPath": "/media"}
    account = account_with(
        Origins=origins(stranger),
        DefaultCacheBehavior={
            **grown_distribution(BUCKET)["DefaultCacheBehavior"],
            "TargetOriginId": "stranger",
        },
    )
    account = replace(account, bucket=replace(bucket_of(account), policy=policy))

    steps = states(plan(account, replace(DESIRED, closes_public=closes)))

    assert ("origin-paths" in steps) is leaks
