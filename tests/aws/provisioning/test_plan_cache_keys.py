"""Plan what the cache keeps apart for pages of several origins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cfsigned_django.aws.account import Account, NamedConfig
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.cors import cors_rule
from cfsigned_django.aws.documents.policies import CACHE_POLICIES, cache_policy_config
from cfsigned_django.aws.provisioning.plan import plan
from cfsigned_django.aws.provisioning.steps import NOT_YET
from tests.aws.provisioning.accounts import bucket_of, grown_distribution, states
from tests.aws.provisioning.plans import BUCKET, DESIRED, account_with, find

A, B = "https://a.example.com", "https://b.example.com"
BOTH = replace(DESIRED, cors_origins=(A, B))
OWN = NamedConfig(id="own", name=f"cfsigned-{BUCKET}", config=cache_policy_config("own"))
CACHING = {
    "MaxTTL": 31536000,
    "ParametersInCacheKeyAndForwardedToOrigin": {"HeadersConfig": {"HeaderBehavior": "none"}},
}


def account(*policies: NamedConfig, rule: tuple[str, ...] = (), **fields: Any) -> Account:
    """Return an account with cache policies and a CORS rule, and a behavior with these fields."""
    (media,) = grown_distribution(BUCKET)["CacheBehaviors"]["Items"]
    found = account_with(CacheBehaviors=list_of([{**media, **fields}]))
    rules = (cors_rule(rule),) if rule else ()
    return replace(
        found,
        cache_policies={each.id: each for each in policies},
        bucket=replace(bucket_of(found), cors_rules=rules),
    )


@pytest.mark.parametrize(
    ("origins", "rule"), [((A, B), ()), (("https://*.example.com",), ()), ((B,), (A,))]
)
def test_several_origins(origins: tuple[str, ...], rule: tuple[str, ...]) -> None:
    """Make a cache policy with Origin in its key where S3 names one of several in each copy."""
    steps = plan(account(rule=rule), replace(DESIRED, cors_origins=origins))

    assert find(steps, "cache-policy").after == cache_policy_config(f"cfsigned-{BUCKET}")
    assert "Origin must be in the cache key" in find(steps, "cache-policy").why
    assert "download" not in find(steps, "cache-policy").why
    assert find(steps, "behavior").after["CachePolicyId"] == NOT_YET
    assert "origin-request-policy" not in states(steps)


@pytest.mark.parametrize("origins", [(A,), ("*",)])
def test_one_origin(origins: tuple[str, ...]) -> None:
    """Leave one copy for all where it is good for all."""
    steps = plan(account(), replace(DESIRED, cors_origins=origins))

    assert "cache-policy" not in states(steps)
    assert find(steps, "behavior").after["CachePolicyId"] == CACHE_POLICIES["CachingOptimized"]


def test_policy_that_overrides_s3() -> None:
    """Leave the cache policy where the response headers policy says the same in every copy."""
    cors = {"AccessControlAllowOrigins": list_of([A, B]), "OriginOverride": True}
    found = replace(
        account(ResponseHeadersPolicyId="r", CachePolicyId="c"),
        response_headers_policies={"r": NamedConfig(id="r", name="r", config={"CorsConfig": cors})},
    )

    steps = plan(found, BOTH)

    assert "cache-policy" not in states(steps)
    assert find(steps, "behavior").after["CachePolicyId"] == "c"


@pytest.mark.parametrize(
    "theirs",
    [
        NamedConfig(id="theirs", name="theirs", config={"MaxTTL": 0}),
        replace(OWN, id="theirs", name="theirs"),
    ],
    ids=["disabled", "by origin"],
)
def test_policy_that_will_do(theirs: NamedConfig) -> None:
    """Keep a cache policy that keeps nothing, or has Origin in its key."""
    steps = plan(account(theirs, CachePolicyId="theirs"), BOTH)

    assert states(steps)["cache-policy"] == "done"
    assert find(steps, "behavior").after["CachePolicyId"] == "theirs"


def test_policy_that_was_made_earlier() -> None:
    """Take the one that an earlier run made, in place of one for all origins."""
    theirs = NamedConfig(id="theirs", name="theirs", config=CACHING)

    steps = plan(account(theirs, OWN, CachePolicyId="theirs"), BOTH)

    assert states(steps)["cache-policy"] == "done"
    assert find(steps, "behavior").after["CachePolicyId"] == "own"


def test_own_policy_that_lacks_origin() -> None:
    """Say what to add where the one of the bucket's name was changed, or made without Origin."""
    found = find(plan(account(replace(OWN, config=CACHING)), BOTH), "cache-policy")

    assert found.state == "conflict"
    assert "add the header Origin" in found.why
