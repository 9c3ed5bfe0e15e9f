"""Prepare what simulated processes share, and keep the seeds that show the mutations."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.simulation.mutations import read_seeds, write_seeds


@pytest.fixture
def shared_database(transactional_db: None) -> Iterator[None]:
    """Share this thread's database connection with those of simulated processes.

    Transactions are real: nothing is wrapped round them, as Django's TestCase does.
    """
    connection.ensure_connection()
    connection.inc_thread_sharing()
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
    connection.dec_thread_sharing()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what no stored seed shows any more, and store it if SIMULATION_RECORD=1 asks for it."""
    passed: list[pytest.TestReport] = terminalreporter.getreports("passed")
    noted: list[Any] = [each for report in passed for _, each in report.user_properties]
    others = {name: (rule, seed) for name, rule, seed in noted}
    for name, (rule, seed) in others.items():
        terminalreporter.write_line(f"Not what seeds.json has: {rule} {seed:5} {name}")
    if others and os.environ.get("SIMULATION_RECORD") == "1":
        write_seeds(read_seeds() | others)
