"""Give the tests of the doctor a healthy site, in an account of its own in the emulator."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from cfsigned_django import keyring
from cfsigned_django.signing import PrivateKey
from tests.doctor.world import LOCATION, NOW, World
from tests.ministack_server import Ministack
from tests.plugins_aws import (
    aws_account as aws_account,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.storage_cases import S3_BACKEND

MODULE = "cfsigned_django.management.commands.cfsigned_doctor"


@pytest.fixture
def signing_site(site: Any, db: None) -> Any:
    """Return a site that can sign, with no AWS behind it."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    keyring.forget()  # what an earlier test has left in the database
    return site


@pytest.fixture
def world(
    site: Any,
    db: None,
    no_aws_configuration: None,
    ministack: Ministack,
    aws_account: str,
    ec_key: PrivateKey,
) -> World:
    """Return a site whose files are private and whose links work."""
    world = World(
        clients=ministack.clients(aws_account), bucket=f"doctor-{aws_account}", key=ec_key
    )
    world.build()
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


@pytest.fixture
def online(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Let the command reach the emulator and the edge of a healthy site."""
    monkeypatch.setattr(f"{MODULE}.make_clients", lambda **_: world.clients)
    monkeypatch.setattr(f"{MODULE}.make_client", lambda name: world.clients.cloudfront)
    monkeypatch.setattr(f"{MODULE}.fetch", world.fetch)
    monkeypatch.setattr(f"{MODULE}.time", mock.Mock(time=lambda: NOW))
    return world
