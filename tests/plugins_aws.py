"""Give tests an AWS account in an emulator.

A conftest imports the fixtures to enable them.
"""

from __future__ import annotations

import boto3
import pytest

from cfsigned_django.core.aws.client import Clients
from tests.ministack_server import Ministack, MinistackHere

ACCOUNT = "111111111111"


def sign_in(
    patch: pytest.MonkeyPatch, aws: Ministack, access_key: str, secret_key: str = "not checked"
) -> None:
    """Show boto3 the emulator, as a site finds AWS; boto3.client() forgets whom it knew."""
    patch.setattr(boto3, "DEFAULT_SESSION", None)
    patch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)
    patch.setenv("AWS_ACCESS_KEY_ID", access_key)
    patch.setenv("AWS_SECRET_ACCESS_KEY", secret_key)


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
