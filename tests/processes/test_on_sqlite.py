"""Rotate under load on SQLite."""

from __future__ import annotations

import pytest

from tests.processes.scenarios import Scenarios

pytestmark = pytest.mark.processes


class TestSQLite(Scenarios):
    """Run every scenario on SQLite."""

    database = "sqlite"
