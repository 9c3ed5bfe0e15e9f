"""Give tests an AWS account in an emulator, and keep them apart from real ones.

A conftest imports the fixtures to enable them.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from cfsigned_django.aws.client import Clients
from tests.ministack_server import Ministack, run_ministack

_accounts = itertools.count(1)


def hide_aws_configuration(patch: pytest.MonkeyPatch) -> None:
    """Hide whatever AWS configuration this machine has."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    patch.setenv("AWS_CONFIG_FILE", os.devnull)


@pytest.fixture
def no_aws_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide whatever AWS configuration this machine has."""
    hide_aws_configuration(monkeypatch)


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    """Return a running emulator, one per test process."""
    if find_spec("ministack") is None:
        pytest.skip("ministack is not installed: it holds boto3 back")
    with run_ministack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


@pytest.fixture
def aws_account() -> str:
    """Return the id of an empty account in the emulator, for one test."""
    return f"{next(_accounts):012d}"


@pytest.fixture
def clients(ministack: Ministack, aws_account: str) -> Clients:
    """Return the clients of an empty account."""
    return ministack.clients(aws_account)


@pytest.fixture
def bucket_name(aws_account: str) -> str:
    """Return the name of a bucket for this test alone: all accounts share the names."""
    return f"media-{aws_account}"
