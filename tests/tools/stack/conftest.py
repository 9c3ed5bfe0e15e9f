"""Give tests an empty account whose CloudFormation works."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from cfsigned_django.aws.client import Clients
from tests.ministack_server import MinistackHere
from tests.plugins_aws import (
    ACCOUNT,
    hide_aws_configuration,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)

_STORES = ("_stacks", "_stack_events", "_exports", "_change_sets")


@pytest.fixture(scope="session")
def shared_clients(emulator: MinistackHere) -> tuple[Clients, Any]:
    """Return the clients of one account, for all tests: they are slow to make."""
    with pytest.MonkeyPatch.context() as patch:
        hide_aws_configuration(patch)
        return emulator.clients(ACCOUNT), emulator.client("cloudformation", account=ACCOUNT)


@pytest.fixture
def clients(ministack: MinistackHere, shared_clients: tuple[Clients, Any]) -> Clients:
    """Return the clients of an empty account."""
    return shared_clients[0]


@pytest.fixture
def cloudformation(ministack: MinistackHere, shared_clients: tuple[Clients, Any]) -> Any:
    """Return the client of CloudFormation in an account without stacks."""
    # The emulator imports the module at its first call: it takes some seconds.
    module = import_module("ministack.services.cloudformation")
    for name in _STORES:
        getattr(module, name).clear()
    return shared_clients[1]
