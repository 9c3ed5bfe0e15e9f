"""Run the demo for the browser tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest

from demo_project.servers import manage_command
from demo_project.state import BASE_FOLDER, HOST, LINK_VARIABLE, PREFERRED_PORTS, DemoState
from tests.background import free_port, opens, running
from tests.plugins_browser import (
    browser as browser,
    browser_type_launch_args as browser_type_launch_args,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test of this folder, so that none forgets it."""
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoState]:
    """Run a demo in a new folder for all tests: a start costs more than most of them."""
    from demo_project.run import running_demo

    # Not the ports that every demo of this machine would like to have.
    ports = {name: free_port() for name in PREFERRED_PORTS}
    with (
        mock.patch("demo_project.state.PREFERRED_PORTS", ports),
        running_demo(tmp_path_factory.mktemp("demo"), quiet=True) as demo,
    ):
        yield demo.state


@contextmanager
def another_site(state: DemoState, *, link_seconds: int) -> Iterator[str]:
    """Run the site of the demo a second time, with links that live so long; give its address."""
    place = f"{HOST}:{free_port()}"
    command = manage_command(
        state,
        "another",
        *("runserver", "--noreload", "--insecure", place),
        variables={LINK_VARIABLE: str(link_seconds)},
    )
    with running(
        command.arguments,
        is_ready=lambda: opens(f"http://{place}"),
        log=command.log,
        folder=BASE_FOLDER,
        environment=command.environment,
    ):
        yield f"http://{place}"


@pytest.fixture(scope="session")
def site(state: DemoState) -> str:
    """Return the address of the site, with no slash at its end."""
    return state.address("site")


@pytest.fixture(scope="session")
def base_url(site: str) -> str:
    """Replace the fixture of the same name, whose form pytest 9 deprecates."""
    return site
