"""Give the tests of the set-up an empty account in the emulator."""

from __future__ import annotations

import pytest

from cfsigned_django.aws.stack import Clients
from tests.ministack_server import Ministack
from tests.plugins_aws import (
    aws_account as aws_account,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.setup.accounts import clients_of


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
