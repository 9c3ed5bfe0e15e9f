"""Send files from a browser to the S3 of the demo, by the CORS rule that the setup made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo group")

import boto3
from playwright.sync_api import expect

from demo_project.state import DemoState
from tests.demo_project import jpeg

if TYPE_CHECKING:
    from playwright.sync_api import Page

MEGABYTE = 2**20
#: Note each value of the bar, and press Cancel after a tenth if asked to.
WATCH = """(cancels) => {
  const bar = document.querySelector('progress');
  window.seen = [];
  new MutationObserver(() => {
    window.seen.push(bar.value);
    if (cancels && bar.value > 0.1) document.querySelector('[data-cancel]').click();
  }).observe(bar, {attributes: true});
}"""


def in_s3(state: DemoState) -> set[str]:
    """Return the names of files that are in the folders of uploads."""
    client = boto3.client(
        "s3",
        endpoint_url=state.address("s3"),
        region_name="us-east-1",
        aws_access_key_id=state.root.access_key_id,
        aws_secret_access_key=state.root.secret_access_key,
    )
    pages = [
        client.list_objects_v2(Bucket=state.bucket, Prefix=each) for each in ("tmp/", "documents/")
    ]
    return {each["Key"] for page in pages for each in page.get("Contents", ())}


def test_upload(page: Page, browser_name: str, site: str, state: DemoState, tmp_path: Path) -> None:
    """Show progress, then signed links that open; send one file to S3, and none to the site."""
    if browser_name != "chromium":
        pytest.skip("only Chromium can be told to send slowly")
    sent: list[str] = []
    page.on("request", lambda each: sent.append(f"{each.method} {each.url}"))
    page.goto(f"{site}/upload/")
    page.evaluate(WATCH, False)
    # Else all may be sent before the browser reports a part of it.
    line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": MEGABYTE}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", line)
    picture = jpeg((600, 400)) + bytes(2 * MEGABYTE)
    (tmp_path / "우리 집 사진.jpg").write_bytes(picture)
    page.locator("#file").set_input_files(tmp_path / "우리 집 사진.jpg")
    expect(page.locator(".papers h2")).to_have_text("우리 집 사진.jpg")

    assert any(0 < value < 1 for value in page.evaluate("window.seen"))
    assert len([each for each in sent if each.startswith(f"POST {state.address('s3')}/")]) == 1
    opened = page.request.get(page.get_by_role("link", name="Open").get_attribute("href") or "")
    assert (opened.status, opened.body()) == (200, picture)
    assert opened.headers["content-type"] == "image/jpeg"
    assert not [each for each in in_s3(state) if each.startswith("tmp/")]


def test_refusals(page: Page, site: str, state: DemoState, tmp_path: Path) -> None:
    """Say which file is refused by its type, size or content; nothing of it stays."""
    before = in_s3(state)
    page.goto(f"{site}/upload/")
    (tmp_path / "page.html").write_bytes(b"<p>")
    (tmp_path / "other.png").write_bytes(b"<script>alert(1)</script>")
    with (tmp_path / "film.mp4").open("wb") as film:
        film.truncate(251 * MEGABYTE)
    for name in ("page.html", "film.mp4", "other.png"):
        page.locator("#file").set_input_files(tmp_path / name)
        expect(page.get_by_role("alert")).to_contain_text(name)
    assert in_s3(state) == before


def test_cancel(page: Page, site: str, state: DemoState, tmp_path: Path) -> None:
    """Leave nothing in S3 of an upload that is canceled half-way."""
    before = in_s3(state)
    page.goto(f"{site}/upload/")
    page.evaluate(WATCH, True)
    with (tmp_path / "film.mp4").open("wb") as film:
        film.truncate(200 * MEGABYTE)
    page.locator("#file").set_input_files(tmp_path / "film.mp4")
    expect(page.get_by_role("alert")).to_contain_text("Canceled")
    assert max(page.evaluate("window.seen")) < 1
    assert in_s3(state) == before
