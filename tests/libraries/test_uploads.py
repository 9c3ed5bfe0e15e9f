"""Send files to S3 with django-s3file and django-s3-file-field, as the page about uploads says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files as resources
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django import forms
from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer
from rest_framework.serializers import ModelSerializer
from rest_framework.test import APIClient
from s3_file_field._multipart import MultipartManager
from s3_file_field.rest_framework import S3FileSerializerField

from cfsigned_django.checks import check_storages
from tests.background import send_to
from tests.libraries.models import Photo, Recording
from tests.storage_cases import S3_BACKEND, verify

pytestmark = pytest.mark.django_db

MEGABYTE = 2**20
FILM = bytes(range(256)) * (12 * MEGABYTE // 256)
FIELD = "libraries.Recording.file"


@pytest.fixture
def bucket(request: pytest.FixtureRequest, site: Any, s3_options: dict[str, Any]) -> Any:
    """Return the default storage, which signs uploads; its location may be a parameter."""
    site.AWS_LOCATION = getattr(request, "param", "")
    options = {**s3_options, "signature_version": "s3v4"}
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
    return storages["default"]


def names(bucket: Any) -> list[str]:
    """Return the names of all files in the bucket."""
    return sorted(each.key for each in bucket.bucket.objects.all())


# django-s3file


@pytest.fixture
def s3file(bucket: Any) -> Iterator[Any]:
    """Import the library, which reads the settings when it is imported."""
    yield import_module("s3file.forms")
    for name in [each for each in sys.modules if each.partition(".")[0] == "s3file"]:
        del sys.modules[name]


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("bucket", ["private/files"], indirect=True)
def test_s3file(
    s3file: Any,
    bucket: Any,
    settings: Any,
    live_server: LiveServer,
    browser: Browser,
    tmp_path: Path,
    queries_beside_a_browser: None,
) -> None:
    """Send the file of a form to S3 and not to the site, store it, and sign its URL."""

    class Input(s3file.S3FileInputMixin, forms.ClearableFileInput):  # type: ignore[misc]
        pass

    class UploadForm(forms.Form):
        file = forms.FileField(widget=Input)

    def view(request: HttpRequest) -> HttpResponse:
        form = UploadForm(request.POST or None, request.FILES or None)
        if form.is_valid():
            photo = Photo.objects.create(title="a", image=form.cleaned_data["file"])
            return HttpResponse(photo.image.url)
        code = resources("s3file") / "static" / "s3file" / "js" / "s3file.js"
        html = (
            '<form method="post">{% csrf_token %}{{ form }}<button>Save</button></form>'
            "<script>{{ code|safe }}</script>"
        )
        context = {"form": form, "code": code.read_text(encoding="utf-8")}
        return HttpResponse(engines["django"].from_string(html).render(context, request))

    urls: Any = ModuleType("urls")
    # The server has read its list of middlewares, for all tests.
    urls.urlpatterns = [path("", import_module("s3file.middleware").S3FileMiddleware(view))]
    settings.ROOT_URLCONF = urls
    (tmp_path / "사진 1.jpg").write_bytes(FILM)
    page = browser.new_page()
    sent: list[str] = []
    page.on("request", lambda each: sent.append(f"{each.method} {each.url}"))
    page.goto(live_server.url)
    page.set_input_files("input[type=file]", tmp_path / "사진 1.jpg")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("body")).to_contain_text("Signature=")
    url = page.locator("body").inner_text()
    page.close()

    verify(bucket, url)
    photo = Photo.objects.get()
    assert photo.image.name == "photos/사진_1.jpg"
    assert unquote(urlsplit(url).path) == f"/private/files/{photo.image.name}"
    with photo.image.open() as file:
        assert file.read() == FILM
    final, left = names(bucket)
    assert final == f"private/files/{photo.image.name}"
    assert left.startswith("private/files/tmp/s3file/")
    assert len([each for each in sent if each.startswith(f"POST {bucket.endpoint_url}/")]) == 1


# django-s3-file-field


class RecordingSerializer(ModelSerializer[Recording]):
    """Take what the upload gave as the value of the field."""

    file = S3FileSerializerField()

    class Meta:
        model = Recording
        fields = ["file"]


def ask(name: str, **data: Any) -> Any:
    """Ask a view of the library."""
    answer = APIClient().post(f"/upload/{name}/", data, format="json")
    assert answer.status_code == 200, answer.content
    return answer.data


def send(part: Any) -> dict[str, Any]:
    """Send one part to S3, and return what the library wants to know of it."""
    number, size = part["part_number"], part["size"]
    start = (number - 1) * 5 * MEGABYTE
    body = FILM[start : start + size]
    answer = send_to("PUT", part["upload_url"], body=body)
    assert answer.status == 200, answer.data
    return {"part_number": number, "size": size, "etag": answer.headers["ETag"]}


def test_parts(bucket: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send a file in three parts, give its value to a serializer, and sign its URL."""
    monkeypatch.setattr(MultipartManager, "part_size", 5 * MEGABYTE)
    settings.ROOT_URLCONF = (path("upload/", include("s3_file_field.urls")),)
    asked = {"field_id": FIELD, "file_name": "영화 1.mp4", "file_size": len(FILM)}
    upload = ask("upload-initialize", **asked, content_type="video/mp4")
    ended = ask(
        "upload-complete",
        upload_signature=upload["upload_signature"],
        upload_id=upload["upload_id"],
        parts=[send(part) for part in upload["parts"]],
    )
    done = send_to("POST", ended["complete_url"], body=ended["body"])
    assert done.status == 200, done.data
    value = ask("finalize", upload_signature=upload["upload_signature"])["field_value"]

    serializer = RecordingSerializer(data={"file": value})
    assert serializer.is_valid(), serializer.errors
    recording = serializer.save()
    verify(bucket, RecordingSerializer(recording).data["file"])
    assert names(bucket) == [recording.file.name]
    with recording.file.open() as file:
        assert file.read() == FILM


@pytest.mark.parametrize("bucket", ["private/files"], indirect=True)
def test_a_location_is_found(bucket: Any) -> None:
    """Find the field if its files would lie outside the location of the storage."""
    assert FIELD.lower() in " ".join(
        str(each.obj).lower() for each in check_storages() if each.id == "cfsigned.W070"
    )
