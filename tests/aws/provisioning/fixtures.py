"""Give the tests of the setup an empty account in the emulator."""

from __future__ import annotations

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.provisioning.desired_state import DesiredState
from cfsigned_django.signing import PrivateKey
from tests.aws.provisioning.accounts import (
    APP,
    clients_of,
    make_grown_account,
    site_key,
)
from tests.ministack_server import Ministack
from tests.plugins_aws import (
    aws_account as aws_account,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)


@pytest.fixture(autouse=True)
def _apart(no_aws_configuration: None) -> None:
    """Keep every test here apart from the machine's own AWS configuration."""


@pytest.fixture
def clients(ministack: Ministack, aws_account: str) -> Clients:
    """Return the clients of an empty account."""
    return clients_of(ministack, aws_account)


@pytest.fixture
def bucket_name(aws_account: str) -> str:
    """Return the name of a bucket for this test alone: all accounts share the names."""
    return f"media-{aws_account}"


@pytest.fixture
def desired(bucket_name: str, ec_key: PrivateKey) -> DesiredState:
    """Return the desired state for a new distribution with CORS."""
    return DesiredState(
        bucket=bucket_name,
        creates_distribution=True,
        cors_origins=(APP,),
        key=site_key(ec_key),
    )


@pytest.fixture
def grown(clients: Clients, bucket_name: str, ec_key: PrivateKey) -> DesiredState:
    """Return the desired state for media/* of a distribution that somebody has made by hand."""
    return DesiredState(
        bucket=bucket_name,
        distribution_id=make_grown_account(clients, bucket_name),
        path_pattern="media/*",
        cors_origins=(APP,),
        key=site_key(ec_key),
    )
