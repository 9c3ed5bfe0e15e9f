"""Run each test that takes an ``account`` twice: over the simulation and over the emulator."""

from __future__ import annotations

import pytest

from tests.aws.api import Account
from tests.plugins_aws import (
    aws_account as aws_account,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.simulation.strict_cloudfront import StrictCloudFront


@pytest.fixture(autouse=True)
def _apart(no_aws_configuration: None) -> None:
    """Keep every test here apart from the machine's own AWS configuration."""


@pytest.fixture(params=["simulation", "emulator"])
def account(request: pytest.FixtureRequest) -> Account:
    """Return an empty account whose key groups may hold 9 keys."""
    if request.param == "simulation":
        # The emulator has no quotas: the tests of both stay below these.
        return Account(api=StrictCloudFront(keys_per_group=9, keys_per_account=20))
    server = request.getfixturevalue("ministack")
    return Account(api=server.client("cloudfront", account=request.getfixturevalue("aws_account")))


@pytest.fixture
def strict_account() -> Account:
    """Return an empty account with the quotas of AWS, which the emulator does not have."""
    return Account(api=StrictCloudFront())
