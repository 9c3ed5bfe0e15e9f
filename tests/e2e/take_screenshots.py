"""Take the pictures of the demo in docs/images again, with those of the README.

Not among the tests, as its name says. It is run by hand after the demo has changed:
``python -m pytest tests/e2e/take_screenshots.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from demo_project.run import running_demo
from demo_project.state import ADMIN_NAME, DemoState
from tests.e2e import log_in_to_admin, log_in_to_watch, play, played, press
from tests.pictures import write

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoState]:
    """Run a demo at the ports that its readers have."""
    with running_demo(tmp_path_factory.mktemp("demo"), quiet=True) as demo:
        yield demo.state


@pytest.mark.parametrize(
    ("name", "path", "width", "height"),
    [
        ("gallery", "/", 1240, 860),
        ("gallery-dark", "/", 1240, 860),
        ("gallery.ko", "/", 1240, 860),
        ("gallery-dark.ko", "/", 1240, 860),
        ("detail", "", 1240, 900),
        ("detail.ko", "", 1240, 900),
        ("documents", "/documents/", 1240, 720),
        ("thumbnails", "/thumbnails/", 1240, 900),
        ("phone", "/", 390, 844),
    ],
)
def test_page(browser: Browser, site: str, name: str, path: str, width: int, height: int) -> None:
    """A page as somebody finds it; of a picture's own page, what the edge answered."""
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if "dark" in name or name == "phone" else "light",
        locale="ko" if name.endswith(".ko") else "en",
    )
    page.goto(site + "/")
    page.goto(site + (path or page.locator(".mosaic a").first.get_attribute("href") or ""))
    page.wait_for_load_state("networkidle")
    if name == "thumbnails":
        # The second visit with the same links: that is what the page is about.
        for _ in range(3):
            page.reload()
            page.locator("[data-final]").wait_for()
            if page.locator('[data-final="0"]').count():
                break
    if name.startswith("detail"):
        for button in page.locator("form[data-ask] button").all():
            button.click()
        page.locator(".attempt:nth-child(5) .verdict").wait_for()
        page.locator("#try").evaluate("element => element.scrollIntoView()")
        page.wait_for_timeout(600)
    write(name, page)


@pytest.mark.parametrize(("name", "language"), [("video", "en"), ("video.ko", "ko")])
def test_film(browser: Browser, state: DemoState, name: str, language: str) -> None:
    """The page of the film while a member watches it."""
    page = browser.new_page(viewport={"width": 1240, "height": 900}, locale=language)
    page.goto(f"{state.app_address}/video/")
    log_in_to_watch(page, "mina")
    play(page)
    played(page, seconds=10)
    write(name, page)


def test_keys(browser: Browser, state: DemoState) -> None:
    """The page of the keys after a rotation to ECDSA, while the previous key is retiring.

    Each README shows it in its language, and in the colors of its reader.
    """
    for language, suffix in (("en", ""), ("ko", ".ko")):
        page = browser.new_page(viewport={"width": 1240, "height": 900}, locale=language)
        log_in_to_admin(page, state.address("site"), ADMIN_NAME, state.admin_password)
        if language == "en":
            for step in ("import", "start", "trust", "activate"):
                press(page, step)
            page.reload()  # without the message, which is shown once
        write(f"demo-keys{suffix}", page, full_page=True)
        page.emulate_media(color_scheme="dark")
        page.wait_for_timeout(600)  # links fade from one color to the other
        write(f"demo-keys-dark{suffix}", page, full_page=True)
