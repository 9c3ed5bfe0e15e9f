"""The demo's pages and uploads, with files on disk behind a local edge in this process."""

from __future__ import annotations

import io
import re
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from cfsigned_django.signing import PrivateKey
from cfsigned_django.testing import edge_for
from cfsigned_django.tools.edge.server import EdgeServer
from demo_project.gallery.anatomy import dissect
from demo_project.gallery.attempts import ask
from demo_project.run import KEYS_PATH
from demo_project.state import ADMIN_NAME, COOKIE_DOMAIN, LINK_VARIABLE, Pace
from tests.demo_project import HOST, KEY_GROUP_ID, jpeg, links, upload
from tests.pages import paste, started_project

Image = pytest.importorskip("PIL.Image", reason="needs the demo group: Pillow")


def test_an_uploaded_picture_is_shown_through_a_signed_link(site: Client) -> None:
    """Show the thumbnail with its size, its text and the end of its link, which the edge serves."""
    page = upload(site, "/", ("우리 집.jpg", jpeg()))
    (link,) = links(page)
    assert 'width="90" height="60"' in page
    # The caption names the picture: a screen reader would read the same text again.
    assert 'alt=""' in page
    assert '<span class="caption">우리 집</span>' in page
    assert f'data-expires="{dissect(link).policy.date_less_than}"' in page
    assert ask(link).status == 200


def test_icon_of_the_admin(site: Client) -> None:
    """Lead a browser that asks for the icon of an admin page to that of the demo."""
    assert site.get("/favicon.ico").headers["Location"].endswith("mark.svg")


def test_log_in_of_the_admin(site: Client) -> None:
    """Tell who may log in a person who has opened the keys without a look at the terminal."""
    page = site.get(KEYS_PATH, follow=True).text
    assert f"<strong>{ADMIN_NAME}</strong>" in page


def test_the_site_asks_for_its_own_file_only(
    site: Client, edge: EdgeServer, subtests: pytest.Subtests
) -> None:
    """Refuse to send a request to an invented address."""
    upload(site, "/documents/", ("a.txt", b"text"))
    own = default_storage.url("documents/a.txt").partition("?")[0]
    for url in (
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/documents/a.txt",
        "file:///etc/passwd",
        f"{own}.evil.test/",
        f"{own}\r\nX: y",
        f"http://{HOST}:{edge.port}/documents/other.txt",
        "",
    ):
        with subtests.test(url):
            assert site.post("/documents/1/", {"url": url}).status_code == 400
    assert site.post("/documents/1/", {"url": own}).status_code == 200


#: A kind of link -> whether its policy is canned, what is shown of it, and what the edge answers.
RECIPES = {
    "plain": (True, "storage.url(name)", 200),
    "download": (True, "response-content-disposition", 200),
    "address": (False, "&quot;AWS:SourceIp&quot;: &quot;127.0.0.1/32&quot;", 200),
    "later": (False, "DateGreaterThan", 403),
    "folder": (False, "/documents/*&quot;", 200),
    "no such kind": (True, "storage.url(name)", 200),
}


def test_a_file_s_page_takes_its_link_apart(
    site: Client, clock: Any, subtests: pytest.Subtests
) -> None:
    """Show the policy of each kind of link, and whether it is canned; the link can be opened."""
    upload(site, "/documents/", ("a.txt", b"text"))
    for recipe, (is_canned, shown, status) in RECIPES.items():
        with subtests.test(recipe):
            page = site.get("/documents/1/", {"link": recipe}).content.decode()
            assert shown in page
            assert ("custom:" in page) is not is_canned
            (made,) = re.findall(r'href="([^"]+)"[^>]*>Open this link', page)
            assert edge_for().get(unescape(made), now=int(clock.now)).status == status


def test_a_link_for_an_e_mail_outlives_signed_urls(site: Client, clock: Any) -> None:
    """Lead to a signed URL that the edge serves a year later, and to files that are listed only."""
    upload(site, "/documents/", ("회의록 2026.txt", "회의".encode()))
    page = site.get("/documents/1/").content.decode()
    (link,) = re.findall(r'<input id="lasting"[^>]* value="([^"]+)"', page)
    assert "Signature" not in link
    clock.now += 365 * 24 * 3600
    answer = site.get(link)
    assert answer.status_code == 302
    assert edge_for().get(answer.headers["Location"], now=int(clock.now)).body == "회의".encode()
    for name in ("documents/secret.txt", "pictures/나무.jpg", "thumbs/0001.jpg"):
        default_storage.save(name, ContentFile(b"x"))
        assert site.get(f"/media/{quote(name)}").status_code == 403


def test_json_lists_links_for_the_lifetime_asked_for(site: Client) -> None:
    """Return links to every file, and when they end, and refuse lifetimes that make no sense."""
    upload(site, "/", ("a.jpg", jpeg()))
    answer = site.get("/api/files/", {"expire": "60"}).json()
    (file,) = answer["files"]
    assert file["name"] == "a.jpg"
    assert dissect(file["url"]).expires_at == datetime.fromisoformat(answer["expires_at"])
    assert file["download_url"].partition("?")[0] in site.get("/api/").content.decode()
    assert ask(file["url"]).status == 200
    with override_settings(AWS_QUERYSTRING_EXPIRE=90):
        statuses = {
            expire: site.get("/api/files/", {"expire": expire}).status_code
            for expire in ("0", "90", "91", "²")
        }
    assert statuses == {"0": 400, "90": 200, "91": 400, "²": 400}


def test_pages_work_before_anything_is_uploaded(site: Client) -> None:
    """Show empty pages, and no page for a file that is not there; no page runs an inline script."""
    for path in ("/", "/documents/", "/how/", "/api/"):
        answer = site.get(path)
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert re.findall(r"<script(?![^>]*src=)|\son\w+=", answer.content.decode()) == []
    assert site.get("/pictures/1/").status_code == 404


def test_the_box_of_settings_can_be_pasted(site: Client) -> None:
    """At the end of the settings of a new project, they install the app and keep what is there."""
    page = site.get("/how/").content.decode()
    [box] = re.findall(r'aria-label="Settings">(.*?)</pre>', page, re.DOTALL)
    names = started_project()
    paste(unescape(re.sub("<[^>]+>", "", box)), names)
    assert names["INSTALLED_APPS"][-1] == "cfsigned_django"
    assert names["AWS_CLOUDFRONT_KEY_GROUP_ID"] == KEY_GROUP_ID


# What the pages say about keys


def test_the_gallery_measures_its_links(site: Client, rsa_key: PrivateKey) -> None:
    """State the length of the shortest link, and offer the rotation while an RSA key signs."""
    assert "data-length" not in site.get("/").content.decode()
    upload(site, "/", ("a.jpg", jpeg()))
    page = upload(site, "/", ("a much longer name.jpg", jpeg()))

    def measured(page: str) -> int:
        return int(re.findall(r'data-length="(\d+)"', page)[0])

    assert measured(page) == min(map(len, links(page))) < max(map(len, links(page)))
    with override_settings(AWS_CLOUDFRONT_KEY=rsa_key.to_pem()):
        before = site.get("/").content.decode()
    assert f'href="{KEYS_PATH}">Rotate' in before
    assert f'href="{KEYS_PATH}">Rotate' not in page
    assert measured(page) < measured(before) - 200


def test_links_are_as_short_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the lifetime of links from the environment, and refuse one that makes no sense."""
    monkeypatch.setenv(LINK_VARIABLE, "15")
    assert Pace.from_environment() == Pace(link=15)
    for text in ("14", "604801", "1.5", "-20", "ninety", "²²"):
        monkeypatch.setenv(LINK_VARIABLE, text)
        with pytest.raises(SystemExit, match=LINK_VARIABLE):
            Pace.from_environment()


# What may be uploaded, judged by content


def test_the_content_decides_the_ending(site: Client, subtests: pytest.Subtests) -> None:
    """Store a file under the ending of what it is, not of what it is called."""
    for path, name, content, stored in (
        ("/", "photo.exe", jpeg(), "photo.jpg"),
        ("/", "photo.exe", jpeg(format="WEBP"), "photo.webp"),
        # Markup is kept as plain text, under a name that no browser runs.
        ("/documents/", "attack.html", b"<script>", "attack.txt"),
    ):
        with subtests.test(stored):
            assert f"“{stored}”" in upload(site, path, (name, content))


def test_what_cannot_be_shown_is_refused(site: Client, subtests: pytest.Subtests) -> None:
    """Refuse the upload, name the file, and store none of the others either."""
    for path, name, content in (
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
    ):
        good = ("heron.jpg", jpeg()) if path == "/" else ("heron.txt", b"text")
        files = [SimpleUploadedFile(*each) for each in (good, (name, content))]
        with subtests.test(name):
            answer = site.post(path, {"uploads": files})
            assert answer.status_code == 422
            assert f"“{name}”" in answer.content.decode()
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


# The film


def test_who_can_log_in_by_a_button(site: Client) -> None:
    """Nobody becomes the superuser that way; without cookies, the page names its other address."""
    User.objects.create_superuser("demo")
    assert site.post("/video/log-in/", {"name": "demo"}).status_code == 404
    assert f'href="http://app.{COOKIE_DOMAIN}/video/"' in site.get("/video/").content.decode()
