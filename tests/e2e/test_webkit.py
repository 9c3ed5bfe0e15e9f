"""Signed URLs and cookies in WebKit, the engine of Safari: Debian's, which only WebDriver drives.

``scripts/browser.sh`` runs these tests on a screen in memory.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo group")
pytest.importorskip("selenium", reason="needs selenium")

from django.template.loader import render_to_string
from selenium.webdriver import WebKitGTK, WebKitGTKOptions
from selenium.webdriver.support.wait import WebDriverWait
from selenium.webdriver.webkitgtk.service import Service

from demo_project.gallery.video import MEMBER
from demo_project.state import DemoState
from tests.e2e import COUNT, STORED_TEXT
from tests.e2e.test_fresh_urls import (
    FIND,
    HOUR,
    PHOTO,
    Site,
    paged as paged,
    urlpatterns as urlpatterns,
)
from tests.e2e.test_gallery import LOAD_ALL, PICTURES
from tests.e2e.test_video import STILLS
from tests.plugins_browser import PATIENCE

#: Debian's browser has no name on PATH.
BROWSER = next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"), None)

#: Start the player of the page anew, which finds then that hls.js cannot run.
WITHOUT_HLS_JS = """
  Hls.isSupported = () => false;
  const video = document.querySelector('video');
  const script = document.createElement('script');
  script.src = document.querySelector('script[src*="/video."]').src;
  video.replaceWith(video.cloneNode());
  document.head.append(script);"""

pytestmark = [
    pytest.mark.skipif(
        not (BROWSER and shutil.which("WebKitWebDriver") and os.environ.get("DISPLAY")),
        reason="needs webkit2gtk-driver and a screen: scripts/browser.sh",
    ),
    # Selenium's own: its drivers on this machine give what it deprecates.
    pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning"),
]


@pytest.fixture
def webkit() -> Iterator[WebKitGTK]:
    """Open a browser without cookies."""
    options = WebKitGTKOptions()
    options.binary_location = str(BROWSER)
    options.add_argument("--automation")
    # Its sandbox does not start as root; without the other, it plays HLS by a script only.
    variables = {
        "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
        "WEBKIT_GST_ENABLE_HLS_SUPPORT": "1",
    }
    with WebKitGTK(options, Service(env=os.environ | variables)) as opened:
        opened.set_script_timeout(PATIENCE / 1000)
        yield opened


def until(webkit: WebKitGTK, is_so: str) -> None:
    """Wait until JavaScript says so."""
    WebDriverWait(webkit, PATIENCE / 1000).until(
        lambda _: webkit.execute_script(f"return {is_so}"), is_so
    )


def log_in_to_watch(webkit: WebKitGTK, address: str) -> None:
    """Log in by the button of the page."""
    webkit.get(address)
    webkit.find_element("css selector", f'form:has([value="{MEMBER}"]) button').click()
    until(webkit, "document.querySelector('video')?.readyState > 0")


def watch(webkit: WebKitGTK) -> str:
    """Let the film play for some seconds, and return its address."""
    webkit.execute_script(f"({COUNT})()")
    until(webkit, "window.played > 4")
    address: str = webkit.execute_script("return document.querySelector('video').currentSrc")
    return address


def test_gallery(webkit: WebKitGTK, site: str) -> None:
    """Show pictures by signed URLs of the edge."""
    webkit.get(site)
    shown = webkit.execute_script(f"return ({LOAD_ALL})()")
    assert len(shown) >= PICTURES
    for source, width, _ in shown:
        assert "Signature=" in source
        assert not source.startswith(site)
        assert width > 0


def test_film_by_cookies(webkit: WebKitGTK, state: DemoState) -> None:
    """Play film and stills at names of this machine by cookies over plain HTTP, until log-out."""
    log_in_to_watch(webkit, f"{state.app_address}/video/")
    until(webkit, f"({STILLS})() === 12")
    assert watch(webkit).startswith("blob:")
    webkit.find_element("css selector", "[data-leave] button").click()
    until(webkit, "document.querySelector('[data-refused]')?.innerText.includes('403 MissingKey')")
    until(webkit, "document.querySelector('[data-state=no]')")


def test_film_by_the_player_of_the_browser(webkit: WebKitGTK, site: str) -> None:
    """Play the signed playlist without hls.js, as on iOS."""
    log_in_to_watch(webkit, f"{site}/video/")
    webkit.execute_script(WITHOUT_HLS_JS)
    until(webkit, "document.querySelector('video').readyState > 0")
    assert watch(webkit).startswith(site)


def test_stored_text(webkit: WebKitGTK, paged: Site) -> None:
    """A stored text that replaces properties of the document leads neither script elsewhere."""
    values = {"url": "/nowhere/", "csrf_token": "secret", "nonce": "own"}
    script = render_to_string("cfsigned_django/signed_cookies_script.html", values)
    paged.elements, paged.script, paged.connect = STORED_TEXT + script, "", "*"
    paged.element(PHOTO, "img")
    paged.ahead = 2 * HOUR
    webkit.get(paged.app)
    webkit.execute_script(FIND)
    until(webkit, f"isShown('{PHOTO}')")
    assert (paged.asked, paged.served) == ([[PHOTO]], {PHOTO: ["403", "200"]})
    # It asked the site, which has no such page.
    said = webkit.execute_script("return refreshSignedCookies().catch(String)")
    assert said == "Error: Signed cookies were not renewed: 404"
