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
import urllib3
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

from cfsigned_django.checks.storages import check_storages
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


def show(request: HttpRequest, form: forms.BaseForm, script: Any) -> HttpResponse:
    """Answer with a form and the script of a library, which knows where it stands."""
    code = script.read_text(encoding="utf-8")
    html = (
        '<form method="post">{% csrf_token %}{{ form }}<button>Save</button></form>'
        "<script>{{ code|safe }}</script>"
    )
    page = engines["django"].from_string(html)
    return HttpResponse(page.render({"form": form, "code": code}, request))


# django-s3file


@pytest.fixture
def s3file(bucket: Any) -> Iterator[Any]:
    """Import the library, which reads the settings when it is imported."""
    yield import_module("s3file.forms")
    for name in [each for each in sys.modules if each.partition(".")[0] == "s3file"]:
        del sys.modules[name]


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("bucket", ["", "private/files"], indirect=True)
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
        return show(request, form, resources("s3file") / "static" / "s3file" / "js" / "s3file.js")

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
    expect(page.locator("body")).to_contain_text("Signature=", timeout=20_000)
    url = page.locator("body").inner_text()
    page.close()

    verify(bucket, url)
    photo = Photo.objects.get()
    assert photo.image.name == "photos/사진_1.jpg"
    assert unquote(urlsplit(url).path).lstrip(
        "/"
    ) == f"{bucket.location}/{photo.image.name}".lstrip("/")
    with photo.image.open() as file:
        assert file.read() == FILM
    prefix = f"{bucket.location}/" if bucket.location else ""
    final, left = names(bucket)
    assert final == f"{prefix}{photo.image.name}"
    assert left.startswith(f"{prefix}tmp/s3file/")
    assert len([each for each in sent if each.startswith(f"POST {bucket.endpoint_url}/")]) == 1


# django-s3-file-field


class RecordingSerializer(ModelSerializer[Recording]):
    """Take what the upload gave as the value of the field."""

    file = S3FileSerializerField()

    class Meta:
        model = Recording
        fields = ["file"]


@pytest.fixture
def parts(bucket: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give uploads parts of the smallest size, at the addresses of the library."""
    monkeypatch.setattr(MultipartManager, "part_size", 5 * MEGABYTE)
    urls: Any = ModuleType("urls")
    urls.urlpatterns = [path("upload/", include("s3_file_field.urls"))]
    settings.ROOT_URLCONF = urls
    return urls.urlpatterns


def ask(name: str, **data: Any) -> Any:
    """Ask a view of the library."""
    answer = APIClient().post(f"/upload/{name}/", data, format="json")
    assert answer.status_code == 200, answer.content
    return answer.data


def begin() -> Any:
    """Begin the upload of a film in three parts."""
    asked = {"field_id": FIELD, "file_name": "영화 1.mp4", "file_size": len(FILM)}
    upload = ask("upload-initialize", **asked, content_type="video/mp4")
    assert len(upload["parts"]) == 3
    return upload


def send(part: Any) -> dict[str, Any]:
    """Send one part to S3, and return what the library wants to know of it."""
    number, size = part["part_number"], part["size"]
    start = (number - 1) * 5 * MEGABYTE
    body = FILM[start : start + size]
    answer = urllib3.request("PUT", part["upload_url"], body=body, retries=False)
    assert answer.status == 200, answer.data
    return {"part_number": number, "size": size, "etag": answer.headers["ETag"]}


def test_parts_by_an_api(bucket: Any, parts: Any) -> None:
    """Send a file in parts, give its value to a serializer, and sign its URL."""
    upload = begin()
    ended = ask(
        "upload-complete",
        upload_signature=upload["upload_signature"],
        upload_id=upload["upload_id"],
        parts=[send(part) for part in upload["parts"]],
    )
    done = urllib3.request("POST", ended["complete_url"], body=ended["body"], retries=False)
    assert done.status == 200, done.data
    value = ask("finalize", upload_signature=upload["upload_signature"])["field_value"]

    serializer = RecordingSerializer(data={"file": value})
    assert serializer.is_valid(), serializer.errors
    recording = serializer.save()
    verify(bucket, RecordingSerializer(recording).data["file"])
    assert names(bucket) == [recording.file.name]
    with recording.file.open() as file:
        assert file.read() == FILM
    assert not RecordingSerializer(data={"file": value + "x"}).is_valid()


def test_an_abandoned_upload(bucket: Any, parts: Any) -> None:
    """Keep the parts of an upload that nobody completes, in no list of files, until it is ended."""
    client = bucket.connection.meta.client
    upload = begin()
    send(upload["parts"][0])
    place = {"Bucket": bucket.bucket_name}
    [left] = client.list_multipart_uploads(**place)["Uploads"]
    place |= {"Key": left["Key"], "UploadId": left["UploadId"]}

    assert left["Key"] == upload["object_key"]
    assert [each["Size"] for each in client.list_parts(**place)["Parts"]] == [5 * MEGABYTE]
    assert names(bucket) == []
    client.abort_multipart_upload(**place)
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket.bucket_name)


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_parts_in_a_browser(
    bucket: Any,
    parts: Any,
    live_server: LiveServer,
    browser: Browser,
    tmp_path: Path,
    queries_beside_a_browser: None,
) -> None:
    """Send the file of a form in parts by the library's script, and sign its URL."""
    form_class = forms.modelform_factory(Recording, fields=["file"])

    def view(request: HttpRequest) -> HttpResponse:
        form = form_class(request.POST or None, request.FILES or None)
        if form.is_valid():
            return HttpResponse(form.save().file.url)
        script = resources("s3_file_field") / "static" / "s3_file_field" / "widget.js"
        return show(request, form, script)

    parts.append(path("", view))
    (tmp_path / "영화 1.mp4").write_bytes(FILM)
    page = browser.new_page()
    sent: list[str] = []
    page.on("request", lambda each: sent.append(each.method))
    page.goto(live_server.url)
    page.set_input_files("input[type=file]", tmp_path / "영화 1.mp4")
    page.locator("input[type=hidden][name=file]").wait_for(state="attached")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("body")).to_contain_text("Signature=", timeout=20_000)
    url = page.locator("body").inner_text()
    page.close()

    assert sent.count("PUT") == 3
    verify(bucket, url)
    assert names(bucket) == [Recording.objects.get().file.name]


@pytest.mark.parametrize("bucket", ["private/files"], indirect=True)
def test_a_location_is_found(bucket: Any) -> None:
    """Find the field if its files would lie outside the location of the storage."""
    assert FIELD.lower() in " ".join(
        str(each.obj).lower() for each in check_storages() if each.id == "cfsigned.W070"
    )
