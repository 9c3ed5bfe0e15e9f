"""Log in to the page of the signing keys, and take the steps that it offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo_project.run import KEYS_PATH

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def log_in(page: Page, address: str, name: str, password: str) -> None:
    """Open the page of the signing keys as somebody who has to log in first."""
    page.goto(address + KEYS_PATH)
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(password)
    page.locator("[type=submit]").click()
    page.locator("#cfsigned-overview").wait_for()


def button(page: Page, step: str) -> Locator:
    """Return the button of a step; there is none as long as the step is not due."""
    return page.locator(f'[id^="cfsigned-{step}-"]')


def press(page: Page, step: str) -> None:
    """Press the button of a step, and the one of its page that says what will happen."""
    button(page, step).click()
    if step != "import":
        page.locator(".cfsigned-step button[type=submit]").click()
