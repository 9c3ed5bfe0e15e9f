"""Give every test here a separate account of the emulator, apart from this machine's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cfsigned_django.aws.client import Clients
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.account.state.wanted import SiteKey, Wanted
from tests.ministack_server import MinistackHere
from tests.plugins_aws import (
    bucket_name as bucket_name,
    hide_aws_configuration,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.tools.account.state.accounts import APP, make_grown_account, provisioner
from tests.tools.account.state.strict import strict
from tests.tools.setup.viewers import ACCOUNT


@pytest.fixture(scope="session")
def aws_account() -> str:
    """Return the id of the account whose files the emulator's data plane serves."""
    return ACCOUNT


@pytest.fixture(autouse=True)
def _apart(no_aws_configuration: None) -> None:
    """Keep every test here apart from the machine's own AWS configuration."""


@pytest.fixture
def clients(ministack: MinistackHere, aws_account: str) -> Clients:
    """Return the clients of an empty account; they ask again only after a change."""
    return ministack.remembering(aws_account)


@pytest.fixture
def desired(bucket_name: str, ec_key: PrivateKey) -> Wanted:
    """Return the desired state for a new distribution with CORS."""
    return Wanted(
        bucket=bucket_name,
        creates_distribution=True,
        cors_origins=(APP,),
        key=SiteKey.from_public_key(ec_key.public_key),
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


@pytest.fixture(scope="session")
def set_up_state(emulator: MinistackHere, ec_key: PrivateKey) -> tuple[bytes, Wanted]:
    """Set up a new distribution with CORS; return the state of AWS, and the desired state."""
    emulator.empty()
    with pytest.MonkeyPatch.context() as patch:
        hide_aws_configuration(patch)
        clients = emulator.remembering(ACCOUNT)
    key = SiteKey.from_public_key(ec_key.public_key)
    desired = Wanted(bucket="media-set-up", creates_distribution=True, cors_origins=(APP,), key=key)
    provisioner(strict(clients), desired).apply()
    return emulator.state(), desired


@pytest.fixture
def set_up(ministack: MinistackHere, set_up_state: tuple[bytes, Wanted]) -> Wanted:
    """Return the desired state of an account in which everything is as it must be."""
    state, desired = set_up_state
    ministack.restore(state)
    return desired
