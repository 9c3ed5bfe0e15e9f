"""The demo behind policies that AWS manages: what still works, what does not, what protects then.

Modules: tools/edge/stack_policies.py, tools/edge/local_distribution.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo group")

from playwright.sync_api import Error, expect

from cfsigned_django.core import viewer
from demo_project.gallery.video import MEMBER
from demo_project.local_aws import USER_VARIABLE
from demo_project.servers import manage_command, run
from demo_project.stack import NAME
from demo_project.state import DemoState
from tests.background import wait_until
from tests.e2e import log_in_to_watch, play, played, until
from tests.e2e.test_file_types import HTML, RAN, SVG
from tests.pages import DOCS, snippets

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Saves files as users send them, plainly and by the class of the page; prints their URLs.
SAVE = """
import json
from django.core.files.uploadedfile import SimpleUploadedFile
{snippet}
def url(storage, name, text, kind):
    file = SimpleUploadedFile(name, text.encode(), kind)
    return storage.url(storage.save(name, file))
plain, guarded = CloudFrontS3Storage(), MediaStorage(content_type_from_name=True)
print(json.dumps({{
    f"{{word}} {{name}}": url(storage, name, text, kind)
    for word, storage in (("plain", plain), ("guarded", guarded))
    for name, text, kind in {files!r}
}}))
"""
FILES = [
    ("a.svg", SVG, "image/svg+xml"),
    ("cat.jpg", HTML, "text/html"),
    ("a.pdf", "%PDF-1.4", "application/pdf"),
]


def manage(state: DemoState, name: str, *arguments: str) -> str:
    """Run a command of the demo's site as the owner of its account; return what it printed."""
    owner = {USER_VARIABLE: "root"}
    return run(manage_command(state, "managed", name, *arguments, variables=owner))


def deploy(state: DemoState, *options: str) -> None:
    """Change the demo's stack by the command, and wait until the edge follows."""
    # The emulator does not say what it has deployed: --revert-drift.
    apply = ("--apply", "--yes", "--allow-removal", "--revert-drift")
    manage(state, "cfsigned_setup", "--stack", NAME, *apply, "--managed-policies", *options)
    url = manage(state, "cfsigned_sign", "pictures/dunes.webp").split()[-1]

    def follows() -> bool:
        return ("x-frame-options" in viewer.fetch(url, {}).headers) is ("off" not in options)

    wait_until(follows, "the edge follows")


@pytest.fixture(scope="module")
def managed(state: DemoState) -> Iterator[dict[str, str]]:
    """Let the demo's distribution have managed policies in these tests; return URLs of files."""
    deploy(state)
    try:
        codes = [each.code for each in snippets(DOCS / "how-to" / "files-of-users.md")]
        [snippet] = [each for each in codes if "class MediaStorage" in each]
        code = SAVE.format(snippet=snippet, files=FILES)
        yield json.loads(manage(state, "shell", "--no-imports", "-c", code).splitlines()[-1])
    finally:
        deploy(state, "off", *state.cors_options)


def test_pictures_and_film(page: Page, site: str, managed: dict[str, str]) -> None:
    """Show the pictures of the gallery, and play the film by a signed playlist."""
    page.goto(site)
    until(page, "[...document.images].filter((each) => each.naturalWidth > 0).length > 6")
    page.goto(f"{site}/video/")
    log_in_to_watch(page, MEMBER)
    play(page)
    played(page, seconds=2)


def test_film_by_cookies(page: Page, state: DemoState, managed: dict[str, str]) -> None:
    """Show pictures by cookies; say that the edge serves the film, and why no script may read it.

    Another player has nothing to try again.
    """
    page.goto(f"{state.app_address}/video/")
    log_in_to_watch(page, MEMBER)
    expect(page.locator("[data-state=no]")).to_contain_text("The edge serves the film")
    expect(page.locator(".asked li").first).to_contain_text("200")
    expect(page.locator(".asked li").first).to_contain_text("may not read this with cookies")
    until(page, "document.querySelector('.stills img').naturalWidth > 0")
    assert page.evaluate("document.querySelector('video').controls") is False


def test_files_of_users(page: Page, managed: dict[str, str]) -> None:
    """Run the script of a user's file, unless S3 keeps its type and disposition."""
    for name in ("a.svg", "cat.jpg"):
        page.goto(managed[f"plain {name}"])
        until(page, f"{RAN} !== null")
    page.goto(managed["guarded cat.jpg"])
    assert page.evaluate("[document.contentType, " + RAN + "]") == ["image/jpeg", None]
    with page.expect_download() as download, suppress(Error):  # nothing is shown
        page.goto(managed["guarded a.svg"])
    assert download.value.suggested_filename.endswith(".svg")


def test_framed_file(page: Page, state: DemoState, managed: dict[str, str]) -> None:
    """Show no PDF in a frame of a page of another host."""
    address = f"{state.app_address}/frame"
    source = managed["plain a.pdf"].replace("&", "&amp;")
    body = f'<iframe name="pdf" src="{source}"></iframe>'
    page.route(address, lambda route: route.fulfill(body=body, content_type="text/html"))
    page.goto(address)
    assert viewer.fetch(managed["plain a.pdf"], {}).headers["x-frame-options"] == "SAMEORIGIN"
    until(page, lambda: page.frames[1].url.startswith("chrome-error:"))
