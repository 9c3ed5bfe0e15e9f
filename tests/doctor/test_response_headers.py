"""Check CORS by the response headers policy of the behavior, a managed one or the account's own."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.aws.account_reader import read_account
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.cors import cors_rule
from cfsigned_django.aws.documents.policies import (
    CACHE_POLICIES,
    RESPONSE_HEADERS_POLICIES,
    cache_policy_config,
)
from cfsigned_django.doctor.findings import Finding
from tests.doctor.world import ORIGIN, World, behavior_of
from tests.storage_cases import DOMAIN

OTHER = "https://other.example.com"


def attach(world: World, *allowed: str, override: bool = True, **config: Any) -> str:
    """Give the behavior a policy of the account's own; return its id."""
    cors = {
        "AccessControlAllowOrigins": list_of(list(allowed)),
        "AccessControlAllowHeaders": list_of(["*"]),
        "AccessControlAllowMethods": list_of(["GET", "HEAD"]),
        "AccessControlAllowCredentials": False,
        "OriginOverride": override,
    }
    made = world.clients.cloudfront.create_response_headers_policy(
        ResponseHeadersPolicyConfig={
            "Name": "own",
            **({"CorsConfig": cors} if allowed else {}),
            **config,
        }
    )
    policy_id: str = made["ResponseHeadersPolicy"]["Id"]
    world.update_behavior(ResponseHeadersPolicyId=policy_id)
    return policy_id


def delivery(world: World) -> list[Finding]:
    """Return what the doctor says of CORS, but for the live answers."""
    kinds = ("cors-rule-missing", "cors-policy-origins", "origin-not-", "delivery")
    return [each for each in world.examine() if each.id.startswith(kinds)]


def no_rule(world: World) -> None:
    """Let the bucket have a CORS rule for another origin alone."""
    rule = cors_rule([OTHER])
    world.clients.s3.put_bucket_cors(Bucket=world.bucket, CORSConfiguration={"CORSRules": [rule]})


@pytest.mark.parametrize("allowed", [ORIGIN, "*", "https://*.example.com"])
def test_own_policy_with_the_origin(allowed: str, world: World) -> None:
    """Ask for no CORS rule where a policy of the account's own gives the headers."""
    no_rule(world)
    attach(world, allowed)

    assert [each.id for each in delivery(world)] == ["delivery"]


def test_own_policy_without_the_origin(world: World) -> None:
    """Name the policy that overrides S3's headers and leaves the origin out."""
    policy_id = attach(world, OTHER)

    [found] = delivery(world)

    assert found.id == "cors-policy-origins"
    assert found.what == f"The response headers policy own does not allow {ORIGIN}."
    assert found.subject == f"policy {policy_id}"


@pytest.mark.parametrize("allowed", [(OTHER,), ()], ids=["another origin", "no CORS"])
def test_policy_that_leaves_it_to_s3(allowed: tuple[str, ...], world: World) -> None:
    """Check the bucket's rule where the policy keeps the headers of S3, or has none."""
    security = {"ContentTypeOptions": {"Override": True}}
    attach(world, *allowed, override=False, SecurityHeadersConfig=security)
    no_rule(world)

    found = [each.id for each in delivery(world)]

    assert found == ["cors-rule-missing", "origin-not-in-cache-key"]


@pytest.mark.parametrize(
    ("allowed", "warned"),
    [
        ((ORIGIN,), False),
        (("*",), False),
        ((ORIGIN, OTHER), True),
        (("https://*.example.com",), True),
        ((OTHER,), True),
    ],
)
def test_copies_that_name_an_origin(allowed: tuple[str, ...], warned: bool, world: World) -> None:
    """Warn where S3 names one of several origins in the copy for all, and SimpleCORS leaves it."""
    world.clients.s3.put_bucket_cors(
        Bucket=world.bucket, CORSConfiguration={"CORSRules": [cors_rule(list(allowed))]}
    )

    [found] = delivery(world)

    assert found.id == ("origin-not-in-cache-key" if warned else "delivery")
    assert not warned or "SimpleCORS leaves in it the one origin" in found.what


@pytest.mark.parametrize("remedy", ["key", "no cache", "override", "nothing forwarded"])
def test_copies_that_do_no_harm(remedy: str, world: World) -> None:
    """Be content where copies differ by origin, or are not kept, or never name one."""
    world.clients.s3.put_bucket_cors(
        Bucket=world.bucket, CORSConfiguration={"CORSRules": [cors_rule([ORIGIN, OTHER])]}
    )
    match remedy:
        case "key":
            made = world.clients.cloudfront.create_cache_policy(
                CachePolicyConfig=cache_policy_config("own")
            )
            world.update_behavior(CachePolicyId=made["CachePolicy"]["Id"])
        case "no cache":
            world.update_behavior(CachePolicyId=CACHE_POLICIES["CachingDisabled"])
        case "override":
            attach(world, "*")
        case _:
            world.update(lambda config: behavior_of(config).pop("OriginRequestPolicyId"))

    assert [each.id for each in delivery(world)] == ["delivery"]


def test_managed_policy(world: World) -> None:
    """Read the managed policy that is attached, and no other."""
    found = read_account(world.clients, domain=DOMAIN, bucket=world.bucket)

    assert list(found.response_headers_policies or ()) == [RESPONSE_HEADERS_POLICIES["SimpleCORS"]]
