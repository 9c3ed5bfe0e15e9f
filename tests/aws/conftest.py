"""Give every test here a separate account, apart from the machine's AWS configuration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.aws.state.wanted import SiteKey, Wanted
from cfsigned_django.signing import PrivateKey
from tests.aws.api import Account
from tests.aws.state.accounts import APP, make_grown_account
from tests.plugins_aws import (
    aws_account as aws_account,
    bucket_name as bucket_name,
    clients as clients,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.simulation.strict_cloudfront import StrictCloudFront


@pytest.fixture(autouse=True)
def _apart(no_aws_configuration: None) -> None:
    """Keep every test here apart from the machine's own AWS configuration."""


@pytest.fixture(params=["simulation", "emulator"])
def account(request: pytest.FixtureRequest) -> Account:
    """Return an empty account whose key groups may hold 9 keys, simulated and in the emulator."""
    if request.param == "simulation":
        # The emulator has no quotas: the tests of both stay below these.
        return Account(api=StrictCloudFront(keys_per_group=9, keys_per_account=20))
    server = request.getfixturevalue("ministack")
    return Account(api=server.client("cloudfront", account=request.getfixturevalue("aws_account")))


@pytest.fixture
def strict_account() -> Account:
    """Return an empty account with the quotas of AWS, which the emulator does not have."""
    return Account(api=StrictCloudFront())


@pytest.fixture
def desired(bucket_name: str, ec_key: PrivateKey) -> Wanted:
    """Return the desired state for a new distribution with CORS."""
    return Wanted(
        bucket=bucket_name,
        creates_distribution=True,
        cors_origins=(APP,),
        key=SiteKey.from_private_key(ec_key),
    )


@pytest.fixture
def grown(clients: Clients, desired: Wanted) -> Wanted:
    """Return the desired state for media/* of a distribution that was made by hand."""
    distribution_id = make_grown_account(clients, desired.bucket)
    return replace(
        desired,
        creates_distribution=False,
        distribution_id=distribution_id,
        path_pattern="media/*",
    )
