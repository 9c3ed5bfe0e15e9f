"""The views of the demo that are worth a picture, and how one is taken.

`python -m tests.e2e.views docs/images` starts a demo and writes them for the documentation.
"""

from __future__ import annotations

import io
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from demo_project.state import ADMIN_NAME, DemoState
from tests.e2e.film import play, played
from tests.e2e.keys_page import log_in, press
from tests.plugins_browser import CHROMIUM_ARGUMENTS, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# Read the documentation over a slow line: no picture is larger, in bytes.
MAX_BYTES = 300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One page at one size; `scroll_to` is the part to be at its top."""

    name: str
    path: str
    size: tuple[int, int]
    scroll_to: str = ""
    color_scheme: str = "light"


VIEWS = (
    View(name="gallery", path="/", size=(1240, 1080)),
    View(name="detail", path="", size=(1240, 900), scroll_to="#try"),
    View(name="documents", path="/documents/", size=(1240, 720)),
    View(name="thumbnails", path="/thumbnails/", size=(1240, 900)),
    View(name="phone", path="/", size=(390, 844), color_scheme="dark"),
)


def take(browser: Browser, site: str, view: View) -> bytes:
    """Return the view as a PNG of few colors."""
    context = browser.new_context(
        viewport={"width": view.size[0], "height": view.size[1]},
        color_scheme="dark" if view.color_scheme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(site + "/")
    page.goto(site + (view.path or first_picture(page)))
    page.wait_for_load_state("networkidle")
    if view.path == "/thumbnails/":
        # The second visit with the same links: that is what the page is about.
        for _ in range(3):
            page.reload()
            page.locator("[data-final]").wait_for()
            if page.locator('[data-final="0"]').count():
                break
    if view.scroll_to:
        for button in page.locator("form[data-ask] button").all():
            button.click()
        page.locator(".attempt:nth-child(5) .verdict").wait_for()
        page.locator(view.scroll_to).evaluate("element => element.scrollIntoView()")
        page.wait_for_timeout(600)
    content = page.screenshot(type="png")
    context.close()
    return shrunk(content)


def take_keys(browser: Browser, state: DemoState) -> bytes:
    """Rotate to ECDSA, and return the page of the keys while the former key is retiring."""
    page = browser.new_page(viewport={"width": 1240, "height": 900})
    log_in(page, state.address("site"), ADMIN_NAME, state.admin_password)
    for step in ("import", "start", "trust", "activate"):
        press(page, step)
    content = page.screenshot(type="png", full_page=True)
    page.close()
    return shrunk(content)


def take_film(browser: Browser, state: DemoState) -> bytes:
    """Return the page of the film while a member watches it."""
    page = browser.new_page(viewport={"width": 1240, "height": 900})
    page.goto(f"{state.app_address}/video/")
    page.get_by_role("button", name="Log in as mina").click()
    play(page)
    played(page, seconds=10)
    content = page.screenshot(type="png")
    page.close()
    return shrunk(content)


def first_picture(page: Page) -> str:
    """Return the path of the first picture of the gallery that is open."""
    return page.locator(".mosaic a").first.get_attribute("href") or ""


def shrunk(png: bytes) -> bytes:
    """Return the picture with as many colors as MAX_BYTES has room for."""
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    file = io.BytesIO()
    # From the finest to the smallest: dithering hides the bands in a sky, and takes room.
    dithered, plain = Image.Dither.FLOYDSTEINBERG, Image.Dither.NONE
    for colors, dither in ((256, dithered), (128, dithered), (256, plain), (64, plain)):
        file = io.BytesIO()
        palette = picture.quantize(colors)
        picture.quantize(palette=palette, dither=dither).save(file, "PNG", optimize=True)
        if file.tell() < MAX_BYTES:
            break
    return file.getvalue()


def main(folder: Path) -> None:
    """Start a demo in a temporary folder and write each view into the folder."""
    from playwright.sync_api import sync_playwright

    from demo_project.run import running_demo

    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        running_demo(Path(data), quiet=True) as demo,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        for view in VIEWS:
            content = take(browser, demo.state.address("site"), view)
            (folder / f"{view.name}.png").write_bytes(content)
            print(f"{folder / view.name}.png, {len(content)} bytes")
        (folder / "video.png").write_bytes(take_film(browser, demo.state))
        (folder / "demo-keys.png").write_bytes(take_keys(browser, demo.state))
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
