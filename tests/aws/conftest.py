"""Give every test here an account of its own, apart from the machine's AWS configuration."""

from __future__ import annotations

import pytest

from tests.aws.api import Account
from tests.aws.provisioning.fixtures import (
    _apart as _apart,
    aws_account as aws_account,
    bucket_name as bucket_name,
    clients as clients,
    desired as desired,
    grown as grown,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.simulation.strict_cloudfront import StrictCloudFront


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
