"""Rotate under load on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.processes.scenarios import Scenarios

pytestmark = pytest.mark.processes


class TestPostgreSQL(Scenarios):
    """Run every scenario on PostgreSQL."""

    database = "postgresql"
