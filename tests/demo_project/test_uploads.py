"""What the demo takes, and what it refuses, judged by content."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.demo_project.browsing import jpeg, links, upload

Image = pytest.importorskip("PIL.Image", reason="needs the demo extra: Pillow")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_the_content_decides_the_ending(site: Client, format: str) -> None:
    """Store a picture under the ending of what it is, not of what it is called."""
    page = upload(site, "/", ("photo.exe", jpeg(format=format)))
    ending = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}[format]
    assert f"Stored “photo.{ending}”" in page


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("page.jpg", b"<script>alert(1)</script>", "“page.jpg” is not a picture"),
        ("cut.jpg", jpeg()[:300], "“cut.jpg” is not a picture"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is not a picture"),
        ("bitmap.bmp", jpeg(format="BMP"), "is not a picture"),
        ("empty.jpg", b"", "empty"),
        ("large.jpg", b"x" * (10 * 1024 * 1024 + 1), "“large.jpg” is larger than 10 MB"),
        ("wide.png", jpeg((8001, 5000), "PNG"), "“wide.png” has 8001 x 5000 pixels"),
    ],
)
def test_what_is_no_picture_is_refused(
    site: Client, name: str, content: bytes, message: str
) -> None:
    """Refuse the upload with the file's name and the reason, and store nothing."""
    answer = site.post("/", {"uploads": SimpleUploadedFile(name, content)})
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert links(answer.content.decode()) == []


def test_one_bad_file_stores_none(site: Client) -> None:
    """Store nothing when one of several files is refused, and name only that one."""
    page = upload(site, "/", ("good.jpg", jpeg()), ("bad.jpg", b"no"))
    assert "“bad.jpg” is not a picture" in page
    assert "good.jpg" not in page
    assert links(page) == []


def test_too_many_files_are_refused(site: Client) -> None:
    """Take at most 20 files at a time."""
    page = upload(site, "/", *((f"{number}.jpg", jpeg()) for number in range(21)))
    assert "at most 20 files" in page


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a\0b", b"\x89PNG\r\n"])
def test_what_is_no_document_is_refused(site: Client, content: bytes) -> None:
    """Refuse what is neither a PDF nor text in UTF-8."""
    answer = site.post("/documents/", {"uploads": SimpleUploadedFile("a.txt", content)})
    assert "“a.txt” is neither a PDF nor text" in answer.content.decode()


def test_markup_is_kept_as_plain_text(site: Client) -> None:
    """Store a page that somebody uploads under a name that no browser runs."""
    assert "Stored “attack.txt”" in upload(site, "/documents/", ("attack.html", b"<script>"))


def test_a_camera_s_turn_is_followed(site: Client) -> None:
    """Turn the thumbnail of a picture that its camera marked as lying on its side."""
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (90, 60)).save(file, "JPEG", exif=exif)
    assert 'width="60" height="90"' in upload(site, "/", ("turned.jpg", file.getvalue()))


def test_uploads_need_the_site_s_own_form(site: Client) -> None:
    """Refuse an upload without the form's CSRF value."""
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/", {"uploads": SimpleUploadedFile("a.jpg", jpeg())})
    assert answer.status_code == 403


def test_a_script_gets_a_status_instead_of_a_page(site: Client) -> None:
    """Answer 201 to a script's upload and keep the message for the page that it loads next."""
    data = {"uploads": SimpleUploadedFile("a.jpg", jpeg())}
    answer = site.post("/", data, headers={"X-Requested-With": "fetch"})
    assert answer.status_code == 201
    assert "Stored “a.jpg”" in site.get("/").content.decode()
