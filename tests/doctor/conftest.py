"""Give the tests of the doctor a healthy site, in an account of its own in the emulator."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.aws.stack import Clients
from cfsigned_django.signing import PrivateKey
from tests.doctor.world import LOCATION, World, build_world
from tests.ministack_server import Ministack
from tests.plugins_aws import (
    aws_account as aws_account,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.storage_cases import S3_BACKEND


@pytest.fixture
def clients(ministack: Ministack, aws_account: str) -> Clients:
    """Return the clients of an empty account."""
    return Clients(
        cloudfront=ministack.client("cloudfront", account=aws_account),
        s3=ministack.client("s3", account=aws_account),
        sts=ministack.client("sts", account=aws_account),
    )


@pytest.fixture
def world(
    site: Any,
    db: None,
    no_aws_configuration: None,
    clients: Clients,
    aws_account: str,
    ec_key: PrivateKey,
) -> World:
    """Return a site whose files are private and whose links work."""
    world = build_world(clients, bucket=f"doctor-{aws_account}", key=ec_key)
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    site.AWS_LOCATION = LOCATION
    site.AWS_CLOUDFRONT_KEY = ec_key.to_pem().decode()
    site.AWS_CLOUDFRONT_KEY_ID = world.key_pair_id
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = world.key_group_id
    site.AWS_STORAGE_BUCKET_NAME = world.bucket
    site.AWS_S3_REGION_NAME = "us-east-1"
    # The emulator's key groups have ids that look like those of public keys.
    site.SILENCED_SYSTEM_CHECKS = ["cfsigned.W004"]
    return world
