"""Follow the page about uploads from the browser, with an S3 server that checks policies.

Modules: storage/uploads.py
"""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import RequestFactory

from cfsigned_django.storage import Upload
from tests.integration.test_uploads import JPEG, send
from tests.pages import DOCS, snippets
from tests.storage_cases import S3_BACKEND

PAGE = DOCS / "how-to" / "uploads.md"


def code(name: str) -> ModuleType:
    """Return what the block of the page defines that has a function of this name."""
    [found] = [each.code for each in snippets(PAGE) if f"def {name}(" in each.code]
    module = ModuleType("uploads")
    exec(compile(found, PAGE.name, "exec"), vars(module))  # noqa: S102 - our own page
    return module


@pytest.fixture
def views(site: Any, s3_options: dict[str, Any]) -> Any:
    """Return the views of the page, on a site with a location."""
    options = {**s3_options, "location": "private/files"}
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
    return code("start_upload")


def call(view: Any, user: User, **fields: Any) -> Any:
    """Call a view as a user."""
    request = RequestFactory().post("/", fields)
    request.user = user
    return view(request)


def start(views: Any, user: User, name: str = "a.jpg", **fields: Any) -> tuple[Any, Upload]:
    """Ask for an upload, and return its JSON, and the same as an object."""
    asked = {"name": name, "type": "image/jpeg", "size": len(JPEG), **fields}
    given = json.loads(call(views.start_upload, user, **asked).content)
    return given, Upload(**given)


def test_upload(views: Any) -> None:
    """Keep a file in the location, with the ending of its type; its URL is signed."""
    pk: Any
    for pk, name, kept in (
        (1, "사진 1.jpg", "사진_1.jpg"),
        (uuid4(), "a.html", "a.jpg"),
        (1, "../../x\\y.jpg", "xy.jpg"),
        (1, "a" * 300, "a" * 50 + ".jpg"),
        (1, "..", "...jpg"),
    ):
        user = User(pk=pk)
        given, upload = start(views, user, name)
        assert send(upload, JPEG) == 204
        for _ in range(2):
            answer = call(views.finish_upload, user, token=given["token"])
            url = json.loads(answer.content)["url"]
            assert "Signature=" in url
            assert urlsplit(url).path.startswith("/private/files/documents/")
        assert given["name"].endswith(f"/{kept}")
        assert len(given["name"]) <= 100
        assert default_storage.size(given["name"]) == len(JPEG)


def test_refusals(views: Any) -> None:
    """Refuse a type, a size, another user and a wrong token."""
    user = User(pk=1)
    asked: dict[str, Any]
    for asked in (
        {"type": "text/html"},
        {"size": 20 * 2**20 + 1},
        {"size": "9" * 5000},
        {"name": ""},
    ):
        asked = {"name": "a.jpg", "type": "image/jpeg", "size": 5, **asked}
        assert call(views.start_upload, user, **asked).status_code == 400
    given, upload = start(views, user)
    assert call(views.finish_upload, user, token=given["token"]).status_code == 400
    assert send(upload, JPEG) == 204
    assert call(views.finish_upload, User(pk=2), token=given["token"]).status_code == 400
    assert call(views.finish_upload, user).status_code == 400
    assert call(views.finish_upload, user, token=f"{given['token']}x").status_code == 400
    assert not default_storage.exists(given["name"])


def test_what_is_in_the_file(views: Any) -> None:
    """Tell a picture from something else under its name, by its first bytes."""
    looks_right = code("is_what_its_name_says").is_what_its_name_says
    assert looks_right(default_storage.save("a.jpg", ContentFile(JPEG)))
    assert not looks_right(default_storage.save("b.jpg", ContentFile(b"<script>")))
    # What is left of a name that is an emoji.
    assert looks_right(default_storage.save("c/.jpg", ContentFile(JPEG)))
