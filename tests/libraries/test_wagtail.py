"""Serve the images and documents of Wagtail through CloudFront."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import re_path
from wagtail import hooks
from wagtail.documents.models import Document
from wagtail.images.api.v2.serializers import ImageDownloadUrlField
from wagtail.images.models import Image
from wagtail.images.utils import generate_signature
from wagtail.images.views.serve import ServeView
from wagtail.models import Collection, CollectionViewRestriction, Locale, Page, Site

from tests.libraries.cases import picture, run
from tests.libraries.models import Article
from tests.pages import DOCS, snippets
from tests.storage_cases import counted_signatures, verify

pytestmark = pytest.mark.django_db

PAGE = DOCS / "how-to" / "wagtail.md"
#: The modules that the page shows; the last has a page that is kept in the cache.
SETTINGS, URLS, HOOKS, CACHED = (each.code for each in snippets(PAGE) if each.language == "python")


urlpatterns = [
    re_path(
        r"^images/([^/]*)/(\d*)/([^/]*)/[^/]*$",
        ServeView.as_view(action="redirect"),
        name="wagtailimages_serve",
    ),
    *run(PAGE, URLS)["urlpatterns"],
]


@pytest.fixture
def article(site: Any, media: Any) -> Article:
    """Return a published page: a picture in a field, one in its text, and a document."""
    cache.clear()  # Wagtail keeps renditions there, by the numbers of their images.
    site.ROOT_URLCONF = __name__
    names = run(PAGE, SETTINGS, MIDDLEWARE=site.MIDDLEWARE)
    site.MIDDLEWARE = names["MIDDLEWARE"]
    media.file_overwrite = names["STORAGES"]["default"]["OPTIONS"]["file_overwrite"]
    Locale.objects.create(language_code="en")
    Collection.add_root(name="Root")
    photo = Image.objects.create(title="photo", file=picture())
    inside = Image.objects.create(title="inside", file=picture())
    paper = Document.objects.create(title="paper", file=ContentFile(b"secret", name="보고서.pdf"))
    page = Article(
        title="Article",
        slug="article",
        photo=photo,
        paper=paper,
        body=f'<embed embedtype="image" id="{inside.pk}" format="fullwidth" alt="inside"/>',
    )
    root = Page.add_root(title="Root", slug="root")
    root.add_child(instance=page)
    Site.objects.create(hostname="testserver", root_page=page, is_default_site=True)
    return page


def images_of(page: Article) -> list[str]:
    """Return the URLs of the images of a page, as a new visitor gets them."""
    found = re.findall(r'<img[^>]* src="([^"]+)"', Client().get(page.url).text)
    return [html.unescape(url) for url in found]


def test_images(article: Article, media: Any, s3_requests: list[str]) -> None:
    """Make renditions once; after that, a page costs one signature and asks the bucket nothing."""
    first = images_of(article)
    assert {"GetObject", "PutObject"} <= set(s3_requests)
    s3_requests.clear()
    with counted_signatures() as signatures:
        urls = images_of(article)
    assert (len(urls), s3_requests) == (2, [])
    assert len(signatures) <= 1
    assert [urlsplit(url).path for url in urls] == [urlsplit(url).path for url in first]
    for url in urls:
        assert verify(media, url).resource.endswith("/images/*")
    verify(media, ImageDownloadUrlField().to_representation(article.photo))


def test_public_images(article: Article, media: Any) -> None:
    """With the option of the page, renditions are public, and originals and documents are not."""
    [option] = re.findall(r'`"public": (\[.*?\])`', PAGE.read_text())
    media.public = json.loads(option)
    urls = images_of(article)
    assert (len(urls), [urlsplit(url).query for url in urls]) == (2, ["", ""])
    assert all(media.is_public(media.name_of(url)) for url in urls)
    for private in (article.photo.file, article.paper.file):
        verify(media, private.url)


@pytest.mark.parametrize("method", [None, "redirect", "direct", "serve_view"])
def test_documents(method: str | None, article: Article, media: Any, site: Any) -> None:
    """Link to the view, which redirects to a fresh URL; only "direct" signs in the page itself."""
    site.WAGTAILDOCS_SERVE_METHOD = method
    link = article.paper.url
    if method == "direct":
        verify(media, link)
        return
    assert link.startswith("/documents/")
    response = Client().get(link)
    assert {"private", "no-store"} <= {*response["Cache-Control"].split(", ")}
    if method == "serve_view":
        assert b"".join(response.streaming_content) == b"secret"  # type: ignore[attr-defined]
    else:
        assert response.status_code == 302
        assert verify(media, response["Location"]).resource == media.unsigned_url(
            article.paper.file.name
        )


def test_saved_documents(article: Article) -> None:
    """With the hook of the page, browsers save documents, still only where Wagtail lets them in."""
    with mock.patch.object(hooks, "register", return_value=lambda hook: hook):
        save_document = run(PAGE, HOOKS)["save_document"]
    with hooks.register_temporarily("before_serve_document", save_document, order=100):
        location = Client().get(article.paper.url)["Location"]
        assert "response-content-disposition=attachment" in location
        CollectionViewRestriction.objects.create(
            collection=article.paper.collection, restriction_type=CollectionViewRestriction.LOGIN
        )
        assert Client().get(article.paper.url)["Location"].startswith("/_util/login/")


def test_cached_pages(article: Article, site: Any) -> None:
    """Show a page from the cache of the site, for no longer than the URLs in it live."""
    site.ROOT_URLCONF = (run(PAGE, CACHED)["cached_page"], *urlpatterns)
    client = Client()
    first = client.get(article.url)
    assert 0 < max_age(first) < 3600
    with counted_signatures() as signatures:
        again = client.get(article.url)
    assert (again.content, len(signatures)) == (first.content, 0)


def test_admin(article: Article, media: Any) -> None:
    """Upload in Wagtail's admin, beside a file of the same name, and list signed thumbnails."""
    client = Client()
    client.force_login(User.objects.create_superuser("mina"))
    data = {"title": "new", "file": picture(), "collection": article.photo.collection_id}
    assert client.post("/cms/images/add/", data).status_code == 302
    assert len({image.file.name for image in Image.objects.all()}) == 3
    listed = client.get("/cms/images/").text
    shown = re.findall(r'<img[^>]* src="(https://[^"]+)"', listed)
    assert len(shown) == 3
    for url in shown:
        verify(media, html.unescape(url))


def test_dynamic_image_url(article: Article, media: Any) -> None:
    """Redirect Wagtail's own signed image URLs, for no longer than the URL behind them lives."""
    media.querystring_expire = 600
    photo = article.photo
    signature = generate_signature(photo.pk, "width-30")
    response = Client().get(f"/images/{signature}/{photo.pk}/width-30/photo.png")
    verify(media, response["Location"])
    assert 0 < max_age(response) <= 600


def max_age(response: Any) -> int:
    """Return for how many seconds a response may be cached."""
    found = re.search(r"max-age=(\d+)", response["Cache-Control"])
    return int(found[1]) if found else -1
