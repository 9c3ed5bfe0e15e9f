"""Look at the demo through a browser: the page of the signing keys, and the film.

Other tests serve a page of theirs, with files behind an edge: :func:`served`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.test import override_settings

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage
from cfsigned_django.tools.edge import Distribution, EdgeServer
from demo_project.run import KEYS_PATH
from tests.plugins_browser import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOREIGN = "http://foreign.test"
#: What somebody wrote for other viewers: a document lets it replace its own properties.
STORED_TEXT = f'<base href="{FOREIGN}/">' + "".join(
    f'<img name="{name}" data-url="{FOREIGN}/{name}">'
    for name in ("currentScript", "cookie", "querySelectorAll", "addEventListener")
)


def log_in_to_admin(page: Page, address: str, name: str, password: str) -> None:
    """Open the page of the signing keys as a person who must log in first."""
    page.goto(address + KEYS_PATH)
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(password)
    page.locator("[type=submit]").click()
    page.locator("#cfsigned-overview").wait_for()


def press(page: Page, step: str) -> None:
    """Press the button of a step, and the one of its page that says what will happen."""
    page.locator(f'[id^="cfsigned-{step}-"]').click()
    if step != "import":
        page.locator(".cfsigned-step button[type=submit]").click()


# A film that is looped starts again: what counts is the time that it has shown.
COUNT = """() => {
  const video = document.querySelector('video');
  let last = video.currentTime;
  window.played = 0;
  video.addEventListener('timeupdate', () => {
    window.played += Math.max(0, Math.min(1, video.currentTime - last));
    last = video.currentTime;
  });
  // The page may load the film just then, which ends this promise, and play on.
  return video.play().catch(() => {});
}"""


def log_in_to_watch(page: Page, name: str) -> None:
    """Log in by the button of the page."""
    page.locator(f'form:has([name="name"][value="{name}"]) button').click()
    page.locator("#viewer", has_text=name).wait_for()


def until(page: Page, is_so: str | Callable[[], object]) -> None:
    """Wait until JavaScript, or a function, says so.

    Unlike playwright's own wait, it needs no eval in the page.
    """
    deadline = time.monotonic() + PATIENCE / 1000
    while not (page.evaluate(is_so) if isinstance(is_so, str) else is_so()):
        assert time.monotonic() < deadline, is_so
        page.wait_for_timeout(200)


def play(page: Page) -> None:
    """Begin to play, and to count the seconds that were played."""
    page.evaluate(COUNT)


def played(page: Page, *, seconds: float) -> None:
    """Wait until the film has played for so many more seconds."""
    until(page, f"window.played > {page.evaluate('window.played') + seconds}")


def cookie(page: Page, name: str) -> str:
    """Return the value of one of the cookies that open the film."""
    found = [each for each in page.context.cookies() if each.get("name") == f"CloudFront-{name}"]
    (value,) = (each.get("value", "") for each in found if "films" in each.get("path", ""))
    return value


def signed_paths(page: Page) -> list[str]:
    """Return the paths of the signed cookies that the browser has.

    None is Secure: WebKit would drop it over plain HTTP.
    """
    found = page.context.cookies()
    assert not any(each.get("secure") for each in found if each.get("name", "").startswith("Cloud"))
    return sorted(each.get("path", "") for each in found if each.get("name") == "CloudFront-Policy")


@contextmanager
def served(
    folder: Path,
    key: PrivateKey,
    page: WSGIApplication,
    distribution: Callable[[CloudFrontFileSystemStorage], Distribution],
    **settings: Any,
) -> Iterator[tuple[str, CloudFrontFileSystemStorage]]:
    """Serve a page at all hosts of a port, and the files of a storage at one of them.

    Yield the address of the page's own host, and the storage.
    """

    def answer(environ: WSGIEnvironment, respond: StartResponse) -> Any:
        return (edge if environ["HTTP_HOST"] == cdn else page)(environ, respond)

    server = EdgeServer(answer)
    app, cdn = (f"{name}.site.localhost:{server.port}" for name in ("app", "cdn"))
    with override_settings(
        AWS_CLOUDFRONT_KEY=key.to_pem(),
        AWS_CLOUDFRONT_KEY_ID="K1TESTKEYID",
        AWS_S3_CUSTOM_DOMAIN=cdn,
        AWS_S3_URL_PROTOCOL="http:",
        **settings,
    ):
        storage = CloudFrontFileSystemStorage(location=str(folder))
        edge = distribution(storage)
        with server.running():
            yield f"http://{app}", storage
