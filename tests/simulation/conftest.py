"""Prepare the database and the processes of the simulation, and tell how far it is."""

from __future__ import annotations

import json
import logging
import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.simulation.mutations import MUTATIONS, SEEDS, read_seeds
from tests.simulation.processes import Process


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


class Progress:
    """Print how many schedules are done, and at the end what was found and what happened."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._began = time.monotonic()
        self._seen: Counter[str] = Counter()
        self._mutations = 0
        #: What was searched because no stored seed showed it.
        self._seeds: dict[str, int] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what one test counted, or found."""
        if report.when != "call":
            return
        properties: dict[str, Any] = dict(report.user_properties)
        self._mutations += "mutation" in properties
        self._seeds.update([properties["seed"]] if "seed" in properties else [])
        if "simulation" in properties:
            self._seen.update(properties["simulation"])
            spent = time.monotonic() - self._began
            self._print(f" {self._seen['schedules']} schedules, {spent:.0f} s")

    def pytest_terminal_summary(self) -> None:
        """Print what was counted; write seeds that were searched, or say what to do with them."""
        if self._mutations:
            self._print(f"\nsimulation: {self._mutations} mutations of {len(MUTATIONS)} were found")
        if self._seeds and os.environ.get("SIMULATION_RECORD") == "1":
            seeds = {**read_seeds(), **self._seeds}
            SEEDS.write_text(json.dumps(seeds, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        elif self._seeds:
            self._print(f"The seeds of {len(self._seeds)} mutations in seeds.json are others now:")
            for name, seed in self._seeds.items():
                self._print(f"  {seed:5} {name}")
        schedules = self._seen.pop("schedules", 0)
        if not schedules:
            return
        spent = time.monotonic() - self._began
        events = self._seen.pop("events")
        self._print(
            f"\nsimulation: {schedules} schedules in {spent:.0f} s ({schedules / spent:.0f} per "
            f"second), {events / schedules:.0f} events each. Share of schedules with:"
        )
        for kind, count in self._seen.most_common():
            self._print(f"  {100 * count / schedules:6.2f} %  {kind}")

    def _print(self, text: str) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(text)


def pytest_configure(config: pytest.Config) -> None:
    """Count in the process that prints, not in those that run tests for it."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config))
