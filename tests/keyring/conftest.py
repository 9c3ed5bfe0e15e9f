"""Give the tests of the look-up a process, and what it logs."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from tests.keyring.lookup import Process


@pytest.fixture
def process() -> Process:
    """Return a process that has just started."""
    return Process()


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return what was logged since the last call."""

    def take() -> list[str]:
        found = [each.getMessage() for each in caplog.records]
        caplog.clear()
        return found

    caplog.set_level(logging.INFO, "cfsigned_django.keyring")
    return take
