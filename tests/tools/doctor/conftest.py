"""Give the tests of the doctor a healthy site, in an emulator that holds nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, TypeAlias
from unittest import mock

import pytest
from django.test import override_settings

from cfsigned_django import keyring
from cfsigned_django.aws.client import Clients
from cfsigned_django.signing import PrivateKey
from tests.aws.failing import Failing, denied
from tests.checks.conftest import fields as fields
from tests.conftest import Settings
from tests.ministack_server import MinistackHere
from tests.plugins_aws import (
    ACCOUNT,
    aws_account as aws_account,
    hide_aws_configuration,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.storage_cases import S3_BACKEND
from tests.tools.doctor.values import Values
from tests.tools.doctor.world import LOCATION, NOW, Change, World

MODULE = "cfsigned_django.management.commands.cfsigned_doctor"
#: Gives a block a healthy site, changed.
Seeded: TypeAlias = Callable[[Change], AbstractContextManager[Values]]


def stacks_of_nobody(region: str) -> Any:
    """Return a client of CloudFormation that may not be asked."""
    return Failing(mock.Mock(), denied)


@pytest.fixture
def signing_site(site: Any, db: None) -> Any:
    """Return a site that can sign, with no AWS behind it."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    keyring.forget()  # what an earlier test has left in the database
    return site


@pytest.fixture(scope="session")
def clients(emulator: MinistackHere) -> Clients:
    """Return the clients of one account, for all tests: they are slow to make."""
    with pytest.MonkeyPatch.context() as patch:
        hide_aws_configuration(patch)
        return replace(emulator.remembering(ACCOUNT), cloudformation=stacks_of_nobody)


@pytest.fixture(scope="session")
def built(emulator: MinistackHere, clients: Clients, ec_key: PrivateKey) -> tuple[bytes, World]:
    """Build a site at AWS; return the state of AWS, and the site."""
    emulator.empty()
    world = World(clients=clients, bucket="doctor-media", key=ec_key)
    world.build()
    return emulator.state(), world


@pytest.fixture
def world(
    site: Any,
    db: None,
    no_aws_configuration: None,
    built: tuple[bytes, World],
    ministack: MinistackHere,
) -> World:
    """Return a site whose files are private and whose links work."""
    state, found = built
    ministack.restore(state)
    world = replace(found, options={})
    configure_site(world, site)
    return world


@pytest.fixture
def seeded(site: Any, db: None, ec_key: PrivateKey) -> Seeded:
    """Return what changes the same site, as a value, and its settings, for one block."""
    healthy = Values(clients=mock.Mock(), bucket="doctor-media", key=ec_key)
    healthy.build()
    configure_site(healthy, site)

    @contextmanager
    def seed(change: Change) -> Iterator[Values]:
        layer = override_settings(STORAGES=site.STORAGES)  # the storages are made anew
        with layer:
            values = replace(healthy, options={})
            change(values, Settings(layer))
            yield values

    return seed


def configure_site(world: World, site: Any) -> None:
    """Give a site its settings."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    site.AWS_LOCATION = LOCATION
    site.AWS_CLOUDFRONT_KEY = world.key.to_pem().decode()
    site.AWS_CLOUDFRONT_KEY_ID = world.key_pair_id
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = world.key_group_id
    site.AWS_STORAGE_BUCKET_NAME = world.bucket
    site.AWS_S3_REGION_NAME = "us-east-1"
    # The emulator's key groups have ids that look like those of public keys.
    site.SILENCED_SYSTEM_CHECKS = ["cfsigned.W004"]


@pytest.fixture
def online(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Connect the command to the emulator and the edge of a healthy site."""
    monkeypatch.setattr(f"{MODULE}.make_clients", lambda **_: world.let_requests_in())
    monkeypatch.setattr(f"{MODULE}.make_client", lambda name: world.clients.cloudfront)
    monkeypatch.setattr(f"{MODULE}.fetch", world.fetch)
    monkeypatch.setattr(f"{MODULE}.time", mock.Mock(time=lambda: NOW))
    return world
