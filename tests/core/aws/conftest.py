"""Give every test here a separate account."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.aws import Account
from tests.ministack_server import MinistackHere
from tests.plugins_aws import (
    ACCOUNT,
    aws_account as aws_account,
    clients as clients,
    ministack as ministack,
)
from tests.simulation.strict_cloudfront import StrictCloudFront


@pytest.fixture(scope="session")
def cloudfront(emulator: MinistackHere) -> Any:
    """Return a client for all tests of the calls to CloudFront: it is slow to make."""
    return emulator.client("cloudfront", account=ACCOUNT)


@pytest.fixture(params=["simulation", "emulator"])
def account(request: pytest.FixtureRequest) -> Account:
    """Return an empty account whose key groups may hold 9 keys, simulated and in the emulator."""
    if request.param == "simulation":
        # The emulator has no quotas: the tests of both stay below these.
        return Account(api=StrictCloudFront(keys_per_group=9, keys_per_account=20))
    request.getfixturevalue("ministack")
    return Account(api=request.getfixturevalue("cloudfront"))


@pytest.fixture
def strict_account() -> Account:
    """Return an empty account with the quotas of AWS, which the emulator does not have."""
    return Account(api=StrictCloudFront())
