"""Use django-filer, -cleanup, -import-export and -capo-s3, as their pages show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from capo_s3 import Credentials
from django.contrib.admin import AdminSite, ModelAdmin
from django.core.files.base import ContentFile
from django.test import Client, RequestFactory
from django.urls import include, path
from django.utils.module_loading import import_string
from django_cleanup.signals import cleanup_pre_delete
from easy_thumbnails.files import ThumbnailerFieldFile, get_thumbnailer
from filer.models import Image
from sorl.thumbnail import delete as sorl_delete, get_thumbnail

from cfsigned_django.invalidation import invalidate, invalidation_batch
from cfsigned_django.shortcuts import signed_url, signed_urls
from cfsigned_django.testing import edge_for
from cfsigned_django.views import SignedRedirectView
from tests.invalidations import DISTRIBUTION, aws_in_memory
from tests.libraries.cases import picture, run
from tests.libraries.models import Photo, Picture
from tests.libraries.test_thumbnails import renew_storages
from tests.pages import DOCS, snippets
from tests.s3_server import REGION, WRITER, S3Server
from tests.storage_cases import DAY, counted_signatures, generated_names, verify

pytestmark = pytest.mark.django_db

PAGE = DOCS / "how-to" / "other-libraries.md"
FILER, CLEANUP, RESOURCE, IMPORTS = (
    each.code for each in snippets(PAGE) if each.language == "python"
)
COMPARISON = DOCS / "explanation" / "comparison.md"
urlpatterns = [path("filer/", include("filer.urls"))]


# django-filer


@pytest.fixture
def filer(media: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make filer use the storages of the page; it makes its own when it is imported."""
    settings.ROOT_URLCONF = __name__
    field = Image._meta.get_field("file")
    bucket = settings.STORAGES["default"]["OPTIONS"]
    for privacy, kinds in run(PAGE, FILER)["FILER_STORAGES"].items():
        for kind, shown in kinds.items():
            made = import_string(shown["ENGINE"])(**shown["OPTIONS"] | bucket)
            known = field.storages if kind == "main" else field.thumbnail_storages
            monkeypatch.setitem(known, privacy, made)
        folder = kinds["thumbnails"]["THUMBNAIL_OPTIONS"]
        monkeypatch.setitem(field.thumbnail_options, privacy, folder)


@pytest.mark.parametrize("is_public", [True, False])
def test_filer(is_public: bool, filer: None) -> None:
    """Sign the URLs of files and thumbnails, which open, whether filer calls them public or not."""
    image = Image.objects.create(
        original_filename="사진 1.png", file=picture(), is_public=is_public
    )
    urls = [image.url, *image.thumbnails.values(), signed_url(image.file, download="사진.png")]
    assert len(urls) > 2
    edge = edge_for(image.file.storage)
    assert {edge.get(url).status for url in urls} == {200}
    assert {edge.get(url.partition("?")[0]).status for url in urls} == {403}
    assert bool(image.canonical_url) == is_public
    if is_public:
        verify(image.file.storage, Client().get(image.canonical_url)["Location"])


# django-cleanup


def test_cleanup(media: Any, django_capture_on_commit_callbacks: Any) -> None:
    """Delete the object in the bucket with its row, and when the row gets another file."""
    photo = Photo.objects.create(title="a", image=ContentFile(b"1", name="1.jpg"))
    first = photo.image.name
    with django_capture_on_commit_callbacks(execute=True):
        photo.image = ContentFile(b"2", name="2.jpg")
        photo.save()
    assert (media.exists(first), media.exists(photo.image.name)) == (False, True)
    with django_capture_on_commit_callbacks(execute=True):
        photo.delete()
    assert not media.exists("photos/2.jpg")


# django-import-export


def test_export(media: Any, settings: Any) -> None:
    """Export names, and links of both kinds; a block signs once for all rows."""
    settings.STORAGES |= {"links": {"BACKEND": "cfsigned_django.storage.PermanentLinkStorage"}}
    view = SignedRedirectView.as_view(permission=lambda request, name: True)
    settings.ROOT_URLCONF = (path("media/<path:name>", view, name="media"),)
    resource = run(PAGE, RESOURCE.replace("photos.models", Photo.__module__))["PhotoResource"]
    for number in range(3):
        Photo.objects.create(title="a", image=f"photos/사진 {number}.jpg")
    row = resource().export().dict[0]
    assert row["image"] == "photos/사진 0.jpg"
    assert row["link"] == "/media/photos/%EC%82%AC%EC%A7%84%200.jpg"
    verify(media, row["week"])

    resource.dehydrate_week = lambda self, photo: photo.image.url
    with counted_signatures() as signatures, signed_urls("photos/*", expire=7 * DAY):
        resource().export()
    assert len(signatures) == 1


def test_spreadsheet_in_the_bucket(media: Any) -> None:
    """Keep an uploaded spreadsheet in the bucket until its import is confirmed."""
    make = import_string(run(PAGE, IMPORTS)["IMPORT_EXPORT_TMP_STORAGE_CLASS"])
    kept = make()
    kept.save("제목,사진\n".encode())
    assert make(name=kept.name).read().decode() == "제목,사진\n"
    kept.remove()
    assert not media.exists(kept.get_full_path())


# django-capo-s3


def test_capo(site: Any, s3_server: S3Server, s3_bucket: str, ec_key: Any) -> None:
    """Sign, for each file that django-capo-s3 stores, a URL of exactly the key in the bucket."""
    site.AWS_CLOUDFRONT_KEY = ec_key.to_pem().decode()  # its own signer refuses ECDSA
    (code,) = (each.code for each in snippets(COMPARISON) if "django_capo_s3" in each.code)
    storage = run(COMPARISON, code)["MediaStorage"](
        bucket=s3_bucket,
        endpoint=s3_server.endpoint_url,
        region=REGION,
        credentials=Credentials(**WRITER),
        force_path_style=True,
        location="보고서",
    )
    edge = edge_for(storage)
    for name in generated_names(60):
        stored = storage.save(name.rstrip("/"), ContentFile(name.encode()))
        with storage.open(stored) as file:
            assert file.read() == name.encode()
        assert edge.get(storage.url(stored)).body == name.encode()
        key = unquote(urlsplit(storage.url(stored)).path).removeprefix("/")
        answer = s3_server.client().get_object(Bucket=s3_bucket, Key=key)
        assert answer["Body"].read() == name.encode()
    storage.delete(stored)
    assert not storage.exists(stored)


# What CloudFront forgets

DELETED = DOCS / "how-to" / "deleted-files.md"


@pytest.fixture
def forgotten(media: Any, settings: Any) -> Iterator[list[list[str]]]:
    """Invalidate what is deleted or overwritten; return the items of each call."""
    settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = DISTRIBUTION
    settings.AWS_CLOUDFRONT_INVALIDATE_ON = {"overwrite", "delete"}
    settings.AWS_ACCESS_KEY_ID, settings.AWS_SECRET_ACCESS_KEY = "AKIAEXAMPLE", "secret"
    calls: list[list[str]] = []
    with aws_in_memory() as aws:
        aws.cloudfront.before_answer = lambda: calls.append(aws.cloudfront.accepted[-1].items)
        yield calls


def test_bulk_deletes(forgotten: list[list[str]], django_capture_on_commit_callbacks: Any) -> None:
    """With django-cleanup, a bulk delete and the admin's action forget files on commit, as one."""
    admin = ModelAdmin(Photo, AdminSite())
    request = RequestFactory().post("/")
    for delete in (
        Photo.objects.all().delete,
        lambda: admin.delete_queryset(request, Photo.objects.all()),
    ):
        for number in range(3):
            Photo.objects.create(image=ContentFile(b"x", name=f"{number}.jpg"))
        with invalidation_batch(), django_capture_on_commit_callbacks(execute=True):
            delete()
            assert forgotten == []
        assert [sorted(each) for each in forgotten] == [[f"/photos/{n}.jpg" for n in range(3)]]
        forgotten.clear()


def test_thumbnails_that_are_deleted(forgotten: list[list[str]], media: Any) -> None:
    """Forget what easy-thumbnails and sorl delete, one of them before it saves, too."""
    name = media.save("pictures/a.png", picture())
    small = Picture.objects.create(image=name)
    easy = ThumbnailerFieldFile(small, Picture._meta.get_field("image"), name)
    made = [easy.get_thumbnail({"size": (20, 20)}).name, get_thumbnail(small.image, "20x20").name]
    kept = small.small.name
    assert small.small.width == 40
    assert forgotten == [[f"/{made[0]}"]]
    forgotten.clear()
    easy.delete_thumbnails()
    sorl_delete(small.image)
    assert {each for call in forgotten for each in call} == {
        f"/{each}" for each in (*made, "pictures/a.png")
    }
    assert media.exists(kept)


@pytest.fixture
def _thumbs(media: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give easy-thumbnails the alias of the page, and connect what deletes thumbnails."""
    alias, receiver = (
        run(DELETED, each.code) for each in snippets(DELETED) if '"thumbs"' in each.code
    )
    options = settings.STORAGES["default"]["OPTIONS"] | alias["STORAGES"]["thumbs"]["OPTIONS"]
    settings.STORAGES |= {"thumbs": alias["STORAGES"]["thumbs"] | {"OPTIONS": options}}
    settings.THUMBNAIL_DEFAULT_STORAGE_ALIAS = alias["THUMBNAIL_DEFAULT_STORAGE_ALIAS"]
    renew_storages(monkeypatch)

    def delete_thumbnails(file: Any, **event: Any) -> None:
        sorl_delete(file, delete_file=False)

    cleanup_pre_delete.connect(delete_thumbnails)
    yield
    for each in (delete_thumbnails, receiver["delete_thumbnails"]):
        cleanup_pre_delete.disconnect(each)


@pytest.mark.parametrize(
    "make",
    [
        lambda image, width: get_thumbnailer(image).get_thumbnail({"size": (width, width)}),
        lambda image, width: get_thumbnail(image, f"{width}x{width}"),
    ],
    ids=["easy-thumbnails", "sorl-thumbnail"],
)
@pytest.mark.usefixtures("_thumbs")
def test_thumbnails_of_a_photo(
    make: Any, forgotten: list[list[str]], django_capture_on_commit_callbacks: Any
) -> None:
    """As the page says: new ones cost nothing, and a deleted photo goes with its own, in one call.

    What CloudFront keeps is what was opened, by its path, until that is forgotten.
    """
    edge, kept = edge_for("default"), []
    for number in range(4):
        photo = Picture.objects.create(image=picture(f"사진 {number}.png"))
        urls = [photo.image.url, *(make(photo.image, width).url for width in (20, 40))]
        assert [edge.get(url).status for url in urls] == [200] * 3
        kept.append({urlsplit(url).path for url in urls})
    assert (forgotten, len(set().union(*kept))) == ([], 12)

    with invalidation_batch(), django_capture_on_commit_callbacks(execute=True):
        photo.delete()
    assert [{*call} for call in forgotten] == [kept[-1]]
    assert {edge.get(url).status for url in urls} == {403}


def test_thumbnails_of_filer(filer: None, forgotten: list[list[str]]) -> None:
    """With an option as the page says, new ones cost nothing, and a call forgets them."""
    image = Image.objects.create(original_filename="1.png", file=picture(), is_public=False)
    image.file.thumbnail_storage.invalidate_on = ()
    paths = {urlsplit(url).path for url in (image.url, *image.thumbnails.values())}
    assert forgotten == []
    with invalidation_batch():
        invalidate(image.file.get_thumbnails())
        image.delete()
    assert [{*call} for call in forgotten] == [paths]
