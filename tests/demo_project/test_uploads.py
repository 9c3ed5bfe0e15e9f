"""What the demo takes, and what it refuses, judged by content."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.demo_project.browsing import jpeg, links, upload

Image = pytest.importorskip("PIL.Image", reason="needs the demo extra: Pillow")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("path", "name", "content", "stored"),
    [
        ("/", "photo.exe", jpeg(), "photo.jpg"),
        ("/", "photo.exe", jpeg(format="WEBP"), "photo.webp"),
        # Markup is kept as plain text, under a name that no browser runs.
        ("/documents/", "attack.html", b"<script>", "attack.txt"),
    ],
)
def test_the_content_decides_the_ending(
    site: Client, path: str, name: str, content: bytes, stored: str
) -> None:
    """Store a file under the ending of what it is, not of what it is called."""
    assert f"“{stored}”" in upload(site, path, (name, content))


@pytest.mark.parametrize(
    ("path", "name", "content"),
    [
        ("/", "page.jpg", b"<script>alert(1)</script>"),
        ("/", "cut.jpg", jpeg()[:300]),
        ("/", "drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("/", "bitmap.bmp", jpeg(format="BMP")),
        ("/", "empty.jpg", b""),
        ("/", "large.jpg", b"x" * (10 * 1024 * 1024 + 1)),
        ("/", "wide.png", jpeg((8001, 5000), "PNG")),
        ("/documents/", "a.txt", b"\xff\xfe\x00"),
        ("/documents/", "b.txt", b"a\0b"),
        ("/documents/", "c.pdf", b"\x89PNG\r\n"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    site: Client, path: str, name: str, content: bytes
) -> None:
    """Refuse the upload, name the file if it can be named, and store none of the others either."""
    good = ("heron.jpg", jpeg()) if path == "/" else ("heron.txt", b"text")
    files = [SimpleUploadedFile(*each) for each in (good, (name, content))]
    answer = site.post(path, {"uploads": files})
    assert answer.status_code == 422
    assert f"“{name}”" in answer.content.decode() or not content
    assert "heron" not in answer.content.decode()
    assert links(site.get(path).content.decode()) == []


def test_too_many_files_are_refused(site: Client) -> None:
    """Take at most 20 files at a time."""
    page = upload(site, "/", *((f"{number}.jpg", jpeg()) for number in range(21)))
    assert links(page) == []


def test_a_camera_s_turn_is_followed(site: Client) -> None:
    """Turn the thumbnail of a picture that its camera marked as lying on its side."""
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (90, 60)).save(file, "JPEG", exif=exif)
    assert 'width="60" height="90"' in upload(site, "/", ("turned.jpg", file.getvalue()))


def test_a_script_gets_a_status_instead_of_a_page(site: Client) -> None:
    """Answer 201 and keep the message for the next page; without the CSRF value, refuse."""
    data = {"uploads": SimpleUploadedFile("a.jpg", jpeg())}
    answer = site.post("/", data, headers={"X-Requested-With": "fetch"})
    assert answer.status_code == 201
    assert "“a.jpg”" in site.get("/").content.decode()
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/", data).status_code == 403
