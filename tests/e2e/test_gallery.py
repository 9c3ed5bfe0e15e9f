"""The gallery and its uploads in a browser."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo group")

from playwright.sync_api import expect

from tests.demo_project import jpeg

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PICTURES = 12

LOAD_ALL = """async () => {
  const pictures = [...document.querySelectorAll('main img')];
  pictures.forEach((picture) => { picture.loading = 'eager'; });
  await Promise.all(pictures.map((picture) => picture.decode()));
  return pictures.map((picture) => [picture.src, picture.naturalWidth,
    picture.closest('a').textContent.trim()]);
}"""

DROP = """async ([name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const send = (kind) => document.body.dispatchEvent(
    new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  send('dragenter');
  const shown = !document.querySelector('[data-curtain]').hidden;
  send('dragover');
  send('drop');
  return shown;
}"""


@pytest.fixture
def quiet(page: Page) -> Iterator[Page]:
    """Return a page, and fail if its console has an error or a warning in the end."""
    said: list[str] = []
    page.on("console", lambda line: said.append(f"{line.type}: {line.text}"))
    page.on("pageerror", lambda error: said.append(f"exception: {error}"))
    yield page
    assert [line for line in said if not line.startswith(("log", "info", "debug"))] == []


def test_a_phone_shows_what_each_request_gets(page: Page, site: str) -> None:
    """Show one answer that opens and three that refuse above the button that tries them."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(site)
    answers = page.locator(".fates").inner_text()
    assert re.findall("200|403", answers) == ["200", "403", "403", "403"]


def test_the_gallery(quiet: Page, site: str, tmp_path: Path) -> None:
    """Show pictures through the edge, count down, take uploads by form and drop, and notice age."""
    quiet.goto(site)
    shown = quiet.evaluate(LOAD_ALL)
    assert len(shown) >= PICTURES
    for source, width, text in shown:
        assert "Signature=" in source
        assert not source.startswith(site)
        assert width > 0
        assert text
    expect(quiet.locator(".mosaic time").first).to_have_text(re.compile("^1:2[0-8]$"))

    file = tmp_path / "우리 집 사진.jpg"
    file.write_bytes(jpeg((600, 400)))
    quiet.locator("input[type=file]").set_input_files(file)
    expect(quiet.locator(".mosaic .caption").first).to_have_text("우리 집 사진")
    assert quiet.evaluate(LOAD_ALL)[0][1] == 600
    content = base64.b64encode(jpeg((500, 500), "PNG")).decode()
    assert quiet.evaluate(DROP, ["dropped.png", "image/png", content])
    expect(quiet.locator(".mosaic .caption").first).to_have_text("dropped")
    assert quiet.evaluate(LOAD_ALL)[0][1] == 500

    quiet.clock.install()
    quiet.goto(site)
    expect(quiet.locator("[data-stale]")).to_be_hidden()
    quiet.clock.run_for(301_000)
    expect(quiet.locator("[data-stale]")).to_be_visible()


def test_a_refused_upload_is_explained(page: Page, site: str) -> None:
    """Say in place, and by name, which dropped file is not a picture."""
    page.goto(site)
    page.evaluate(DROP, ["notes.jpg", "image/jpeg", base64.b64encode(b"no picture").decode()])
    expect(page.get_by_role("alert")).to_contain_text("“notes.jpg”")


def test_everything_works_without_scripts(
    browser: Browser, browser_name: str, site: str, tmp_path: Path
) -> None:
    """Upload, look, and ask the edge with JavaScript turned off."""
    if browser_name != "chromium":
        pytest.skip("Playwright turns scripts off in Chromium only, of the two that it drives here")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site)
    expect(page.locator(".mosaic time").first).to_have_text(re.compile("^until [0-9:]{8}$"))
    file = tmp_path / "plain.jpg"
    file.write_bytes(jpeg())
    page.get_by_label("Add pictures").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("link", name="plain").first.click()
    page.get_by_role("button", name="Try it Without a signature").click()
    expect(page.locator("#unsigned .verdict")).to_contain_text("403 MissingKey")
    context.close()
