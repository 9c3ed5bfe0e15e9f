"""The demo speaks Korean if the browser does, to the last word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.utils import translation

from cfsigned_django.storage import UploadError
from demo_project.gallery.anatomy import unsigned
from demo_project.gallery.attempts import altered
from demo_project.gallery.video import GUEST, MEMBER
from demo_project.run import KEYS_PATH
from demo_project.state import COOKIE_DOMAIN
from tests.demo_project import jpeg, upload
from tests.pages import ROOT

pytest.importorskip("PIL", reason="needs the demo group: Pillow")

SHORT = {
    "AWS_QUERYSTRING_EXPIRE": 90,
    "AWS_CLOUDFRONT_MAX_EXPIRE": 90,
    "AWS_CLOUDFRONT_PROPAGATION_SECONDS": 8,
}

#: What Korean pages call so, too.
NAMES = re.compile(
    r"accessdenied|airplay|api|ascii|aws|base|cfsigned|charset|chromecast|cloudfront|ctrl|django"
    r"|ecdsa|expires|filename|framework|gif|http|image|invalidkey|ios|jpe?g|json|jun|mina"
    r"|missingkey|ninja|pdf|plain|png|python|rest|rsa|sha|text|txt|url|utc|utf|webp|xml"
)


def english_words(page: str) -> set[str]:
    """Return the English words that a page shows, or tells a screen reader, apart from code."""
    body = page.partition("<body")[2].partition(">")[2] or page
    code = (
        r'https?://[^<"]+|<(pre|code|script|textarea|svg|time)\b.*?</\1>|<span lang="en">.*?</span>'
    )
    read = re.findall(r'(?:aria-label|alt|title)="([^"]*)"', body)
    read.append(re.sub(r"<[^>]*>", " ", re.sub(code, " ", body, flags=re.DOTALL)))
    words = set(re.findall(r"[a-z]{3,}", unescape(" ".join(read)).lower()))
    return {word for word in words if not NAMES.fullmatch(word)}


@pytest.fixture
def korean(site: Client, ten_thumbnails: None) -> Iterator[Client]:
    """Return a browser that prefers Korean, at a site with a picture, a document and accounts."""
    for name in (MEMBER, GUEST):
        User.objects.create_user(name)
    upload(site, "/", ("집.jpg", jpeg()))
    upload(site, "/documents/", ("회의록.txt", "회의".encode()))
    site.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko-KR,ko;q=0.9,en;q=0.8"
    yield site
    translation.deactivate()  # as it was for the last request, in this thread


def test_no_english_is_left_on_the_pages(korean: Client) -> None:
    """Show each page, each kind of link and each answer without an English word."""
    with mock.patch("demo_project.gallery.direct.keep", side_effect=[UploadError, None]):
        refused = [korean.post("/upload/finish/", {"name": "쪽"}) for _ in range(2)]
    found = [
        *(korean.get(path) for path in ("/", "/documents/", "/upload/", "/how/", "/api/")),
        korean.get("/video/"),
        korean.post("/upload/start/", {"name": "쪽", "type": "text/html"}),
        korean.post("/upload/start/", {"name": "큰.png", "type": "image/png", "size": 2**30}),
        *refused,
        korean.get("/documents/1/"),
        *(korean.get("/pictures/1/", {"link": kind}) for kind in ("plain", "later", "folder")),
        *(korean.get(f"/thumbnails/{kind}") for kind in ("", "each/")),
        korean.post("/pictures/1/", {"url": "http://localhost/"}),
        *(korean.get(path) for path in ("/nowhere/", "/media/nothing.jpg", KEYS_PATH)),
        korean.post("/", {}),
        korean.post("/", {"uploads": SimpleUploadedFile("큰.png", jpeg((8001, 5000), "PNG"))}),
        korean.post("/documents/", {"uploads": SimpleUploadedFile("글.txt", b"\0")}),
    ]
    for response in found:
        page = response.content.decode()
        assert english_words(page) == set(), response.request
    assert '<html lang="ko">' in found[0].content.decode()


def test_each_refusal_says_why(korean: Client, clock: Any) -> None:
    """Name the reason in Korean, another one for each check, above the words of the edge's log."""
    storage: Any = default_storage
    name = "pictures/집.jpg"
    url = storage.url(name)
    policy = storage.url("a.jpg", date_greater_than=int(clock.now) - 60).partition("?")[2]
    refused = (
        unsigned(url),
        altered(url)[0],
        re.sub("Key-Pair-Id=K", "Key-Pair-Id=X", url),
        url.replace("Signature=", "Sign="),
        f"{unsigned(url)}?{policy}",
        storage.url(name, date_greater_than=int(clock.now) + 60),
        storage.url(name, ip_address="192.0.2.1"),
    )
    said = []
    for each in refused:
        page = korean.post("/pictures/1/", {"url": each, "attempt": "own"}).content.decode()
        [(verdict, log)] = re.findall(
            r'verdict-no"><strong>403 \w+</strong>(.*?)</p>.*?<code lang="en">(.+?)</code>',
            page,
            re.DOTALL,
        )
        assert english_words(page) == set(), each
        assert log
        said.append(verdict.strip())
    assert "" not in said
    assert len(set(said)) == len(refused), said


def test_the_way_on(korean: Client) -> None:
    """Name pages of the documentation that exist, in the language of the reader."""
    for visitor, folder in ((korean, "docs/ko"), (Client(), "docs/")):
        pages = re.findall(r"<code>(docs/.+?)</code>", visitor.get("/nowhere/").content.decode())
        assert len(pages) == 2
        assert all(each.startswith(folder) and (ROOT / each).exists() for each in pages)


def test_the_film_is_shown_in_korean(korean: Client) -> None:
    """Show the film to nobody, to a guest and to a member, by both ways, in Korean."""
    korean.defaults["HTTP_HOST"] = f"app.{COOKIE_DOMAIN}"
    for viewer in (None, GUEST, MEMBER):
        if viewer:
            korean.post("/video/log-in/", {"name": viewer})
        for path in ("/video/", "/video/?by=playlist"):
            assert english_words(korean.get(path).content.decode()) == set(), (viewer, path)


def test_the_notice_in_the_admin_is_korean(korean: Client) -> None:
    """Say in Korean which waits are short."""
    korean.force_login(User.objects.create_superuser("demo"))
    others = [each for each in settings.INSTALLED_APPS if each != "cfsigned_django"]
    with override_settings(INSTALLED_APPS=[*others, "demo_project.pace.ShortWaits"], **SHORT):
        page = korean.get(KEYS_PATH).content.decode()
    notice = page.partition('class="demo-waits">')[2].partition("</aside>")[0]
    assert notice.count("<li>") == 4
    assert english_words(notice) == set()


def test_scripts_speak_korean(korean: Client) -> None:
    """Give the scripts of the pages their words in the language of the browser."""
    expired = f'"expired": {json.dumps("만료")}'.lower()
    assert expired in korean.get("/jsi18n/").content.decode().lower()
    assert '"expired"' not in Client().get("/jsi18n/").content.decode()


def test_titles_of_the_collection_are_korean(korean: Client) -> None:
    """Each picture and document that the demo brings has a Korean title, on its pages too."""
    from demo_project.gallery.management.commands import demo_prepare  # needs the demo's settings

    titles = [title for _, _, title in (*demo_prepare.PICTURES, *demo_prepare.DOCUMENTS)]
    with translation.override("ko"):
        assert [each for each in titles if translation.gettext(each) == each] == []
    for model, title in (("Picture", titles[0]), ("Document", titles[-1])):
        apps.get_model("gallery", model)._default_manager.update(title=title)
    for path in ("/", "/pictures/1/", "/documents/", "/documents/1/", "/how/"):
        assert english_words(korean.get(path).content.decode()) == set(), path
