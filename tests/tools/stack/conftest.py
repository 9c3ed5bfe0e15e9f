"""Give each test a site whose boto3 is configured for the emulator."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from cfsigned_django.core.aws.client import Clients
from cfsigned_django.management.commands import cfsigned_setup
from tests.ministack_server import MinistackHere
from tests.plugins_aws import ministack as ministack
from tests.tools.setup.viewers import ACCOUNT, configure
from tests.tools.stack import BUCKET
from tests.tools.stack.before import TellsBefore


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """The account of the site, and its CloudFormation."""

    clients: Clients
    cloudformation: Any


def emptied(emulator: MinistackHere) -> None:
    """Forget all that is in any account, with the stacks."""
    emulator.empty()
    module = import_module("ministack.services.cloudformation")
    for name in ("_stacks", "_stack_events", "_exports", "_change_sets"):
        getattr(module, name)._data.clear()


@pytest.fixture(scope="session")
def shared_aws(emulator: MinistackHere) -> Aws:
    """Return the clients of one account, for all tests: they are slow to make."""
    # The emulator imports the module at its first call: it takes some seconds.
    module = import_module("ministack.services.cloudformation")
    client = emulator.client("cloudformation", account=ACCOUNT)
    return Aws(clients=emulator.clients(ACCOUNT), cloudformation=TellsBefore(client, module))


@pytest.fixture
def aws(
    ministack: MinistackHere,
    shared_aws: Aws,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Aws:
    """Configure boto3 for an empty account, and answer the requests of the proof by the edge."""
    emptied(ministack)
    configure(ministack, shared_aws.clients, settings, monkeypatch)
    made = {"s3": shared_aws.clients.s3, "cloudformation": shared_aws.cloudformation}
    monkeypatch.setattr(cfsigned_setup, "make_client", lambda name, **given: made[name])
    monkeypatch.setattr(cfsigned_setup, "make_clients", lambda **given: shared_aws.clients)
    monkeypatch.setattr(cfsigned_setup.Command, "sleep", staticmethod(lambda seconds: None))
    monkeypatch.chdir(tmp_path)
    settings.AWS_STORAGE_BUCKET_NAME = BUCKET
    return shared_aws


@pytest.fixture
def unmigrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the table of key pairs in the database."""
    monkeypatch.setattr(connection.introspection, "table_names", list)
