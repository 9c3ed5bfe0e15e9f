"""Give each test a site whose boto3 is configured for the emulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from cfsigned_django.aws.account_reader import read_account
from cfsigned_django.aws.client import Clients
from cfsigned_django.management.commands import cfsigned_setup
from tests.ministack_server import Ministack
from tests.setup.viewers import ACCOUNT, Viewer, nobody_answers


@pytest.fixture
def clients(data_plane_clients: Clients) -> Clients:
    """Return the clients of the account whose files the data plane serves."""
    return data_plane_clients


@pytest.fixture(autouse=True)
def _site(
    ministack: Ministack,
    clients: Clients,
    bucket_name: str,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    no_aws_configuration: None,
) -> None:
    """Configure boto3 for the emulator, and send the requests of the proof to the edge."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not checked")
    monkeypatch.chdir(tmp_path)
    settings.AWS_STORAGE_BUCKET_NAME = bucket_name
    viewer = Viewer(
        endpoint_url=ministack.endpoint_url,
        clients=clients,
        read=lambda: read_account(
            clients,
            bucket=settings.AWS_STORAGE_BUCKET_NAME,
            distribution_id=getattr(settings, "AWS_CLOUDFRONT_DISTRIBUTION_ID", None),
        ),
    )
    monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(viewer))


@pytest.fixture
def unanswered(_site: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the requests of the proof without an answer."""
    monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(nobody_answers))


@pytest.fixture
def unmigrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the database have no table of key pairs."""
    monkeypatch.setattr(connection.introspection, "table_names", list)
