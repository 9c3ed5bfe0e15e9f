"""Libraries make thumbnails in a bucket: made once, found again, with signed URLs."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.core.cache import caches
from django.core.cache.backends.base import default_key_func
from django.core.files.storage import storages
from django.template import Context, Template
from django.test import override_settings
from easy_thumbnails import storage as easy_storage
from easy_thumbnails.files import get_thumbnailer
from PIL import Image
from sorl.thumbnail import default as sorl, get_thumbnail
from sorl.thumbnail.images import get_or_create_storage
from versatileimagefield.settings import cache as versatile_cache

from cfsigned_django.shortcuts import signed_url
from cfsigned_django.testing import edge_for
from cfsigned_django.tools.edge.client import EdgeClient
from tests.libraries.cases import picture
from tests.libraries.models import Picture, VersatilePicture
from tests.pages import DOCS, site_of, snippets
from tests.storage_cases import S3_BACKEND, counted_signatures

pytestmark = pytest.mark.django_db

PAGE = DOCS / "how-to" / "thumbnails.md"
SIZE = (40, 40)


class Library(NamedTuple):
    """How a library makes the thumbnail of a picture, and where it keeps that."""

    model: Any
    make: Callable[[Any], Any]
    folder: str


LIBRARIES = {
    "easy-thumbnails": Library(
        Picture,
        lambda picture: get_thumbnailer(picture.image).get_thumbnail({"size": SIZE, "crop": True}),
        "pictures/*",
    ),
    "sorl-thumbnail": Library(
        Picture,
        lambda picture: get_thumbnail(picture.image, "40x40", crop="center"),
        "cache/*",
    ),
    "imagekit": Library(Picture, lambda picture: picture.small, "CACHE/images/*"),
    "versatileimagefield": Library(
        VersatilePicture,
        lambda picture: picture.image.crop["40x40"],
        "__sized__/*",
    ),
}


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Library:
    """Return each library."""
    return LIBRARIES[request.param]


@pytest.fixture(autouse=True)
def _fresh(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure what the page says, and forget what was made in other tests."""
    with site_of(PAGE) as names:
        monkeypatch.setattr(versatile_cache, "key_func", names["unsigned_key"])
    for cache in caches.all(initialized_only=True):
        cache.clear()
    renew_storages(monkeypatch)


def renew_storages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make libraries look up their storage again, as in a new process."""
    get_or_create_storage.cache_clear()
    monkeypatch.setattr(sorl, "storage", sorl.Storage())
    monkeypatch.setattr(easy_storage, "thumbnail_default_storage", easy_storage.get_storage())


@pytest.fixture
def public(media: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Configure the storages of the page, and return the one for public thumbnails."""
    bucket = settings.STORAGES["default"]["OPTIONS"]
    with site_of(PAGE) as names:
        entries = {
            alias: {**entry, "OPTIONS": entry.get("OPTIONS", {}) | bucket}
            for alias, entry in names["STORAGES"].items()
            if alias != "staticfiles"
        }
        with override_settings(STORAGES=entries):
            renew_storages(monkeypatch)
            yield storages["thumbnails"]


def add_picture(model: Any, name: str = "사진 1.jpg") -> None:
    """Upload a picture."""
    model(image=picture(name, size=(400, 300), kind="JPEG")).save()


def size_of(answer: Any) -> tuple[int, int]:
    """Return the size of the picture in an answer."""
    assert answer.status == 200, answer
    with Image.open(io.BytesIO(answer.body)) as image:
        return image.size


@pytest.mark.parametrize("address", [lambda thumb: thumb.url, signed_url], ids=["url", "shortcut"])
def test_made_once(
    address: Callable[[Any], str], library: Library, media: Any, s3_requests: list[str]
) -> None:
    """Make a thumbnail when its URL is asked for, and ask the bucket for nothing ever after."""
    add_picture(library.model)
    s3_requests.clear()
    first = address(library.make(library.model.objects.get()))
    assert s3_requests.count("PutObject") == 1
    assert len(s3_requests) == 5
    s3_requests.clear()
    media.querystring_expire = 1800  # the second page has other signatures
    second = address(library.make(library.model.objects.get()))
    assert s3_requests == []

    assert first != second
    edge = edge_for(media)
    assert size_of(edge.get(first)) == size_of(edge.get(second)) == SIZE
    assert edge.get(first.partition("?")[0]).error_code == "MissingKey"
    assert media.name_of(first) == media.name_of(second)


def test_page_of_thumbnails(library: Library, media: Any, s3_requests: list[str]) -> None:
    """Sign once for all thumbnails of a page, and ask the bucket for nothing."""
    for number in range(4):
        add_picture(library.model, f"사진 {number}.jpg")
    text = (
        "{% load cfsigned %}{% signed_urls folder %}"
        "{% for thumb in thumbs %}{{ thumb.url }} {% endfor %}{% endsigned_urls %}"
    )
    for is_first in (True, False):
        s3_requests.clear()
        with counted_signatures() as signatures:
            thumbs = (library.make(picture) for picture in library.model.objects.all())
            context = Context({"thumbs": thumbs, "folder": library.folder}, autoescape=False)
            urls = Template(text).render(context).split()
        assert len({*urls}) == 4
        assert is_first or (len(signatures) <= 1 and s3_requests == [])
    assert size_of(edge_for(media).get(urls[-1])) == SIZE


PICTURES = {name: library for name, library in LIBRARIES.items() if library.model is Picture}


@pytest.mark.parametrize("name", PICTURES)
def test_public_thumbnails(name: str, public: Any) -> None:
    """Open a thumbnail to everybody, and its original to nobody without a signature."""
    make = PICTURES[name].make
    add_picture(Picture)
    original = Picture.objects.get()
    url = make(original).url
    assert url == signed_url(make(original)) == public.unsigned_url(public.name_of(url))
    assert_private(original.image.url, url, edge_for("default", public=["/thumbnails/*"]))


def test_public_thumbnails_of_versatileimagefield(
    site: Any, s3_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Do the same within one storage, by its option for public folders."""
    options = s3_options | {"public": ["__sized__/"]}
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
    monkeypatch.setattr(versatile_cache, "key_func", default_key_func)
    add_picture(VersatilePicture)
    picture = VersatilePicture.objects.get()
    url = picture.image.crop["40x40"].url
    assert_private(picture.image.url, url, edge_for("default", public=["/__sized__/*"]))


def assert_private(original: str, thumb: str, edge: EdgeClient) -> None:
    """Check that everybody may open the thumbnail, and nobody the original without a signature."""
    assert size_of(edge.get(thumb)) == SIZE
    assert size_of(edge.get(original)) == (400, 300)
    assert edge.get(original.partition("?")[0]).error_code == "MissingKey"


TEMPLATES = [each.code for each in snippets(PAGE) if each.language == "django"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_templates_of_the_page(template: str, media: Any) -> None:
    """Each template of the page shows a thumbnail, with a signed URL."""
    add_picture(Picture)
    context = {"photo": Picture.objects.get(), "photos": Picture.objects.all()}
    text = Template(template).render(Context(context))
    urls = re.findall(r'src="([^"]+)"', text)
    assert len(urls) == 1
    edge = edge_for("default")
    assert max(size_of(edge.get(html.unescape(urls[0])))) in {40, 300}
