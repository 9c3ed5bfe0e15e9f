"""Files of users in a browser, with the template's headers: no script runs, all else works.

Modules: tools/edge/stack_policies.py, tools/model/response_headers.py
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")

from django.core.files.base import ContentFile

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage
from cfsigned_django.tools.edge import Distribution
from cfsigned_django.tools.storage_origin import StorageOrigin, distribution_for
from demo_project.state import BASE_FOLDER
from tests.e2e import served, until

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

RAN = "document.documentElement.dataset.ran ?? null"
SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30">
<style>rect { fill: rgb(0, 128, 0) }</style>
<rect width="40" height="30" onclick="document.documentElement.dataset.ran = 'click'"/>
<script>document.documentElement.dataset.ran = 'script'</script></svg>"""
HTML = """<!DOCTYPE html><html><head><style>h1 { color: rgb(0, 128, 0) }</style></head>
<body><h1>Invoice</h1><img src="data:," onerror="document.documentElement.dataset.ran = 'event'">
<script>document.documentElement.dataset.ran = 'script'</script></body></html>"""
#: Which element of a file to click, and what a style of the file colors.
STYLED = {"a.html": ("h1", "color"), "a.svg": ("rect", "fill")}
#: A second of silence: MPEG-1 Layer III, 128 kbit/s, 44.1 kHz. Zeros are silence.
MP3 = (b"\xff\xfb\x90\xc4" + bytes(413)) * 40
FILM = BASE_FOLDER / "demo_project" / "film" / "180p"
FILES: Mapping[str, bytes] = {
    "a.html": HTML.encode(),
    "a.svg": SVG.encode(),
    "a.txt": b"<script>plain</script>",
    "a.mp3": MP3,
    "a.mp4": (FILM / "init_1.mp4").read_bytes() + (FILM / "part0.m4s").read_bytes(),
}


#: The address of a page, and the storage of files behind an edge.
Files: TypeAlias = tuple[str, CloudFrontFileSystemStorage]

PAGE = """<!DOCTYPE html><img id="svg" src="{a.svg}"><video id="video" muted src="{a.mp4}"></video>
<audio id="audio" muted src="{a.mp3}"></audio><iframe name="html" src="{a.html}"></iframe>
<iframe name="svg" src="{a.svg}"></iframe><iframe name="text" src="{a.txt}"></iframe>"""


@pytest.fixture
def files(request: pytest.FixtureRequest, tmp_path: Path, ec_key: PrivateKey) -> Iterator[Files]:
    """Serve a page, and the files behind an edge, whose CORS may be a parameter.

    Return the address of the page, and the storage.
    """

    def page(environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        text = PAGE
        for name in FILES:
            text = text.replace("{" + name + "}", storage.url(name).replace("&", "&amp;"))
        respond("200 OK", [("Content-Type", "text/html")])
        return [text.encode() if environ["PATH_INFO"] == "/" else b"<p>empty</p>"]

    def distribution(storage: CloudFrontFileSystemStorage) -> Distribution:
        for name, content in FILES.items():
            storage.save(name, ContentFile(content))
        port = urlsplit(storage.url("a")).port
        origins = [f"http://app.site.localhost:{port}"] if getattr(request, "param", False) else []
        return distribution_for(storage, StorageOrigin(storage), cors_origins=origins)

    with served(tmp_path, ec_key, page, distribution) as (app, storage):
        yield app, storage


def color(frame: Frame, selector: str, name: str) -> Any:
    """Return a color that a style of the file gives."""
    return frame.evaluate(
        f"getComputedStyle(document.querySelector({selector!r}))[{name!r}]",
    )


def test_opened_directly(page: Page, files: Files) -> None:
    """Run no script of HTML and SVG, which keep their styles; show text, film and sound."""
    _, storage = files
    for name, (selector, style) in STYLED.items():
        page.goto(storage.url(name))
        page.locator(selector).click()
        assert page.evaluate(RAN) is None
        assert color(page.main_frame, selector, style) == "rgb(0, 128, 0)"
    page.goto(storage.url("a.txt"))
    assert page.locator("pre").inner_text() == "<script>plain</script>"
    for name in ("a.mp4", "a.mp3"):
        page.goto(storage.url(name))
        until(page, "document.querySelector('video').currentTime > 0.2")


def test_in_a_page(page: Page, files: Files) -> None:
    """Show pictures, films, sounds and text in a page; run no script in a frame."""
    app, _ = files
    page.goto(app)
    until(page, "document.querySelector('#svg').naturalWidth === 40")
    for tag in ("video", "audio"):
        page.evaluate(f"document.querySelector('#{tag}').play()")
        until(page, f"document.querySelector('#{tag}').currentTime > 0.2")
    frames = {each.name: each for each in page.frames}
    for name, (selector, style) in STYLED.items():
        frame = frames[name.removeprefix("a.")]
        assert color(frame, selector, style) == "rgb(0, 128, 0)"
        frame.locator(selector).click()
        assert frame.evaluate(RAN) is None
    assert frames["text"].locator("pre").inner_text() == "<script>plain</script>"


def test_download(page: Page, files: Files) -> None:
    """Keep a file under the name of its URL, which the cache policy lets through to S3."""
    app, storage = files
    page.goto(f"{app}/empty")
    url = storage.url("a.html", download="보고서 1.html")
    with page.expect_download() as download:
        page.evaluate("url => { location = url }", url)
    assert download.value.suggested_filename == "보고서 1.html"
    assert Path(download.value.path()).read_bytes() == FILES["a.html"]


@pytest.mark.parametrize(("files", "cors"), [(True, True), (False, False)], indirect=["files"])
def test_read_by_script(
    cors: bool, page: Page, files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    """Let a script of a named origin read a file; else hide it, and log the policy that does."""
    app, storage = files
    caplog.set_level(logging.INFO, "cfsigned_django.tools.edge")
    page.goto(f"{app}/empty")
    read = "url => fetch(url).then(answer => answer.text()).catch(() => 'hidden')"
    found = page.evaluate(read, storage.url("a.txt"))
    assert found == ("<script>plain</script>" if cors else "hidden")
    [line] = [each for each in caplog.messages if "/a.txt" in each]
    assert ("the response headers policy template.yaml" in line) is not cors
