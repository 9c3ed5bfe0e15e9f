"""A page that stays open, in a browser: its script gives what expires a fresh URL, once.

Modules: views/names.py
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast
from unittest import mock
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")

from django.conf import global_settings
from django.contrib.staticfiles import finders
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.handlers.wsgi import WSGIHandler
from django.db.models import FileField, Model
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template import RequestContext, Template
from django.test import override_settings
from django.urls import path

from cfsigned_django.http import watch_expiry
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage
from cfsigned_django.tools.storage_origin import StorageOrigin, distribution_for
from cfsigned_django.views import SignedUrlsView
from demo_project.state import BASE_FOLDER
from tests.e2e import FOREIGN, STORED_TEXT, served, until
from tests.pages import HOW_TO, snippets
from tests.storage_cases import FILE_BACKEND

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

FILM = BASE_FOLDER / "demo_project" / "film" / "180p"
PHOTO = "연못 1.webp"
CONTENT = {
    PHOTO: (BASE_FOLDER / "demo_project" / "collection" / "lily-pond.webp").read_bytes(),
    "refused.webp": b"",
    "film.mp4": (FILM / "init_1.mp4").read_bytes() + (FILM / "part0.m4s").read_bytes(),
}
#: Far below what a browser loads ahead, so that each is requested when a person scrolls to it.
BELOW = '<canvas height="9000"></canvas>'
HOUR = 3600
SCRIPT = "static/cfsigned_django/fresh_urls.js"


@dataclass(slots=True)
class Site:
    """A page at ``app`` with files behind an edge, both of which read one clock."""

    app: str = ""
    ahead: int = 0
    elements: str = ""
    script: str = ""
    connect: str = "'self'"
    #: The names that were asked for, of each request, and what CloudFront answered by name.
    asked: list[list[str]] = field(default_factory=list)
    served: dict[str, list[str]] = field(default_factory=dict)

    def element(self, name: str, tag: str = 'img loading="lazy"', **data: str) -> None:
        """Put an element into the page, with a URL that lives for an hour from now on."""
        url = default_storage.url(name).replace("&", "&amp;")
        values = "".join(f' data-cfsigned-{key}="{value}"' for key, value in data.items())
        self.elements += (
            f'<{tag} src="{url}" data-cfsigned-name="{name}"{values}></{tag.split()[0]}>'
        )


current = Site()


def show(request: HttpRequest) -> HttpResponse:
    """Return the page, whose policy allows no code within it."""
    token = get_token(request)
    shown = (
        f"<!DOCTYPE html><script src=/{SCRIPT} defer data-url=/fresh/ {current.script}></script>"
    )
    response = HttpResponse(shown.replace("TOKEN", token) + current.elements)
    media = "http://cdn.site.localhost:*"
    response["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self' 'nonce-own'; connect-src {current.connect}; "
        f"img-src {media}; media-src {media}"
    )
    return response


def script(request: HttpRequest) -> HttpResponse:
    """Return the script, as a server of static files does."""
    found: Any = finders.find("cfsigned_django/fresh_urls.js")
    return HttpResponse(Path(found).read_bytes(), content_type="text/javascript")


class Fresh(SignedUrlsView):
    """The view of the page, which notes what it is asked for."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Note the names."""
        current.asked.append(json.loads(request.body)["names"])
        return super().dispatch(request, *args, **kwargs)

    def permission(self, request: HttpRequest, name: str) -> bool:
        """Refuse one of the files."""
        return not name.startswith(("refused", "constructor"))


urlpatterns = [path("", show), path(SCRIPT, script), path("fresh/", Fresh.as_view())]


@pytest.fixture
def paged(own_urls: None, tmp_path: Path, ec_key: PrivateKey) -> Iterator[Site]:
    """Serve a site and an edge at one port, under a clock that the test moves."""
    global current
    current = Site(script="data-csrf-token=TOKEN")
    real = time.time

    def now() -> float:  # no Mock, which would remember each call
        return real() + current.ahead

    def distribution(storage: CloudFrontFileSystemStorage) -> Any:
        for name, content in CONTENT.items():
            storage.save(name, ContentFile(content))
        edge = replace(distribution_for(storage, StorageOrigin(storage)), clock=time.time)

        def answer(environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
            def note(status: str, headers: Any, *rest: Any) -> Any:
                name = environ["PATH_INFO"].encode("latin-1").decode().removeprefix("/")
                current.served.setdefault(name, []).append(status[:3])
                return respond(status, headers, *rest)

            return edge(environ, note)

        return answer

    settings = {
        "STORAGES": {
            "default": {"BACKEND": FILE_BACKEND, "OPTIONS": {"location": tmp_path}},
            "staticfiles": global_settings.STORAGES["staticfiles"],
        },
        "STATIC_URL": "/static/",
        "MIDDLEWARE": ["django.middleware.csrf.CsrfViewMiddleware"],
        "ALLOWED_HOSTS": ["app.site.localhost"],
    }
    with (
        mock.patch("time.time", now),
        served(tmp_path, ec_key, WSGIHandler(), distribution, **settings) as (app, _),
    ):
        current.app = f"{app}/"
        yield current


def later(page: Page, seconds: int) -> None:
    """Let time pass for the server, and then for the browser.

    What loads just then is refused before its time, and so counts as missing: wait for it first.
    """
    current.ahead += seconds
    page.clock.fast_forward(seconds * 1000)


#: Until the next picture is there, Firefox keeps the width of the last: it is not complete then.
FIND = """
  window.find = name => document.querySelector(`[data-cfsigned-name='${name}']`);
  window.isShown = name => find(name).complete && find(name).naturalWidth > 0;"""


def open_page(page: Page, paged: Site) -> None:
    """Open the page, with a clock of the browser that can be moved."""
    page.clock.install()
    page.add_init_script(FIND)
    page.goto(paged.app)


def iso(seconds: float) -> str:
    """Return a moment from now on, as the site would write it."""
    return datetime.fromtimestamp(time.time() + seconds, UTC).isoformat()


SCROLL = "scrollTo(0, document.body.scrollHeight)"


@pytest.mark.parametrize("token", ["data-csrf-token=TOKEN", ""], ids=["attribute", "cookie"])
def test_expired_image_comes_back(page: Page, paged: Site, token: str) -> None:
    """An image that is scrolled to after its URL has expired is asked for once, and shown."""
    paged.script, paged.elements = token, BELOW
    paged.element(PHOTO)
    open_page(page, paged)
    assert (paged.asked, paged.served) == ([], {})
    later(page, HOUR + 1)
    page.evaluate(SCROLL)
    until(page, f"isShown('{PHOTO}')")
    assert (paged.asked, paged.served) == ([[PHOTO]], {PHOTO: ["403", "200"]})
    # It is on the screen: nothing is asked as long as nothing fails.
    later(page, 9 * HOUR)
    page.wait_for_timeout(500)
    assert len(paged.asked) == 1
    # Each expiry is repaired once.
    page.evaluate(f"find('{PHOTO}').src += '&again'")
    until(page, f"isShown('{PHOTO}')")
    assert (len(paged.asked), paged.served[PHOTO]) == (2, ["403", "200", "403", "200"])


def test_refused_and_missing(page: Page, paged: Site) -> None:
    """What is refused or missing is asked for once, and keeps no other file from coming back."""
    paged.elements = BELOW
    for name in ("refused.webp", PHOTO, "missing.webp"):
        paged.element(name, **{"expires-at": iso(HOUR)})
    open_page(page, paged)
    later(page, HOUR - 50)
    until(page, f"find('{PHOTO}').src.includes('Signature')")
    page.evaluate(SCROLL)
    for _ in range(5):
        later(page, 600)
        page.wait_for_timeout(300)
        page.evaluate("for (const each of document.images) if (!each.naturalWidth) each.src += ''")
    until(page, f"isShown('{PHOTO}')")
    asked = [name for names in paged.asked for name in names]
    assert asked.count("refused.webp") == 1
    # Once with the refused one, which is named, and once without.
    assert asked.count("missing.webp") == 2
    assert paged.served[PHOTO][-1] == "200"


def test_name_of_no_file(page: Page, paged: Site) -> None:
    """A stored text with a name that no file can have keeps no other file from coming back."""
    paged.elements = '<img src="/none" data-cfsigned-name="../x">'
    paged.element(PHOTO, "img", **{"expires-at": iso(0)})
    open_page(page, paged)
    until(page, lambda: len(paged.asked) == 2)
    until(page, f"isShown('{PHOTO}')")
    assert [{*each} for each in paged.asked] == [{"../x", PHOTO}, {PHOTO}]


@pytest.mark.parametrize(("name", "loads"), [("missing.webp", 2), ("constructor", 1)])
def test_nothing_comes_back(page: Page, paged: Site, name: str, loads: int) -> None:
    """A file that is missing is asked for once, and never again.

    So is one that is refused, also if each object of JavaScript has a property of its name.
    """
    paged.element(name, "img")
    open_page(page, paged)
    until(page, lambda: paged.asked and len(paged.served[name]) == loads)
    page.wait_for_timeout(1000)
    for _ in range(3):
        later(page, 2 * HOUR)
        page.evaluate(f"find('{name}').src += ''")
        page.wait_for_timeout(500)
    assert paged.asked == [[name]]
    assert "Signature" in page.evaluate(f"find('{name}').src")


def test_page_that_is_older_than_its_urls(page: Page, paged: Site) -> None:
    """What has failed before the script runs comes back, too, and is asked for once."""
    paged.element(PHOTO, "img")
    paged.element("film.mp4", "video muted")
    paged.ahead = 2 * HOUR
    open_page(page, paged)
    until(page, f"isShown('{PHOTO}') && find('film.mp4').readyState > 2")
    assert sorted(name for names in paged.asked for name in names) == ["film.mp4", PHOTO]


def test_film_before_it_expires(page: Page, paged: Site) -> None:
    """A film gets a fresh URL shortly before its time, and plays on from where it was."""
    paged.element("film.mp4", "video muted", **{"expires-at": iso(HOUR)})
    open_page(page, paged)
    page.evaluate("Object.assign(find('film.mp4'), {currentTime: 1, playbackRate: 0.5}).play()")
    until(page, "find('film.mp4').currentTime > 1.1")
    later(page, HOUR - 120)
    page.wait_for_timeout(500)
    assert paged.asked == []
    old = page.evaluate("find('film.mp4').src")
    later(page, 70)
    until(page, f"find('film.mp4').src !== {old!r} && find('film.mp4').currentTime > 1.2")
    found = page.evaluate("[find('film.mp4').paused, find('film.mp4').playbackRate]")
    assert (found, paged.asked) == ([False, 0.5], [["film.mp4"]])


def test_film_that_fails(page: Page, paged: Site) -> None:
    """A film that a person starts after its time plays."""
    paged.element("film.mp4", "video muted preload=none")
    open_page(page, paged)
    later(page, HOUR + 1)
    page.evaluate("find('film.mp4').play().catch(() => {})")
    until(page, "find('film.mp4').currentTime > 0.2")
    assert (paged.asked, paged.served["film.mp4"][0]) == ([["film.mp4"]], "403")


def test_clock_of_the_viewer_is_wrong(page: Page, paged: Site) -> None:
    """A clock that is a day ahead costs one request an hour, as a right one does."""
    paged.element(PHOTO, "img", **{"expires-at": iso(HOUR)})
    page.clock.install(time=time.time() + 24 * HOUR)
    page.add_init_script(FIND)
    page.goto(paged.app)
    until(page, f"isShown('{PHOTO}')")
    for _ in range(5):
        later(page, 600)
        page.wait_for_timeout(200)
    until(page, lambda: paged.asked)
    assert paged.asked == [[PHOTO]]


def test_server_that_fails(page: Page, paged: Site) -> None:
    """After an error of the site, the next error of the element asks again."""
    paged.element("missing.webp", "img")
    failed: list[Any] = []
    page.route("**/fresh/", lambda route: failed.append(route.fulfill(status=503)), times=1)
    open_page(page, paged)
    until(page, lambda: failed)
    page.wait_for_timeout(1000)
    assert paged.asked == []
    page.evaluate("find('missing.webp').src += ''")
    until(page, lambda: paged.asked)
    assert paged.asked == [["missing.webp"]]


def test_many_files(page: Page, paged: Site) -> None:
    """A request has at most the 100 names that the view takes."""
    paged.elements = BELOW
    for number in range(101):
        paged.element(f"refused-{number}.webp", **{"expires-at": iso(0)})
    open_page(page, paged)
    until(page, lambda: len(paged.asked) > 1)
    page.wait_for_timeout(500)
    assert sorted(map(len, paged.asked)) == [1, 100]


def test_at_most_500_names(page: Page, paged: Site) -> None:
    """A page asks for 500 names, in view first, says so once, and renews these while it is open."""
    names = [f"{number}.mp4" for number in range(600)]
    for name in names:
        paged.element(
            name, 'video preload="none" width="300" height="100"', **{"expires-at": iso(HOUR)}
        )
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text))
    open_page(page, paged)
    page.evaluate(SCROLL)
    films = "[...document.querySelectorAll('video')]"
    for _ in range(2):
        page.evaluate(f"window.old = {films}.map(film => film.src)")
        later(page, HOUR)
        until(page, f"{films}.filter((film, place) => film.src !== old[place]).length === 500")
    assert [len(each) for each in paged.asked] == [100] * 10
    assert len({name for each in paged.asked for name in each}) == 500
    first = next(each for each in paged.asked if names[-1] in each)
    assert {*names[-20:]} <= {*first[:40]}
    assert ["500" in each for each in said] == [True]


def test_stored_text(page: Page, paged: Site) -> None:
    """A stored text sends no request elsewhere, and stops no renewal."""
    paged.elements, paged.script, paged.connect = STORED_TEXT, "", "*"
    paged.element(PHOTO, "img", **{"expires-at": iso(HOUR)})
    sent: list[str] = []

    def refused(route: Route) -> None:
        sent.append(route.request.url)
        route.abort()

    page.route(f"{FOREIGN}/**", refused)
    open_page(page, paged)
    for _ in range(2):
        until(page, f"isShown('{PHOTO}')")
        old = page.evaluate(f"find('{PHOTO}').src")
        later(page, HOUR)
        until(page, f"find('{PHOTO}').src !== {old!r}")
    page.evaluate(f"find('{PHOTO}').src += '&again'")
    until(page, f"!find('{PHOTO}').src.endsWith('again') && isShown('{PHOTO}')")
    assert (paged.asked, sent) == ([[PHOTO], [PHOTO]], [])


def test_page_of_the_docs(page: Page, paged: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The view and both templates of the page work as they are pasted."""
    python, picture, film = (
        each.code for each in snippets(HOW_TO / "open-pages.md") if each.role == "browser"
    )
    models: Any = ModuleType("photos.models")
    models.Photo = mock.MagicMock()
    models.Photo.objects.filter().values_list.return_value = [PHOTO, "film.mp4"]
    monkeypatch.setitem(sys.modules, "photos", ModuleType("photos"))
    monkeypatch.setitem(sys.modules, "photos.models", models)
    monkeypatch.setattr(HttpRequest, "user", None, raising=False)
    pasted: dict[str, Any] = {}
    exec(python, pasted)  # noqa: S102 - our own page

    def shown(request: HttpRequest) -> HttpResponse:
        image = FieldFile(cast(Model, None), FileField(), PHOTO)
        with watch_expiry() as watch:
            values = {"photo": {"image": image}, "url": default_storage.url("film.mp4")}
        context = RequestContext(
            request, values | {"name": "film.mp4", "expires_at": watch.expires_at}
        )
        return HttpResponse(Template(picture + film).render(context))

    urls = (path("", shown), path(SCRIPT, script), *pasted["urlpatterns"])
    with override_settings(ROOT_URLCONF=urls):
        open_page(page, paged)
        until(page, f"isShown('{PHOTO}') && find('film.mp4').readyState > 0")
        old = page.evaluate("find('film.mp4').src")
        later(page, HOUR - 30)
        until(page, f"find('film.mp4').src !== {old!r}")
        page.evaluate(f"find('{PHOTO}').src += '&'")
        until(page, f"find('{PHOTO}').src.slice(-1) !== '&' && isShown('{PHOTO}')")
    assert paged.served["film.mp4"][-1][0] == "2"
