"""What browsers are told of a file, by the ending of its name.

Modules: storage/names.py, storage/query.py, storage/backends.py
"""

from __future__ import annotations

import mimetypes
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from cfsigned_django.storage import CloudFrontS3Storage
from tests.storage_cases import BOTH, parameters_of

TYPES = ["text/html", "image/svg+xml"]
HTML = b"<script>alert(document.domain)</script>"


def disposition(url: str) -> str | None:
    """Return the disposition that a URL asks S3 for."""
    return parameters_of(url).get("response-content-disposition")


@BOTH
def test_endings(cls: Any, site: Any) -> None:
    """Let browsers save files of these types, of no known type, and no others; XML is one type."""
    storage = cls(attachment_types=TYPES, public=["covers/"])
    saved = ("a.html", "a.HTM", "x/a.svg", "a.svgz", "a.html.gz", "a", ".html", "a.unknown", "a.")
    for name in (*saved, "data:image/png,a.html", "covers/a.svg", "http://x/a.png/a.svg"):
        assert disposition(storage.url(name)) == "attachment", name
    for name in ("a.jpg", "a.pdf", "a.html.png", "covers/a.mp4", "data:text/html,a.jpg"):
        assert disposition(storage.url(name)) is None, name
    assert disposition(cls().url("a.html")) is None
    assert disposition(cls(attachment_types=()).url("a")) is None
    for xml in ("text/xml", "application/xml"):
        for name in ("a.svg", "a.xml", "a.xsl", "a.rdf"):
            assert disposition(cls(attachment_types=[xml]).url(name)) == "attachment", (xml, name)
    assert disposition(cls(attachment_types=["text/html"]).url("a.svg")) is None


def test_webp_on_any_machine(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Know WebP where the machine has no file of types, as small images of Docker have none."""
    monkeypatch.setattr(mimetypes, "guess_type", mimetypes.MimeTypes().guess_type)
    assert disposition(CloudFrontS3Storage(attachment_types=TYPES).url("a.webp")) is None


@BOTH
def test_what_a_call_asks_for(cls: Any, site: Any) -> None:
    """Leave the disposition to a call that gives one; no is not one."""
    storage = cls(attachment_types=TYPES)
    assert disposition(storage.url("a.svg", inline=True)) == 'inline; filename="a.svg"'
    assert disposition(storage.url("a.svg", download="b")) == 'attachment; filename="b"'
    for name in ("ResponseContentDisposition", "response-content-disposition"):
        assert disposition(storage.url("a.svg", {name: "inline"})) == "inline"
    for no in ({"download": False}, {"inline": False}, {"download": None}, {"expire": 60}):
        assert disposition(storage.url("a.svg", **no)) == "attachment"
    assert disposition(storage.url("albums/a.svg", folder="albums")) == "attachment"
    assert disposition(storage.unsigned_url("a.svg")) is None


def test_type_of_what_is_saved(site: Any, s3_options: dict[str, Any]) -> None:
    """Store the type that the name has, not the one that the browser said; by default, its."""
    for is_set in (False, True):
        storage = CloudFrontS3Storage(
            **s3_options, location="media", content_type_from_name=is_set, file_overwrite=True
        )
        found = {}
        for name in ("cat.jpg", "page.html", "data:text/html,.jpg", "unknown.x1", "none"):
            storage.save(name, SimpleUploadedFile("x", HTML, content_type="text/html"))
            found[name] = storage.bucket.Object(f"media/{name}").content_type
        with storage.open("written.jpg", "wb") as file:
            file.write(HTML)
        found["written.jpg"] = storage.bucket.Object("media/written.jpg").content_type
        unknown = "application/octet-stream" if is_set else "text/html"
        jpeg = "image/jpeg" if is_set else "text/html"
        assert found == {
            "cat.jpg": jpeg,
            "page.html": "text/html",
            "data:text/html,.jpg": jpeg,
            "unknown.x1": unknown,
            "none": unknown,
            "written.jpg": "image/jpeg",
        }


def test_type_of_the_site(site: Any, s3_options: dict[str, Any]) -> None:
    """The parameters that the site gives for all objects win, as for django-storages."""
    parameters = {"ContentType": "text/plain"}
    storage = CloudFrontS3Storage(
        **s3_options, object_parameters=parameters, content_type_from_name=True
    )
    storage.save("cat.jpg", SimpleUploadedFile("x", HTML, content_type="text/html"))
    assert storage.bucket.Object("cat.jpg").content_type == "text/plain"
