"""Give the tests of the doctor a healthy site, whose account is a value."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from cfsigned_django.core import keyring
from tests.checks.conftest import fields as fields
from tests.plugins_aws import (
    aws_account as aws_account,
    ministack as ministack,
)
from tests.storage_cases import S3_BACKEND
from tests.tools.doctor.world import (
    BUCKET,
    KEY,
    KEY_GROUP,
    KEY_PAIR_ID,
    LOCATION,
    NOW,
    World,
    clients_of_nobody,
)

MODULE = "cfsigned_django.management.commands.cfsigned_doctor"
READ = "cfsigned_django.tools.doctor.examination.read_account"


@pytest.fixture
def signing_site(site: Any, db: None) -> Any:
    """Return a site that can sign, with no AWS behind it."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    keyring.forget()  # what an earlier test has left in the database
    return site


@pytest.fixture
def world(signing_site: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a site whose files are private and whose links work."""
    world = World(settings=signing_site)
    monkeypatch.setattr(READ, lambda clients, wanted: world.account)
    signing_site.AWS_LOCATION = LOCATION
    signing_site.AWS_CLOUDFRONT_KEY = KEY.to_pem().decode()
    signing_site.AWS_CLOUDFRONT_KEY_ID = KEY_PAIR_ID
    signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP
    signing_site.AWS_STORAGE_BUCKET_NAME = BUCKET
    signing_site.AWS_S3_REGION_NAME = "us-east-1"
    return world


@pytest.fixture
def online(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Connect the command to a healthy site and its edge."""
    monkeypatch.setattr(f"{MODULE}.make_clients", lambda **_: clients_of_nobody())
    monkeypatch.setattr(f"{MODULE}.fetch", world.fetch)
    monkeypatch.setattr(f"{MODULE}.time", mock.Mock(time=lambda: NOW))
    return world
