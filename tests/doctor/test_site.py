"""Read which keys and domains a site has, and examine what little of an account may be known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest import mock

from django.core.files.storage import storages

from cfsigned_django.aws.account import Account, Bucket, BucketState
from cfsigned_django.doctor.distribution import check_aws
from cfsigned_django.doctor.site import ExpectedState, settings_keys, site_domains
from cfsigned_django.signing import PrivateKey
from tests.doctor import ids
from tests.storage_cases import DOMAIN, KEY_ID, S3_BACKEND, options_for


def test_keys_of_settings_and_models(site: Any, ec_key: PrivateKey) -> None:
    """Know the keys of aliases and file fields, and leave out those that cannot be read."""
    bad = {**options_for(ec_key), "cloudfront_key": "no key"}
    site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "own": {"BACKEND": S3_BACKEND, "OPTIONS": options_for(ec_key)},
        "bad": {"BACKEND": S3_BACKEND, "OPTIONS": bad},
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


def test_missing_bucket_without_a_distribution() -> None:
    """Check a bucket that is missing where no distribution is known either."""
    bucket = Bucket(name="media", state=BucketState.MISSING)
    expected = ExpectedState(host=DOMAIN, path="/a", bucket="media")

    found = check_aws(Account(bucket=bucket), expected, now=datetime.now(UTC))

    assert ids(found) == ["bucket-missing"]
