"""Give every test here a separate account of the emulator, apart from this machine's own."""

from __future__ import annotations

import pytest

from cfsigned_django.aws.client import Clients
from tests.ministack_server import MinistackHere
from tests.plugins_aws import (
    aws_account as aws_account,
    bucket_name as bucket_name,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)


@pytest.fixture(autouse=True)
def _apart(no_aws_configuration: None) -> None:
    """Keep every test here apart from the machine's own AWS configuration."""


@pytest.fixture
def clients(ministack: MinistackHere, aws_account: str) -> Clients:
    """Return the clients of an empty account; they ask again only after a change."""
    return ministack.remembering(aws_account)
