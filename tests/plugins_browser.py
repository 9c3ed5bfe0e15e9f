"""Give tests the machine's own browsers, and patience with them.

The files of the browser tests import the fixtures to enable them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

#: In milliseconds: what comes in a second on a quiet machine took more than 30 on a busy one.
PATIENCE = 180_000


def chromium() -> str:
    """Return the path of the machine's Chromium; empty if there is none.

    The one without windows first, as Playwright itself would have it. To watch a test, with
    ``--headed``, set CHROMIUM to one with windows.
    """
    programs = ("chromium-headless-shell", "chromium", "chromium-browser")
    found = (path for name in programs if (path := shutil.which(name)))
    return os.environ.get("CHROMIUM") or next(found, "")


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], browser_name: str
) -> dict[str, Any]:
    """Launch the machine's own browser: playwright's are not downloaded."""
    engines: dict[str, dict[str, Any]] = {
        "chromium": {"executable_path": chromium(), "args": CHROMIUM_ARGUMENTS},
        # The channel is WebDriver BiDi: only playwright's own Firefox speaks its other protocol.
        "firefox": {
            "executable_path": shutil.which("firefox-esr") or shutil.which("firefox"),
            "channel": "moz-firefox",
        },
    }
    return {**browser_type_launch_args, **engines[browser_name]}


@pytest.fixture(scope="session")
def browser(django_db_setup: None, browser: Browser) -> Browser:
    """Make every page wait as long as a busy machine may need, whichever fixture opens it.

    The database comes first: Django makes none in a thread with an event loop, as Playwright has.
    """
    from playwright.sync_api import expect

    browser.on("context", lambda context: context.set_default_timeout(PATIENCE))
    expect.set_options(timeout=PATIENCE)
    return browser


@pytest.fixture(scope="session", autouse=True)
def queries_beside_a_browser() -> Iterator[None]:
    """Allow queries of the database: playwright's event loop lives as long as its browser."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield
