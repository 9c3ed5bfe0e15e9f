"""Store links that last in editors of rich text, as the page about rich text shows."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template import Context, Template
from django.test import Client, override_settings
from django.urls import path
from django_ckeditor_5.views import upload_file

from cfsigned_django.testing import edge_for
from cfsigned_django.views import SignedRedirectView
from tests.libraries import models
from tests.libraries.cases import picture, run
from tests.libraries.models import RichText
from tests.pages import DOCS, site_of, snippets
from tests.storage_cases import verify

pytestmark = pytest.mark.django_db

PAGE = DOCS / "how-to" / "email-and-rich-text.md"
NAME = "사진 (1).png"
PICTURE = picture().read()


@pytest.fixture
def shown(media: Any, settings: Any) -> Iterator[dict[str, Any]]:
    """Run the site of the page, with a real bucket; return what the page defines."""
    default = settings.STORAGES["default"]
    with (
        site_of(PAGE) as names,
        override_settings(
            STORAGES=names["STORAGES"] | {"default": default},
            ROOT_URLCONF=(*names["urlpatterns"], path("ckeditor5/", upload_file)),
            CKEDITOR_5_FILE_STORAGE="cfsigned_django.storage.PermanentLinkStorage",
        ),
    ):
        yield names


@pytest.fixture
def editor(client: Client) -> Client:
    """Return the browser of a person who may write texts."""
    client.force_login(User.objects.create_superuser("ada"))
    return client


ARTICLES = {
    "ckeditor5": [
        *("%EC%82%AC%EC%A7%84%201.webp", "%EC%82%AC%EC%A7%84%201%402x.webp"),
        *("%EC%82%AC%EC%A7%84%201.jpg", "%EC%9B%90%EB%B3%B8.jpg", "it's.jpg"),
        *("poster.jpg", "clip.mp4", "clip.ko.vtt"),
    ],
    "tinymce": ["report%20(1).png", "2026/report.pdf", "talk.mp3", "poster.png", "clip.mp4"],
}


@pytest.mark.parametrize("name", ARTICLES)
def test_stored_article(name: str, aliases: Any) -> None:
    """Sign what is in the folder; a draft, a neighbor, code and comments stay, byte for byte."""
    body = (Path(__file__).parent / "articles" / f"{name}.html").read_bytes().decode()
    template = Template("{% load cfsigned %}{{ body|safe|signed_html:'articles' }}")
    shown = template.render(Context({"body": body}))
    url = re.compile(r"https://media\.example\.com/[^\s\"]*")
    assert url.split(shown) == url.split(body)
    pairs = zip(url.findall(body), url.findall(shown), strict=True)
    fresh = [html.unescape(after).partition("#")[0] for before, after in pairs if before != after]
    opened = [verify("default", each).resource.rpartition("/articles/")[2] for each in fresh]
    assert opened == ARTICLES[name]


def upload(browser: Client, address: str, field: str, data: bytes) -> Any:
    """Return the answer to an upload."""
    return browser.post(address, {field: SimpleUploadedFile(NAME, data, "image/png")})


@pytest.mark.parametrize(
    ("address", "field", "key"),
    [("/ckeditor5/", "upload", "url"), ("/upload/", "file", "location")],
    ids=["ckeditor 5", "tinymce"],
)
def test_upload(address: str, field: str, key: str, shown: Any, media: Any, editor: Client) -> None:
    """The link that an upload view answers leads to the picture, and is not signed."""
    link = upload(editor, address, field, PICTURE).json()[key]
    assert link.startswith("/media/")
    assert "Signature" not in link

    url = editor.get(link)["Location"]
    assert edge_for("default").get(url).body == PICTURE
    assert edge_for("default").get(url.partition("?")[0]).error_code == "MissingKey"
    # A text with the URL of that moment is repaired to the same link.
    assert shown["with_permanent_links"](f'<img src="{url}">') == f'<img src="{link}">'


@pytest.mark.parametrize(
    ("user", "address", "field", "data", "status"),
    [
        ("", "/ckeditor5/", "upload", PICTURE, 403),
        ("", "/upload/", "file", PICTURE, 403),
        ("ada", "/upload/", "file", b"<script>", 400),
        ("ada", "/upload/", "another", PICTURE, 400),
    ],
)
def test_refused_upload(
    user: str, address: str, field: str, data: bytes, status: int, shown: Any, s3_requests: Any
) -> None:
    """Store nothing for a viewer who may not write, and nothing but a picture in its field."""
    browser = Client()
    if user:
        browser.force_login(User.objects.create_superuser(user))
    assert upload(browser, address, field, data).status_code == status
    assert s3_requests == []


def test_upload_without_a_token(shown: Any) -> None:
    """Refuse an upload to the view for TinyMCE from a page of another site."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("ada"))
    assert upload(browser, "/upload/", "file", PICTURE).status_code == 403


def test_files_of_their_owners(media: Any, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The permission of the page opens a photo for its owner, and for nobody else."""
    monkeypatch.setitem(sys.modules, "photos.models", models)
    (code,) = (each.code for each in snippets(PAGE) if "owner=user" in each.code)
    view = SignedRedirectView.as_view(permission=run(PAGE, code)["may_see"])
    site.ROOT_URLCONF = (path("media/<path:name>", view),)
    photos = [
        models.Photo.objects.create(image="photos/1.jpg", owner=User.objects.create_user("ada")),
        models.Photo.objects.create(image="photos/2.jpg"),
    ]
    statuses = {}
    for viewer in ("ada", "eve", ""):
        browser = Client()
        if viewer:
            browser.force_login(User.objects.get_or_create(username=viewer)[0])
        statuses[viewer] = [browser.get(f"/media/{each.image.name}").status_code for each in photos]
    assert statuses == {"ada": [302, 403], "eve": [403, 403], "": [403, 403]}


def test_repair_of_stored_texts(shown: Any, media: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop of the page repairs the texts that have files, and changes nothing a second time."""
    (source,) = (each.code for each in snippets(PAGE) if "import Article" in each.code)
    monkeypatch.setitem(sys.modules, "articles.models", SimpleNamespace(Article=RichText))
    monkeypatch.setitem(sys.modules, "articles.texts", SimpleNamespace(**shown))
    other = '<a href="https://www.example.com/a.png">x</a>'
    link = shown["storages"]["links"].url(NAME)
    before = [f'<img src="{media.url(NAME)}">{other}', other, "media.example.com"]
    for body in before:
        RichText.objects.create(body=body)

    for _ in range(2):
        run(PAGE, source)
        found = RichText.objects.order_by("pk").values_list("body", flat=True)
        assert list(found) == [f'<img src="{link}">{other}', *before[1:]]


@pytest.mark.parametrize(
    "url",
    [
        "https://media.example.com@evil.example/a.png",
        "https://media.example.com/%0Aa.png",
        "https://[media.example.com/a.png",
    ],
)
def test_what_is_not_repaired(url: str, shown: Any) -> None:
    """Leave alone what is not the URL of one file, without an error."""
    text = f'<a href="{url}">'
    assert shown["with_permanent_links"](text) == text
