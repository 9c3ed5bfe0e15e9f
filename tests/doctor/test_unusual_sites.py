"""Examine sites whose domain, storage or policies are out of the ordinary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
from django.core.files.storage import storages

from cfsigned_django.aws.account import Account, Bucket, BucketState
from cfsigned_django.aws.account_reader import find_distribution
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.policies import CACHE_POLICIES
from cfsigned_django.doctor.distribution import check_aws
from cfsigned_django.doctor.site import ExpectedState, settings_keys, site_domains
from cfsigned_django.signing import PrivateKey
from tests.doctor import faults, ids
from tests.doctor.world import ORIGIN, World, behavior_of
from tests.storage_cases import DOMAIN, FILE_BACKEND, KEY_ID, S3_BACKEND, options_for


def test_wildcard_alias(world: World) -> None:
    """Find the distribution by an alias with an asterisk, too."""
    world.update(lambda config: config.update(Aliases=list_of(["*.example.com"])))

    assert faults(world.examine()) == []


def test_two_distributions_read_the_bucket(world: World) -> None:
    """Choose none where the domain is nobody's and two distributions read the bucket."""
    config = world.config()
    config["Aliases"] = {"Quantity": 0}
    config["CallerReference"] = "second"
    world.clients.cloudfront.create_distribution(DistributionConfig=config)
    world.update(lambda config: config.update(Aliases={"Quantity": 0}))

    assert find_distribution(world.clients.cloudfront, domain=DOMAIN, bucket=world.bucket) is None
    assert find_distribution(world.clients.cloudfront, domain=DOMAIN, bucket=None) is None
    assert "no-distribution" in faults(world.examine())


def test_local_edge(world: World, site: Any) -> None:
    """Ask for no alias where the domain is this machine's."""
    site.AWS_S3_CUSTOM_DOMAIN = "127.0.0.1:8001"
    site.AWS_S3_URL_PROTOCOL = "http:"
    world.options["distribution_id"] = world.distribution_id

    assert faults(world.examine()) == ["no-answer"]

    world.options.clear()
    found = world.examine()
    assert faults(found) == ["no-answer"]
    assert "local-edge" in ids(found)


def test_storage_without_a_bucket(world: World) -> None:
    """Leave origin and bucket out for a storage that has no bucket."""
    world.edit = lambda found: replace(found, bucket=None)

    found = world.examine()

    assert "bucket" not in ids(found)
    assert faults(found) == []


def test_storage_on_disk(world: World, site: Any) -> None:
    """Look at neither origin nor bucket for a storage that keeps files on disk."""
    site.STORAGES = {"default": {"BACKEND": FILE_BACKEND}}

    found = world.examine()

    assert faults(found) == []
    assert {"origin", "bucket", "s3-private"} & {*ids(found)} == set()


def test_no_links_can_be_made(world: World, site: Any) -> None:
    """Ask nobody where the settings name no domain."""
    site.AWS_S3_CUSTOM_DOMAIN = None

    assert ids(world.examine()) == ["cfsigned.E004"]


@pytest.mark.parametrize("known", [True, False])
def test_cors_where_the_bucket_is_not_known(known: bool, world: World) -> None:
    """Check what CloudFront forwards, whether or not bucket and policies could be read."""
    world.update(lambda config: behavior_of(config).pop("ResponseHeadersPolicyId") and None)
    world.edit = lambda found: replace(
        found, bucket=None, cache_policies=found.cache_policies if known else None
    )

    assert faults(world.examine()) == (["origin-not-in-cache-key"] if known else [])


def test_keys_of_settings_and_models(site: Any, ec_key: PrivateKey) -> None:
    """Know the keys of aliases and file fields, and leave out those that cannot be read."""
    site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "own": {"BACKEND": S3_BACKEND, "OPTIONS": options_for(ec_key)},
        "bad": {
            "BACKEND": S3_BACKEND,
            "OPTIONS": {**options_for(ec_key), "cloudfront_key": "no key"},
        },
        "none": {"BACKEND": S3_BACKEND, "OPTIONS": {"cloudfront_key": None}},
    }
    field = ("shop.Photo.image", storages["own"])
    with mock.patch("cfsigned_django.doctor.site.signing_fields", return_value=[field]):
        found = [(each.key_pair_id, each.where) for each in settings_keys()]
        domains = site_domains()

    assert found == [
        (KEY_ID, "AWS_CLOUDFRONT_KEY"),
        (KEY_ID, 'STORAGES["own"]'),
        (KEY_ID, "shop.Photo.image"),
    ]
    assert domains == {DOMAIN}


def test_missing_bucket_without_a_distribution(world: World) -> None:
    """Check a bucket that is missing where no distribution is known either."""
    bucket = Bucket(name="media", state=BucketState.MISSING)
    expected = ExpectedState(host=DOMAIN, path="/a", bucket="media")
    found = list(check_aws(Account(bucket=bucket), expected, now=datetime.now(UTC)))

    assert ids(found) == ["bucket-missing"]


def test_headers_in_the_cache_key_are_enough(world: World) -> None:
    """Ask for no origin request policy where Origin is in the cache key."""

    def change(config: Document) -> None:
        behavior = behavior_of(config)
        behavior.pop("ResponseHeadersPolicyId")
        behavior.pop("OriginRequestPolicyId")

    world.update(change)
    edited: Callable[[Account], Account] = lambda found: replace(  # noqa: E731
        found,
        cache_policies={
            key: replace(
                policy,
                config={
                    **policy.config,
                    "ParametersInCacheKeyAndForwardedToOrigin": {
                        "HeadersConfig": {
                            "HeaderBehavior": "whitelist",
                            "Headers": list_of(["Origin"]),
                        }
                    },
                },
            )
            for key, policy in (found.cache_policies or {}).items()
        },
    )
    world.edit = edited
    world.cors_origins = (ORIGIN,)

    assert CACHE_POLICIES["CachingOptimized"] == behavior_of(world.config())["CachePolicyId"]
    assert faults(world.examine()) == []
