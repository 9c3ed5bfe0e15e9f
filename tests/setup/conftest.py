"""Give the tests of the setup an empty account in the emulator."""

from __future__ import annotations

import pytest

from cfsigned_django.aws.client import Clients
from tests.aws.provisioning.accounts import clients_of
from tests.aws.provisioning.fixtures import (
    _apart as _apart,
    aws_account as aws_account,
    bucket_name as bucket_name,
    clients as clients,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.ministack_server import Ministack
from tests.setup.viewers import ACCOUNT


@pytest.fixture
def data_plane_clients(ministack: Ministack) -> Clients:
    """Return the clients of the account whose files the data plane serves."""
    return clients_of(ministack, ACCOUNT)
