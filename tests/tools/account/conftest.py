"""Give every test here a separate account of the emulator, apart from this machine's own."""

from __future__ import annotations

import pytest

from tests.plugins_aws import (
    aws_account as aws_account,
    bucket_name as bucket_name,
    clients as clients,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)


@pytest.fixture(autouse=True)
def _apart(no_aws_configuration: None) -> None:
    """Keep every test here apart from the machine's own AWS configuration."""
