"""Keep the tests of the commands apart from the machine's AWS configuration."""

from __future__ import annotations

import pytest

from tests.plugins_aws import no_aws_configuration as no_aws_configuration


@pytest.fixture(autouse=True)
def _apart(no_aws_configuration: None) -> None:
    """Hide whatever AWS configuration this machine has."""
