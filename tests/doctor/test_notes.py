"""Note what is in order and worth knowing, and check the rarer ways to set AWS up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.account import Account
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.bucket_policy import (
    access_identity_statement,
)
from cfsigned_django.doctor.findings import Finding, Level
from tests.doctor import faults, ids
from tests.doctor.seeded import policy_for_every_distribution
from tests.doctor.world import LOCATION, World, behavior_of

ARN = "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE"
OBJECT = "arn:aws:s3:::media/media/1.jpg"


def test_notes_of_a_healthy_site(world: World) -> None:
    """Note IPv6 and download parameters, which are no faults by themselves."""
    world.update(lambda config: config.update(IsIPV6Enabled=True))

    found = world.examine()

    assert faults(found) == []
    assert {"ipv6-note", "downloads-note"} <= {*ids(found)}


def test_default_behavior(world: World, site: Any) -> None:
    """Check the default behavior where no pattern takes the storage's paths."""
    world.update(lambda config: config["CacheBehaviors"]["Items"].pop())
    world.update(lambda config: config.update(CacheBehaviors={"Quantity": 0}))

    found = world.examine()

    assert "behavior-open" in faults(found)
    opened = next(each for each in found if each.id == "behavior-open")
    assert (
        opened.what
        == f"The default behavior serves /{LOCATION}/albums/1.jpg and asks for no signature."
    )


def test_no_key_group_is_named(world: World, site: Any) -> None:
    """Compare with the key groups of the behavior where the settings name none."""
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = None

    assert faults(world.examine()) == []

    world.set_members(world.add_public_key(world.key.generate(), "other"))
    assert faults(world.examine()) == ["key-not-in-group", "signed-unknown-key"]


def test_access_identity(world: World) -> None:
    """Take an origin access identity for good where the bucket policy lets it in."""
    identity = "EH1HDMB1FH2TC"

    def attach(config: Document) -> None:
        origin = config["Origins"]["Items"][0]
        origin["OriginAccessControlId"] = ""
        origin["S3OriginConfig"]["OriginAccessIdentity"] = (
            f"origin-access-identity/cloudfront/{identity}"
        )

    world.update(attach)
    refused = world.examine()
    world.set_policy(access_identity_statement(world.bucket, identity))
    admitted = world.examine()

    assert faults(refused) == ["bucket-policy"]
    assert faults(admitted) == []


def test_no_bucket_policy(world: World) -> None:
    """Say that there is no policy at all."""
    world.edit = lambda found: replace(
        found, bucket=replace(found.bucket, policy=None) if found.bucket else None
    )

    found = world.examine()

    assert faults(found) == ["bucket-policy"]
    assert "has no policy" in next(each.what for each in found if each.level is Level.ERROR)


def test_other_principal(world: World) -> None:
    """Say that the policy lets others read, and not CloudFront."""
    statement = {**world.statement(), "Principal": {"AWS": "arn:aws:iam::111122223333:root"}}
    world.set_policy(statement)

    found = world.examine()

    assert faults(found) == ["bucket-policy"]
    assert "does not let" in next(each.what for each in found if each.level is Level.ERROR)


@pytest.mark.parametrize("wide", [True, False])
def test_no_way_in(wide: bool, world: World) -> None:
    """Warn of a policy for every distribution also where this one has no way in of its own."""
    world.update(lambda config: config["Origins"]["Items"][0].update(OriginAccessControlId=""))
    if wide:
        policy_for_every_distribution(world, None)

    found = world.examine()

    assert faults(found) == ["no-origin-access", *(["bucket-policy-wide"] if wide else [])]
    assert [each.what for each in found if each.id == "bucket-not-public"] == (
        []
        if wide
        else [
            f"The bucket {world.bucket} is not public; no origin is known that reads it by an "
            "access control or an identity, so whom it lets in was not compared."
        ]
    )


@pytest.mark.parametrize("origins", [("Origin",), ("*",)])
def test_forwarded_values(origins: tuple[str, ...], world: World) -> None:
    """Read the old way of forwarding, by ForwardedValues, as well."""

    def legacy(found: Account) -> Account:
        assert found.distribution is not None
        config = found.distribution.config
        behavior = behavior_of(config)
        for name in ("CachePolicyId", "OriginRequestPolicyId", "ResponseHeadersPolicyId"):
            behavior.pop(name, None)
        behavior["ForwardedValues"] = {
            "QueryString": True,
            "Headers": list_of(list(origins)),
            "QueryStringCacheKeys": {"Quantity": 0},
        }
        return found

    world.edit = legacy
    world.options["uses_downloads"] = True

    assert faults(world.examine()) == []


def test_others_whom_the_policy_lets_read(world: World) -> None:
    """Note those whom the policy names, and warn of those whom it does not; claim no more."""
    backup = {
        **world.statement(),
        "Sid": "Backup",
        "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
        "Action": "s3:*",
        "Condition": {},
    }
    office = {
        **world.statement(),
        "Sid": "Office",
        "Principal": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    }
    alone = world.examine()
    world.set_policy(world.statement(), backup)
    named = world.examine()
    world.set_policy(world.statement(), backup, office)
    unnamed = world.examine()

    def said(found: list[Finding], kind: str) -> str:
        return "".join(each.what for each in found if each.id == kind)

    assert "no statement of it lets anybody else" in said(alone, "bucket")
    assert "also lets read: arn:aws:iam::999999999999:root (Backup)" in said(
        named, "bucket-readers"
    )
    assert said(named, "bucket").endswith(f"lets {world.distribution_id} read.")
    assert faults(unnamed) == ["bucket-readers-wide"]
    assert "(aws:SourceIp) (Office)" in said(unnamed, "bucket-readers-wide")
    assert not said(unnamed, "bucket")
