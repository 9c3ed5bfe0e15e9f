"""Make the files of a running public site private with the commands of the page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.storage import storages

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.documents.distribution import (
    new_behavior,
    new_distribution_config,
    new_origin,
)
from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.rotation.models import KeyPair
from tests.pages import DOCS, table
from tests.setup import commands_of, run_shown
from tests.storage_cases import S3_BACKEND

PAGE = DOCS / "aws" / "running-site.md"
#: What the table of the page calls an answer.
ANSWERS = {
    "opens": (200, ""),
    "MissingKey": (403, "MissingKey"),
    "Access Denied": (403, "AccessDenied"),
}


def make_public_site(clients: Clients, bucket: str) -> tuple[str, str]:
    """Make a public bucket behind an open distribution; return its ID and its domain name."""
    statement = {
        "Sid": "PublicRead",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    clients.s3.create_bucket(Bucket=bucket)
    clients.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    clients.s3.put_object(Bucket=bucket, Key="media/albums/42/001.jpg", Body=b"a picture")
    config: Any = new_distribution_config(
        bucket, new_origin(bucket, "us-east-1", origin_id="bucket"), new_behavior("bucket")
    )
    found = clients.cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
    return found["Id"], found["DomainName"]


def commands_for(location: str) -> list[str]:
    """Return the commands of the page, as it says for files in a location; "" is the whole site."""
    shown = commands_of(PAGE)
    if location:
        return shown
    return [
        each.replace("media/.cfsigned", ".cfsigned").replace("--path-pattern 'media/*'", "")
        for each in shown
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("site_in_aws")
@pytest.mark.parametrize("location", ["media", ""])
def test_no_step_breaks_a_page(
    location: str, clients: Clients, bucket_name: str, settings: Any
) -> None:
    """After each step of the page, viewers see what its table says."""
    distribution_id, host = make_public_site(clients, bucket_name)
    settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = distribution_id
    ids = {"bucket": bucket_name, "distribution_id": distribution_id}
    try_it, sign, restrict, close = commands_for(location)
    path = "media/albums/42/001.jpg"
    unsigned = f"https://{host}/{path}"
    of_s3 = f"{clients.s3.meta.endpoint_url}/{bucket_name}/{path}"

    def seen(*urls: str) -> list[tuple[int, str]]:
        answers = [cfsigned_setup.Command.fetch(url, {}) for url in urls]
        return [(each.status, each.code) for each in answers]

    printed, _ = run_shown(try_it, **ids)
    after = [seen(unsigned, of_s3)]
    KeyPair.objects.update(verified_since=datetime(2026, 1, 1, tzinfo=UTC))
    run_shown(sign, **ids)
    after.append(seen(unsigned, of_s3))
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = KeyPair.objects.get().key_group_id
    settings.AWS_S3_CUSTOM_DOMAIN, settings.AWS_LOCATION = host, location
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    signed = storages["default"].url(path.removeprefix(f"{location}/"))
    after.append(seen(unsigned, signed, of_s3))
    for step in (restrict, close):
        run_shown(step, **ids)
        after.append(seen(unsigned, signed, of_s3))

    assert "PublicRead" in printed
    assert after == [
        [ANSWERS[each] for each in row[1:] if each in ANSWERS] for row in table(PAGE, "Step")
    ]
