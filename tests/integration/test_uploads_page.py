"""Follow the page about uploads from the browser, with an S3 server that checks policies.

Modules: storage/uploads.py
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client, RequestFactory
from django.urls import path

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import Upload
from tests.background import free_ports, plain_environment, running, send_to
from tests.integration.test_uploads import JPEG, send
from tests.pages import DOCS, snippets
from tests.reader import commands
from tests.storage_cases import FILE_BACKEND, S3_BACKEND

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


@pytest.fixture
def own_server(settings: Any, tmp_path: Path, rsa_key: PrivateKey) -> Iterator[str]:
    """Start the server of the section about development, and have its settings; yield its address.

    The ports are free ones, and the key is made here.
    """
    [block] = [each.code for each in snippets(PAGE) if "weed mini" in each.code]
    [(_, _), (start, _)] = commands(block)
    variables, command = start.replace("\\\n", "").split(" weed ")
    [pasted] = [each.code for each in snippets(PAGE) if each.role == "settings"]
    parts = ("s3", "master", "volume", "filer", "admin")
    names = [f"{part}.port{grpc}" for part in parts for grpc in ("", ".grpc")]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    address = f"http://127.0.0.1:{ports['s3.port']}"
    assert 'AWS_S3_ENDPOINT_URL = "http://127.0.0.1:8333"' in pasted
    (tmp_path / "development.pem").write_bytes(rsa_key.to_pem())
    (tmp_path / "development.pem").chmod(0o600)
    names_of_site: dict[str, Any] = {"BASE_DIR": tmp_path}
    exec(pasted.replace("http://127.0.0.1:8333", address), names_of_site)  # noqa: S102 - our own
    for name in filter(str.isupper, names_of_site):
        setattr(settings, name, names_of_site[name])

    storage: Any = default_storage
    client = storage.connection.meta.client

    def is_ready() -> bool:
        with suppress(BotoCoreError, ClientError):
            return bool(client.head_bucket(Bucket="media"))
        return False

    with running(
        [
            *shlex.split(f"weed {command}"),
            *(f"-{name}={port}" for name, port in ports.items()),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"),
        ],
        is_ready=is_ready,
        log=tmp_path / "weed.log",
        folder=tmp_path,
        environment={
            **plain_environment(),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            **dict(each.split("=") for each in variables.split()),
        },
        stop_with=signal.SIGKILL,
    ):
        yield address


@pytest.mark.django_db
def test_on_this_machine(own_server: str, settings: Any) -> None:
    """The server, the settings and the test of the section work together, for pages of any site."""
    views = code("start_upload")
    urls = path("start/", views.start_upload), path("finish/", views.finish_upload)
    settings.ROOT_URLCONF = urls
    member = User.objects.create(username="kim")

    code("test_upload").test_upload(SimpleNamespace(client=Client(), member=member))

    storage: Any = default_storage
    assert len([*storage.bucket.objects.all()]) == 1
    headers = {"Origin": "http://127.0.0.1:8000", "Access-Control-Request-Method": "POST"}
    preflight = send_to("OPTIONS", f"{own_server}/media", headers=headers)
    assert (preflight.status, preflight.headers["Access-Control-Allow-Origin"]) == (200, "*")


@pytest.mark.parametrize("backend", [FILE_BACKEND, "cfsigned_django.testing.InMemorySignedStorage"])
def test_storage_that_takes_no_uploads(settings: Any, backend: str) -> None:
    """A storage that is not S3 says what development and tests need."""
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": backend}}

    storage: Any = default_storage

    with pytest.raises(ImproperlyConfigured, match="In development and in tests"):
        storage.sign_upload("a.jpg", size=5)
    assert "## In development and in tests" in PAGE.read_text()
