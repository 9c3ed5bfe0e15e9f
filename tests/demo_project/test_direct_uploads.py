"""The upload page of the demo, with an S3 server that checks signatures."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.test import Client, override_settings

from tests.background import send_to
from tests.demo_project import links
from tests.storage_cases import S3_BACKEND, verify

pytest.importorskip("PIL", reason="needs the demo group: Pillow")

PNG = b"\x89PNG\r\n\x1a\n" + bytes(1000)


@pytest.fixture(autouse=True)
def _in_s3(site: Client, s3_options: dict[str, Any], settings: Any) -> Any:
    """Put the default storage of the site into S3."""
    options = {**s3_options, "signature_version": "s3v4"}
    default = {"BACKEND": S3_BACKEND, "OPTIONS": options}
    with override_settings(STORAGES={**settings.STORAGES, "default": default}):
        yield


def start(
    site: Client, name: str = "우리 집.png", kind: str = "image/png", size: Any = 1008
) -> Any:
    """Ask for the permission to send a file."""
    return site.post("/upload/start/", {"name": name, "type": kind, "size": size})


def send(permission: Any, data: bytes) -> int:
    """Send a file as a browser does, and return the status."""
    fields = {**permission["fields"], "file": ("a.png", data)}
    return send_to("POST", permission["url"], fields=fields).status


def documents() -> Any:
    """Return the rows of all documents."""
    model: Any = apps.get_app_config("gallery").get_model("Document")
    return model.objects


def files() -> list[str]:
    """Return the names of all files in the bucket."""
    return [each.key for each in default_storage.bucket.objects.all()]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["우리 집.png", "😀.png"])
def test_a_file_goes_to_s3(site: Client, name: str) -> None:
    """Keep what S3 took and the site checked, with signed links; ask again, and it is the same."""
    permission = start(site, name).json()
    finish = {"token": permission["token"], "name": name}
    assert site.post("/upload/finish/", finish).status_code == 400
    assert send(permission, PNG) == 204

    pages = [site.post("/upload/finish/", finish).content.decode() for _ in range(2)]
    document = documents().get()
    for page in pages:
        urls = links(page)
        assert len(urls) == 2
        for url in urls:
            verify("default", url)
    assert (document.original_name, document.size) == (name, len(PNG))
    assert files() == [document.file.name]


def test_what_may_not_be_sent(site: Client, subtests: pytest.Subtests) -> None:
    """Refuse a type, and a size, in words that name the file."""
    sizes: list[Any] = [0, 250 * 2**20 + 1, "-1", "x", "9" * 5000]
    for asked in ({"kind": "text/html"}, *({"size": each} for each in sizes)):
        with subtests.test(str(asked)[:40]):
            refused = start(site, **asked)
            assert refused.status_code == 400
            assert "우리 집.png" in refused.content.decode()


def test_what_is_not_kept(site: Client) -> None:
    """Delete what is not of its type, and refuse tokens that the site has not signed."""
    permission = start(site, size=8).json()
    assert send(permission, b"<script>") == 204
    for given in ({}, {"token": permission["token"] + "x"}):
        assert site.post("/upload/finish/", given).status_code == 400
    assert len(files()) == 1
    assert site.post("/upload/finish/", {"token": permission["token"]}).status_code == 400
    assert (files(), documents().count()) == ([], 0)
