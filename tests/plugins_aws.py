"""Give tests an AWS account in an emulator, and keep them apart from real ones.

A conftest imports the fixtures to enable them.
"""

from __future__ import annotations

import os

import boto3
import pytest

from cfsigned_django.aws.client import Clients
from tests.ministack_server import MinistackHere

ACCOUNT = "111111111111"


def hide_aws_configuration(patch: pytest.MonkeyPatch) -> None:
    """Hide whatever AWS configuration this machine has, and what boto3.client() keeps of it."""
    patch.setattr(boto3, "DEFAULT_SESSION", None)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    patch.setenv("AWS_CONFIG_FILE", os.devnull)


@pytest.fixture
def no_aws_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide whatever AWS configuration this machine has."""
    hide_aws_configuration(monkeypatch)


@pytest.fixture
def ministack(emulator: MinistackHere) -> MinistackHere:
    """Return the emulator, in whose accounts there is nothing."""
    emulator.empty()
    return emulator


@pytest.fixture
def aws_account() -> str:
    """Return the id of an account in the emulator."""
    return ACCOUNT


@pytest.fixture
def clients(ministack: MinistackHere, aws_account: str) -> Clients:
    """Return the clients of an empty account."""
    return ministack.clients(aws_account)


@pytest.fixture
def bucket_name(aws_account: str) -> str:
    """Return the name of a bucket: all accounts share the names."""
    return f"media-{aws_account}"
