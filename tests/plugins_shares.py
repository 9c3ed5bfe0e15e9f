"""Let each of several workers collect and run its share of the test files.

Else each worker of pytest-xdist collects every file, and in a fresh clone each compiles them all:
with three workers, half a minute of processor time for nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import EachScheduling

#: The files that other workers run.
OTHERS = pytest.StashKey[set[Path]]()


def pytest_configure(config: pytest.Config) -> None:
    """Deal the files out, in the order of their names."""
    config.stash[OTHERS] = set()
    if worker := getattr(config, "workerinput", None):
        files = sorted(config.rootpath.joinpath("tests").rglob("test_*.py"))
        number = int(worker["workerid"].removeprefix("gw"))
        config.stash[OTHERS] = set(files) - set(files[number :: worker["workercount"]])


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip the files of the other workers."""
    return True if collection_path in config.stash[OTHERS] else None


class ShareScheduling(EachScheduling):
    """Let each worker run what it has collected."""

    def schedule(self) -> None:
        """Start the workers, and take the sum of their tests for the whole of the progress."""
        super().schedule()
        session: Any = self.config.pluginmanager.getplugin("session")
        session.testscollected = sum(map(len, self.node2collection.values()))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ShareScheduling:
    """Replace the scheduling of pytest-xdist, which wants the same tests of each worker."""
    return ShareScheduling(config, log)
