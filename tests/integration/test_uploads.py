"""Uploads that the storage signs, with an S3 server that checks policies and signatures.

Modules: storage/uploads.py, core/aws/s3_object.py
"""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.exceptions import ClientError
from django.core import signing
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile

from cfsigned_django.core.aws import s3_object as s3
from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.storage import (
    CloudFrontS3Storage,
    Upload,
    UploadError,
    UploadGone,
    UploadIncomplete,
)
from tests.background import send_to
from tests.storage_cases import DAY, NOW, at

MEGABYTE = 2**20
JPEG = b"\xff\xd8\xff\xe0" + bytes(1000)
OTHER = b"\xff\xd8\xff\xe1" + bytes(1000)
SIGNED: dict[str, Any] = {"size": len(JPEG), "content_type": "image/jpeg", "owner": "7"}
#: A file that is sent in three parts, if parts have 5 MB.
FILM = bytes(range(256)) * (12 * MEGABYTE // 256)


#: With and without a location.
PLACES = pytest.mark.parametrize("uploads", ["", "private/files"], indirect=True)


@pytest.fixture
def uploads(request: pytest.FixtureRequest, site: Any, s3_options: dict[str, Any]) -> Any:
    """Return a storage with a location; names may be overwritten, as by default."""
    location = getattr(request, "param", "private/files")
    parameters = {"CacheControl": "private", "Metadata": {"of": "shop"}, "StorageClass": "STANDARD"}
    return CloudFrontS3Storage(
        **s3_options, location=location, object_parameters=parameters, file_overwrite=True
    )


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send in parts of 5 MB what is larger than 5 MB."""
    monkeypatch.setattr(s3, "MAX_PIECE", 5 * MEGABYTE)
    monkeypatch.setattr(s3, "MIN_PART", 5 * MEGABYTE)


def client_of(storage: Any) -> Any:
    """Return the client of a storage."""
    return storage.connection.meta.client


def send(upload: Upload, data: bytes, **changes: str) -> int:
    """Send a form to S3 as a browser does, with fields changed; return the status."""
    fields: dict[str, Any] = {**upload.fields, **changes, "file": ("a.jpg", data)}
    return send_to("POST", upload.url, fields=fields).status


def send_part(upload: Upload, number: int, data: bytes = FILM) -> int:
    """Send a part of a file to S3, and return the status."""
    start = 5 * MEGABYTE * (number - 1)
    part = upload.parts[number - 1]
    body = data[start : start + part.size]
    return send_to("PUT", part.url, body=body).status


@pytest.fixture(params=["form", "parts"])
def sent(request: pytest.FixtureRequest, uploads: Any, small_parts: None) -> tuple[Upload, bytes]:
    """Return an upload and the bytes that have arrived: by a form, and in three parts."""
    if request.param == "form":
        upload = uploads.sign_upload("a.jpg", **SIGNED)
        assert send(upload, JPEG) == 204
        return upload, JPEG
    upload = uploads.sign_upload("a.mp4", size=len(FILM), owner="7")
    assert [send_part(upload, number) for number in (1, 2, 3)] == [200] * 3
    return upload, FILM


def keys(storage: Any) -> list[str]:
    """Return the names of all objects in the location, and make sure that there are no others."""
    prefix = f"{storage.location}/".lstrip("/")
    found = [each.key for each in storage.bucket.objects.all()]
    assert all(each.startswith(prefix) for each in found)
    return sorted(each.removeprefix(prefix) for each in found)


def read(storage: Any, name: str) -> bytes:
    """Return what a file holds."""
    with storage.open(name) as file:
        return bytes(file.read())


# One form


@PLACES
def test_a_form(uploads: Any) -> None:
    """Keep what was sent, with an unguessable name and the options of the storage."""
    upload = uploads.sign_upload("documents/사진 1.jpg", **SIGNED)
    assert keys(uploads) == []
    assert send(upload, JPEG) == 204
    [waiting] = keys(uploads)
    assert waiting.startswith("tmp/uploads/")

    name = uploads.finish_upload(upload.token, owner="7")
    assert name == upload.name
    folder, unguessable, base = name.split("/")
    assert (folder, base, len(unguessable)) == ("documents", "사진_1.jpg", 22)
    assert keys(uploads) == [name]
    assert read(uploads, name) == JPEG
    found = client_of(uploads).head_object(
        Bucket=uploads.bucket_name, Key=f"{uploads.location}/{name}".lstrip("/")
    )
    assert (found["ContentType"], found["CacheControl"]) == ("image/jpeg", "private")
    assert found["Metadata"]["of"] == "shop"
    assert "Signature=" in uploads.url(name)


def test_what_s3_refuses(uploads: Any) -> None:
    """Let S3 refuse another size, type or key, and any field that was not signed."""
    upload = uploads.sign_upload("a.jpg", **SIGNED)
    assert send(upload, JPEG[:-1]) == 400
    assert send(upload, JPEG + b"x") == 400
    for changed in (
        {"Content-Type": "text/html"},
        {"key": "b.jpg"},
        {"x-amz-meta-cfsigned-upload": "x"},
    ):
        assert send(upload, JPEG, **changed) == 403, changed
    with pytest.raises(UploadGone, match=r"a\.jpg.*Send the file"):
        uploads.finish_upload(upload.token, owner="7")
    assert keys(uploads) == []


def test_again(uploads: Any) -> None:
    """Return the name again, keep what was kept, and remove what was sent meanwhile."""
    upload = uploads.sign_upload("a.jpg", **SIGNED)
    assert send(upload, JPEG) == 204
    name = uploads.finish_upload(upload.token, owner="7")
    assert uploads.finish_upload(upload.token, owner="7") == name
    assert send(upload, OTHER) == 204
    assert uploads.finish_upload(upload.token, owner="7") == name
    assert read(uploads, name) == JPEG
    assert keys(uploads) == [name]
    uploads.delete(name)
    with pytest.raises(UploadGone):
        uploads.finish_upload(upload.token, owner="7")
    # While the form is valid: the page says so.
    assert send(upload, OTHER) == 204
    assert read(uploads, uploads.finish_upload(upload.token, owner="7")) == OTHER


def between(storage: Any, method: str, act: Callable[[], Any]) -> Any:
    """Act after all was looked at, right before a call of the client writes."""
    client = client_of(storage)
    original = getattr(client, method)

    def later(**parameters: Any) -> Any:
        act()
        return original(**parameters)

    return mock.patch.object(client, method, later)


def test_another_file_is_there(uploads: Any, sent: tuple[Upload, bytes]) -> None:
    """Overwrite nothing, though the storage overwrites: what comes in between, or is there."""
    upload, _ = sent
    write = "copy_object" if upload.fields else "complete_multipart_upload"
    save = lambda: uploads.save(upload.name, ContentFile(b"of somebody else"))  # noqa: E731
    for around in (between(uploads, write, save), nullcontext()):
        with around, pytest.raises(UploadError, match="another file"):
            uploads.finish_upload(upload.token, owner="7")
        assert read(uploads, upload.name) == b"of somebody else"


def test_what_waits_changes_in_between(uploads: Any) -> None:
    """Copy only what was looked at."""
    upload = uploads.sign_upload("a.jpg", **SIGNED)
    assert send(upload, JPEG) == 204
    with (
        between(uploads, "copy_object", lambda: send(upload, OTHER)),
        pytest.raises(UploadError, match="replaced"),
    ):
        uploads.finish_upload(upload.token, owner="7")
    assert [each for each in keys(uploads) if not each.startswith("tmp/")] == []
    assert read(uploads, uploads.finish_upload(upload.token, owner="7")) == OTHER


def test_several_at_once(uploads: Any, sent: tuple[Upload, bytes]) -> None:
    """Give each of several calls the name."""
    upload, data = sent
    barrier = Barrier(6)

    def finish(_: int) -> Any:
        client_of(uploads)  # Each thread makes its own, which takes a while.
        barrier.wait()
        return uploads.finish_upload(upload.token, owner="7")

    with ThreadPoolExecutor(6) as pool:
        assert [*pool.map(finish, range(6))] == [upload.name] * 6
    assert read(uploads, upload.name) == data
    assert keys(uploads) == [upload.name]


def test_something_else_waits(uploads: Any) -> None:
    """Say what is wrong with what a server without policies has let in."""
    client = client_of(uploads)
    for body, content_type, said in (
        (JPEG + b"x", "image/jpeg", "1005 bytes"),
        (JPEG, "text/html", "'text/html'"),
    ):
        upload = uploads.sign_upload("a.jpg", **SIGNED)
        client.put_object(
            Bucket=uploads.bucket_name,
            Key=upload.fields["key"],
            Body=body,
            ContentType=content_type,
        )
        with pytest.raises(UploadError, match=said):
            uploads.finish_upload(upload.token, owner="7")
        assert not uploads.exists(upload.name)


def test_what_a_form_adds_is_left_out(uploads: Any) -> None:
    """Keep no tags, metadata and headers that a server without strict policies has taken."""
    upload = uploads.sign_upload("a.jpg", **SIGNED)
    client, place = client_of(uploads), {"Bucket": uploads.bucket_name}
    given = {"ContentType": "image/jpeg", "Tagging": "clean=yes", "Metadata": {"x": "y"}}
    added = {"ContentEncoding": "gzip", "ContentDisposition": "inline"}
    client.put_object(**place, Key=upload.fields["key"], Body=JPEG, **given, **added)
    place["Key"] = f"{uploads.location}/{uploads.finish_upload(upload.token, owner='7')}"
    assert client.get_object_tagging(**place)["TagSet"] == []
    found = client.head_object(**place)
    assert added.keys() & found.keys() == set()
    assert (found["ContentType"], "x" in found["Metadata"]) == ("image/jpeg", False)


def test_what_waits_cannot_be_deleted(uploads: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Keep the file, and log why what waits is left to its expiry."""
    upload = uploads.sign_upload("a.jpg", **SIGNED)
    assert send(upload, JPEG) == 204
    refused = ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteObject")
    with mock.patch.object(client_of(uploads), "delete_object", side_effect=refused):
        assert uploads.finish_upload(upload.token, owner="7") == upload.name
    assert "s3:DeleteObject" in caplog.text


# Parts


@PLACES
def test_parts(uploads: Any, small_parts: None) -> None:
    """Make a file of its parts, which nobody can see before; a part that is missing is named."""
    upload = uploads.sign_upload("films/a.mp4", size=len(FILM), content_type="video/mp4", owner="7")
    assert (upload.url, upload.fields) == ("", {})
    assert [each.size for each in upload.parts] == [5 * MEGABYTE, 5 * MEGABYTE, 2 * MEGABYTE]
    assert [send_part(upload, number) for number in (1, 3)] == [200, 200]
    with pytest.raises(UploadIncomplete, match="1 of 3 parts") as caught:
        uploads.finish_upload(upload.token, owner="7")
    assert caught.value.missing == (2,)
    assert keys(uploads) == []

    assert send_part(upload, 2) == 200
    name = uploads.finish_upload(upload.token, owner="7")
    assert uploads.finish_upload(upload.token, owner="7") == name == upload.name
    assert read(uploads, name) == FILM
    found = client_of(uploads).head_object(
        Bucket=uploads.bucket_name, Key=f"{uploads.location}/{name}".lstrip("/")
    )
    assert (found["ContentType"], found["CacheControl"]) == ("video/mp4", "private")
    assert found["Metadata"]["of"] == "shop"
    assert keys(uploads) == [name]
    assert send_part(upload, 1, bytes(len(FILM))) == 404
    uploads.delete(name)
    with pytest.raises(UploadGone):
        uploads.finish_upload(upload.token, owner="7")


def test_a_part_has_its_length(uploads: Any, small_parts: None) -> None:
    """Let S3 refuse a part that is longer or shorter, in any region."""
    upload = uploads.sign_upload("a.mp4", size=len(FILM), owner="7")
    for length in (2 * MEGABYTE - 1, 2 * MEGABYTE + 1):
        assert send_to("PUT", upload.parts[2].url, body=bytes(length)).status == 403
    query = dict(parse_qsl(urlsplit(upload.parts[0].url).query))
    assert "content-length" in query["X-Amz-SignedHeaders"]


def test_a_part_changes_in_between(uploads: Any, small_parts: None) -> None:
    """Say that a part was replaced, if S3 has another one than was looked at."""
    upload = uploads.sign_upload("a.mp4", size=len(FILM), owner="7")
    assert [send_part(upload, number) for number in (1, 2, 3)] == [200] * 3
    refused = ClientError({"Error": {"Code": "InvalidPart"}}, "CompleteMultipartUpload")
    with (
        mock.patch.object(client_of(uploads), "complete_multipart_upload", side_effect=refused),
        pytest.raises(UploadError, match="replaced"),
    ):
        uploads.finish_upload(upload.token, owner="7")
    assert keys(uploads) == []


def test_checksums_are_not_demanded(uploads: Any, small_parts: None) -> None:
    """Start no upload whose parts need a checksum, which a browser does not send."""
    uploads.object_parameters = {"ChecksumAlgorithm": "SHA256"}
    sent: list[Any] = []
    event = "before-call.s3.CreateMultipartUpload"
    client_of(uploads).meta.events.register(event, lambda params, **_: sent.append(params))
    upload = uploads.sign_upload("a.mp4", size=len(FILM), owner="7")
    assert "checksum" not in str(sent[0]["headers"]).lower()
    assert [send_part(upload, number) for number in (1, 2, 3)] == [200] * 3
    uploads.finish_upload(upload.token, owner="7")


@pytest.mark.parametrize(
    ("size", "count", "largest"),
    [
        (5 * 2**30 + 1, 81, 64 * MEGABYTE),
        (6 * 2**30, 96, 64 * MEGABYTE),
        (1000 * 64 * MEGABYTE, 1000, 64 * MEGABYTE),
        (1000 * 64 * MEGABYTE + 1, 1000, 64 * MEGABYTE + 1),
        (5000 * 2**30, 1000, 5 * 2**30),
    ],
)
def test_sizes_of_parts(size: int, count: int, largest: int) -> None:
    """Divide any size into at most a thousand parts, of which all but the last are the same."""
    sizes = s3.part_sizes(size)
    assert (sum(sizes), len(sizes), max(sizes)) == (size, count, largest)
    assert len(set(sizes[:-1])) <= 1


# Servers that know no conditions


@pytest.fixture
def no_conditions(uploads: Any) -> None:
    """Let the server not get the condition, as one that ignores it."""
    events = client_of(uploads).meta.events
    for operation in ("CopyObject", "CompleteMultipartUpload"):
        events.register(f"before-call.s3.{operation}", without_condition)


def without_condition(params: dict[str, Any], **event: Any) -> None:
    """Send the request without its condition."""
    del params["headers"]["If-None-Match"]


def test_the_careful_way(uploads: Any, sent: tuple[Upload, bytes], no_conditions: None) -> None:
    """Finish once and twice, and overwrite nothing that is there."""
    upload, data = sent
    for _ in range(2):
        assert uploads.finish_upload(upload.token, owner="7") == upload.name
        assert read(uploads, upload.name) == data
    taken = uploads.sign_upload("b.jpg", **SIGNED)
    assert send(taken, JPEG) == 204
    uploads.save(taken.name, ContentFile(b"of somebody else"))
    with pytest.raises(UploadError, match="another file"):
        uploads.finish_upload(taken.token, owner="7")
    assert read(uploads, taken.name) == b"of somebody else"


# Tokens


def test_whose_token(uploads: Any, site: Any, s3_options: dict[str, Any], s3_server: Any) -> None:
    """Refuse another owner, another storage, and a token that was changed or is too old."""
    upload = uploads.sign_upload("a.jpg", **SIGNED)
    assert send(upload, JPEG) == 204
    elsewhere = {"bucket_name": f"{s3_options['bucket_name']}-2"}
    s3_server.client().create_bucket(Bucket=elsewhere["bucket_name"])
    signed = upload.token
    payload = signing.loads(signed, salt="cfsigned_django.uploads")
    refused: list[tuple[Any, Any, str, str]] = [
        *((uploads, signed, owner, "owner") for owner in ("", "77")),
        *(
            (CloudFrontS3Storage(**s3_options | options), signed, "7", "another storage")
            for options in (elsewhere | {"location": uploads.location}, {"location": "other"})
        ),
        (uploads, signing.dumps(payload, salt="shop"), "7", "token"),
        (uploads, signing.dumps(payload, key="x", salt="cfsigned_django.uploads"), "7", "token"),
        *((uploads, token, "7", "token") for token in (f"{signed}x", None, "a:b:\ud800")),
    ]
    for storage, token, owner, named in refused:
        with pytest.raises(UploadError, match=f"^(?!.*{upload.name}).*{named}"):
            storage.finish_upload(token, owner=owner)
    with at(time.time() + 7 * DAY + 1), pytest.raises(UploadError, match="7 days"):
        uploads.finish_upload(signed, owner="7")

    site.SECRET_KEY_FALLBACKS, site.SECRET_KEY = [site.SECRET_KEY], "a new one"
    assert uploads.finish_upload(signed, owner="7") == upload.name


# Arguments


@pytest.fixture
def offline(site: Any) -> Any:
    """Return a storage that has no server: to sign a form asks none."""
    return CloudFrontS3Storage(
        endpoint_url="http://127.0.0.1:1",
        region_name="us-east-1",
        access_key="a",
        secret_key="b",
        location="private",
    )


#: Arguments that make no sense, the error, and what it names. No file may have the first names; at
#: the others, files expire, or they are too long below the folder in which uploads wait.
REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    *(
        ({"name": name}, ValueError, "name")
        for name in (
            *(None, "", "/etc/passwd", "documents/", "./a.jpg", "documents\\a.jpg"),
            *("documents/a\n.jpg", "documents/\ud800.jpg"),
            *("tmp/uploads/a.jpg", "media/tmp/uploads/a.jpg"),
            *("documents/" + "a" * 1024, "d/" + "a" * 1010),
        )
    ),
    ({"name": "a/../b.jpg"}, SuspiciousFileOperation, "b.jpg"),
    *(({"size": each}, ValueError, "size") for each in (0, "1004", True)),
    ({"size": 5000 * 2**30 + 1}, ValueError, "5,000 GiB"),
    *(
        ({"content_type": each}, ValueError, "content_type")
        for each in ("image", "image/jpeg\r\nX: y", b"image/jpeg", f"a/b{';a' * 50}\n")
    ),
    *(({"expire": each}, ValueError, "expire") for each in (0, "600")),
    ({"expire": timedelta(days=7, seconds=1)}, ValueError, "7 days"),
    ({"owner": None}, TypeError, "owner"),
]


@pytest.mark.parametrize(("given", "error", "named"), REFUSED, ids=lambda value: ascii(value)[:40])
def test_refused(given: dict[str, Any], error: type[Exception], named: str, offline: Any) -> None:
    """Refuse an argument that makes no sense, and name it."""
    with pytest.raises(error, match=named):
        offline.sign_upload(**{"name": "a.jpg", **SIGNED, **given})


TYPES = (
    ("a.png", None, "image/png"),
    ("a.unknown", None, "application/octet-stream"),
    ("a.txt", "text/plain; charset=utf-8", "text/plain; charset=utf-8"),
)


def test_types(uploads: Any) -> None:
    """Bind the type that was given, else that of the name; only that if the storage wants it."""
    for name, given, bound in TYPES:
        upload = uploads.sign_upload(name, size=len(JPEG), content_type=given)
        assert upload.fields["Content-Type"] == bound
        assert send(upload, JPEG) == 204
        assert uploads.finish_upload(upload.token) == upload.name
    uploads.content_type_from_name = True
    upload = uploads.sign_upload("cat.jpg", size=4, content_type="text/html")
    assert upload.fields["Content-Type"] == "image/jpeg"
    assert send(upload, b"<p/>") == 204
    name = uploads.finish_upload(upload.token)
    assert uploads.bucket.Object(f"{uploads.location}/{name}").content_type == "image/jpeg"


def test_names_of_the_storage(s3_options: dict[str, Any], site: Any) -> None:
    """Ask the storage for the name, as save() does, and refuse what it may not be."""

    class Named(CloudFrontS3Storage):
        prefix = "kept/"

        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            return self.prefix + name

    storage = Named(**s3_options)
    assert storage.sign_upload("a.jpg", size=1).name.startswith("kept/")
    storage.prefix = "tmp/uploads/"
    with pytest.raises(ValueError, match="expire"):
        storage.sign_upload("a.jpg", size=1)


def test_what_a_page_gets(uploads: Any, small_parts: None) -> None:
    """Give a page JSON, with what it needs; the text of an upload shows no signature."""
    with at(NOW):
        form = uploads.sign_upload("a.jpg", **SIGNED, expire=timedelta(minutes=10))
    film = uploads.sign_upload("a.mp4", size=len(FILM), owner="7", expire=600)
    given = json.loads(json.dumps(form.to_dict()))
    assert set(given) == {"name", "expires_at", "token", "url", "fields"}
    assert form.expires_at == datetime.fromtimestamp(NOW + 600, UTC)
    assert datetime.fromisoformat(given["expires_at"]) == form.expires_at
    given = json.loads(json.dumps(film.to_dict()))
    assert set(given) == {"name", "expires_at", "token", "parts"}
    assert set(given["parts"][0]) == {"number", "size", "url"}
    for upload in (form, film):
        text = repr(upload) + str(upload)
        assert upload.token not in text
        assert "ignature" not in text
        assert "policy" not in text
        assert upload.name in text


# What is missing


def test_what_aws_refuses(uploads: Any) -> None:
    """Name the permission that the credentials lack, and keep nothing half."""
    upload = uploads.sign_upload("a.jpg", **SIGNED)
    assert send(upload, JPEG) == 204
    denied: Any = {"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}
    for method, permission in (("head_object", "s3:GetObject"), ("copy_object", "s3:PutObject")):
        with (
            mock.patch.object(
                client_of(uploads), method, side_effect=ClientError(denied, "Operation")
            ),
            pytest.raises(AwsError, match=permission) as caught,
        ):
            uploads.finish_upload(upload.token, owner="7")
        assert pickle.loads(pickle.dumps(caught.value)).permission  # noqa: S301 - our own
    assert uploads.finish_upload(upload.token, owner="7") == upload.name


@pytest.mark.parametrize(
    ("public", "name"),
    [
        (["covers/"], "covers/a.jpg"),
        (["tmp/"], "documents/a.jpg"),
        (lambda name: name.count("/") == 2, "documents/a.jpg"),
    ],
)
def test_public_folder(offline: Any, public: Any, name: str) -> None:
    """Sign no upload that anybody could open before somebody has looked at it."""
    offline.public = public
    with pytest.raises(ValueError, match="public"):
        offline.sign_upload(name, **SIGNED)
    offline.public = ["logos/"]
    assert offline.sign_upload(name, **SIGNED).fields
