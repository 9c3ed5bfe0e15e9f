"""Run the demo for the browser tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from demo_project.state import PREFERRED_PORTS, DemoState
from tests.background import free_port
from tests.plugins_browser import (
    browser as browser,
    browser_type_launch_args as browser_type_launch_args,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test of this folder, so that none forgets it."""
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)


@contextmanager
def demo_in(folder: Path, **variables: str) -> Iterator[DemoState]:
    """Run the demo in a new folder, under these variables; give where everything is."""
    from demo_project.run import running_demo

    # Not the ports that every demo of this machine would like to have.
    ports = {name: free_port() for name in PREFERRED_PORTS}
    with (
        mock.patch("demo_project.state.PREFERRED_PORTS", ports),
        mock.patch.dict(os.environ, variables),
        running_demo(folder, quiet=True) as demo,
    ):
        yield demo.state


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoState]:
    """Run a demo for all tests that have no wishes."""
    with demo_in(tmp_path_factory.mktemp("demo")) as state:
        yield state


@pytest.fixture(scope="session")
def site(state: DemoState) -> str:
    """Return the address of the site, with no slash at its end."""
    return state.address("site")


@pytest.fixture(scope="session")
def base_url(site: str) -> str:
    """Replace the fixture of the same name, whose form pytest 9 deprecates."""
    return site
