"""Follow the page about uploads from the browser, with an S3 server that checks policies."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import urllib3
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import RequestFactory

from tests.pages import DOCS, snippets
from tests.storage_cases import S3_BACKEND

JPEG = b"\xff\xd8\xff\xe0" + bytes(1000)


@pytest.fixture(params=["", "private/files"])
def views(request: pytest.FixtureRequest, site: Any, s3_options: dict[str, Any]) -> Any:
    """Return the views of the page, on a site with and without a location."""
    options = {**s3_options, "signature_version": "s3v4", "location": request.param}
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
    [code] = [
        each.code
        for each in snippets(DOCS / "how-to" / "uploads.md")
        if "def start_upload" in each.code
    ]
    module = ModuleType("uploads")
    exec(compile(code, "uploads.md", "exec"), vars(module))  # noqa: S102 - our own page
    return module


def call(view: Any, user: User, **fields: str) -> Any:
    """Call a view as a user."""
    request = RequestFactory().post("/", fields)
    request.user = user
    return view(request)


def send(upload: dict[str, Any], data: bytes, **changes: str) -> int:
    """Send a file to S3 as a browser does, with fields of the form changed; return the status."""
    fields = {**upload["fields"], **changes, "file": ("a.jpg", data)}
    return urllib3.request("POST", upload["url"], fields=fields, retries=False).status


def files(folder: str) -> list[str]:
    """Return the names of the files in the folders of a folder; SeaweedFS keeps empty ones."""
    folders = default_storage.listdir(folder)[0]
    return [
        f"{folder}/{each}/{name}"
        for each in folders
        for name in default_storage.listdir(f"{folder}/{each}")[1]
    ]


def test_upload(views: Any) -> None:
    """Keep a file in the location, with the ending of its type; its URL is signed."""
    pk: Any
    for pk, name, kept in (
        (1, "사진 1.jpg", "사진_1.jpg"),
        (uuid4(), "a.html", "a.jpg"),
        (1, "a" * 300, "a" * 50 + ".jpg"),
        (1, "", ".jpg"),
    ):
        user, before = User(pk=pk), set(files("uploads"))
        upload = json.loads(call(views.start_upload, user, name=name, type="image/jpeg").content)

        assert send(upload, JPEG) == 204
        answer = call(views.finish_upload, user, token=upload["token"])
        url = json.loads(answer.content)["url"]
        assert "Signature=" in url
        [stored] = set(files("uploads")) - before
        assert stored.endswith(f"/{kept}")
        assert len(stored) <= 100
        folder = f"/{default_storage.location}".rstrip("/")  # type: ignore[attr-defined]
        assert urlsplit(url).path.startswith(f"{folder}/uploads/")


def test_what_was_checked_stays(views: Any) -> None:
    """Serve what was checked, with the options of the storage, after the form was used again."""
    user = User(pk=1)
    upload = json.loads(call(views.start_upload, user, name="a.jpg", type="image/jpeg").content)
    finish = {"token": upload["token"]}
    assert send(upload, JPEG) == 204
    default_storage.object_parameters = {"CacheControl": "private"}  # type: ignore[attr-defined]
    assert call(views.finish_upload, user, **finish).status_code == 200

    assert call(views.finish_upload, user, **finish).status_code == 400
    assert send(upload, b"<script>alert(1)</script>") == 204
    assert call(views.finish_upload, user, **finish).status_code == 400
    [name] = files("uploads")
    with default_storage.open(name) as file:
        assert file.read() == JPEG
        headers = file.obj.get()  # type: ignore[attr-defined]
    assert (headers["ContentType"], headers["CacheControl"]) == ("image/jpeg", "private")
    assert files("tmp/uploads") == []


def test_refusals(views: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse a type, a size, another name and a wrong token; delete what is of another type."""
    user = User(pk=1)
    assert call(views.start_upload, user, name="a.html", type="text/html").status_code == 400
    assert call(views.start_upload, user, name="a.html").status_code == 400
    monkeypatch.setattr(views, "MOST", 2000)
    upload = json.loads(call(views.start_upload, user, name="a.jpg", type="image/jpeg").content)
    finish = {"token": upload["token"]}

    assert send(upload, bytes(2001)) in {400, 403}
    assert send(upload, JPEG, **{"Content-Type": "text/html"}) == 403
    assert send(upload, JPEG, key="uploads/other.jpg") == 403
    assert call(views.finish_upload, user, **finish).status_code == 400
    assert send(upload, b"%PDF-1.7") == 204
    assert call(views.finish_upload, User(pk=2), **finish).status_code == 400
    assert call(views.finish_upload, user).status_code == 400
    assert call(views.finish_upload, user, token=f"{upload['token']}x").status_code == 400
    assert files("tmp/uploads") != []
    assert call(views.finish_upload, user, **finish).status_code == 400
    assert files("tmp/uploads") == files("uploads") == []
