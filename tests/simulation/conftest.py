"""Prepare the processes of the simulation, and keep the seeds that show its mutations."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.simulation.mutations import read_seeds, write_seeds
from tests.simulation.world import Process


@pytest.fixture
def processes(transactional_db: None) -> Iterator[list[Process]]:
    """Return the threads of the simulated processes, which share this one's database connection.

    Transactions are real: nothing is wrapped round them, as Django's TestCase does.
    """
    connection.ensure_connection()
    connection.inc_thread_sharing()
    logging.disable(logging.CRITICAL)
    found = [Process(f"Rotator {number}") for number in range(3)]
    yield found
    for each in found:
        each.close()
    logging.disable(logging.NOTSET)
    connection.dec_thread_sharing()


class Seeds:
    """Write the seeds of mutations that no stored seed shows any more, or name them at the end."""

    def __init__(self) -> None:
        self._searched: dict[str, int] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what one test had to search."""
        properties: dict[str, Any] = dict(report.user_properties)
        if report.when == "call" and "seed" in properties:
            self._searched.update([properties["seed"]])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the seeds if SIMULATION_RECORD=1 asks for it."""
        stored = read_seeds()
        others = {name: seed for name, seed in self._searched.items() if stored.get(name) != seed}
        for name, seed in others.items():
            terminalreporter.write_line(f"Another seed than in seeds.json: {seed:5} {name}")
        if others and os.environ.get("SIMULATION_RECORD") == "1":
            write_seeds(stored | others)


def pytest_configure(config: pytest.Config) -> None:
    """Collect in the process that prints, not in those that run tests for it."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Seeds())
