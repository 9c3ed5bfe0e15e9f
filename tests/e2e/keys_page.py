"""Log in to the page of the signing keys, and take the steps that it offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo_project.run import KEYS_PATH

if TYPE_CHECKING:
    from playwright.sync_api import Page


def log_in(page: Page, address: str, name: str, password: str) -> None:
    """Open the page of the signing keys as somebody who has to log in first."""
    page.goto(address + KEYS_PATH)
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Signing key pairs").wait_for()


def press(page: Page, step: str) -> None:
    """Press the button of a step, and the one of its page that says what will happen."""
    page.get_by_role("link", name=step).click()
    page.get_by_role("button", name=step).click()
