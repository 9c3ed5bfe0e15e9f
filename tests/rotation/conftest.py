"""Give the tests of the rotation a site, and keep them apart from this machine's AWS settings."""

from __future__ import annotations

import pytest

from tests.plugins_aws import (
    aws_account as aws_account,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.rotation import Site


@pytest.fixture(autouse=True)
def _apart(no_aws_configuration: None) -> None:
    """Keep every test here apart from the machine's own AWS configuration."""


@pytest.fixture
def key_group(db: None) -> Site:
    """Return a key group that holds a key of somebody else."""
    return Site()
