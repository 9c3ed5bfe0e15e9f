"""Give the tests of the doctor a healthy site, whose account is a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, TypeAlias
from unittest import mock

import pytest
from django.test import override_settings

from cfsigned_django import keyring
from cfsigned_django.signing import PrivateKey
from tests.checks.conftest import fields as fields
from tests.conftest import Settings
from tests.plugins_aws import (
    aws_account as aws_account,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.storage_cases import S3_BACKEND
from tests.tools.doctor.world import (
    BUCKET,
    LOCATION,
    NOW,
    Change,
    World,
    clients_of_nobody,
    healthy_world,
)

MODULE = "cfsigned_django.management.commands.cfsigned_doctor"
READ = "cfsigned_django.tools.doctor.examination.read_account"
#: Gives a block a healthy site, changed.
Seeded: TypeAlias = Callable[[Change], AbstractContextManager[World]]


@pytest.fixture
def signing_site(site: Any, db: None) -> Any:
    """Return a site that can sign, with no AWS behind it."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    keyring.forget()  # what an earlier test has left in the database
    return site


@pytest.fixture
def world(signing_site: Any, ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a site whose files are private and whose links work."""
    world = healthy_world(ec_key)
    monkeypatch.setattr(READ, lambda clients, wanted: world.found(wanted))
    signing_site.AWS_LOCATION = LOCATION
    signing_site.AWS_CLOUDFRONT_KEY = ec_key.to_pem().decode()
    signing_site.AWS_CLOUDFRONT_KEY_ID = world.key_pair_id
    signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = world.key_group_id
    signing_site.AWS_STORAGE_BUCKET_NAME = BUCKET
    signing_site.AWS_S3_REGION_NAME = "us-east-1"
    return world


@pytest.fixture
def seeded(world: World, site: Any) -> Seeded:
    """Return what changes the same site, and its settings, for one block."""

    @contextmanager
    def seed(change: Change) -> Iterator[World]:
        layer = override_settings(STORAGES=site.STORAGES)  # the storages are made anew
        with layer:
            changed = replace(world, options={})
            change(changed, Settings(layer))
            yield changed

    return seed


@pytest.fixture
def online(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Connect the command to a healthy site and its edge."""
    monkeypatch.setattr(f"{MODULE}.make_clients", lambda **_: clients_of_nobody())
    monkeypatch.setattr(f"{MODULE}.fetch", world.fetch)
    monkeypatch.setattr(f"{MODULE}.time", mock.Mock(time=lambda: NOW))
    return world
