"""The demo's pages and uploads, with files on disk behind a local edge in this process."""

from __future__ import annotations

import io
import re
import time
from datetime import datetime
from html import unescape
from urllib.parse import quote, unquote

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.utils import timezone

from cfsigned_django.edge.server import EdgeServer
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.testing import edge_for
from demo_project.gallery.anatomy import dissect, unsigned
from demo_project.gallery.attempts import ask
from demo_project.run import KEYS_PATH
from demo_project.state import LINK_VARIABLE, Pace
from tests.demo_project.browsing import HOST, KEY_GROUP_ID, jpeg, links, upload
from tests.demo_project.conftest import Clock

Image = pytest.importorskip("PIL.Image", reason="needs the demo extra: Pillow")

pytestmark = pytest.mark.django_db(transaction=True)

SHORT = {
    "AWS_QUERYSTRING_EXPIRE": 90,
    "AWS_CLOUDFRONT_MAX_EXPIRE": 90,
    "AWS_CLOUDFRONT_PROPAGATION_SECONDS": 8,
    "AWS_CLOUDFRONT_KEYRING_SECONDS": 3,
    "AWS_CLOUDFRONT_CLOCK_SKEW_SECONDS": 1,
}


def test_an_uploaded_picture_is_shown_through_a_signed_link(site: Client) -> None:
    """Show the thumbnail with its size, its text and the end of its link, which the edge serves."""
    page = upload(site, "/", ("우리 집.jpg", jpeg()))
    (link,) = links(page)
    assert 'width="90" height="60"' in page
    assert 'alt="우리 집"' in page
    assert f'data-expires="{dissect(link).policy.date_less_than}"' in page
    assert ask(link).status == 200


def test_documents_are_downloaded_under_their_own_name(site: Client) -> None:
    """Sign the name with which the document was uploaded into its download link."""
    page = upload(site, "/documents/", ("회의록 2026.txt", "회의".encode()))
    opened, download = links(page)
    assert "response-content-disposition=attachment" in download
    assert "filename*=UTF-8''회의록 2026.txt" in unquote(unquote(download))
    assert ask(opened).text == "회의"


def test_a_file_s_page_offers_every_attempt(site: Client) -> None:
    """Show what the edge answers to each link, and why; to a script, the answer alone."""
    (link,) = links(upload(site, "/", ("a.jpg", jpeg())))
    page = site.get("/pictures/1/").content.decode()
    tries = dict(re.findall(r'name="attempt" value="(\w+)">\s*<input[^>]+value="([^"]+)"', page))
    wanted = {"signed": 200, "unsigned": 403, "tampered": 403, "expiring": 200}
    assert {slug: ask(unescape(url)).status for slug, url in tries.items()} == wanted

    question = {"url": unsigned(link).replace("thumbnails", "pictures"), "attempt": "unsigned"}
    answer = site.post("/pictures/1/", question).content.decode()
    assert "403 MissingKey" in answer
    assert "no Key-Pair-Id" in answer
    script = site.post("/pictures/1/", question, headers={"X-Requested-With": "fetch"})
    assert "403 MissingKey" in script.content.decode()
    assert "<html" not in script.content.decode()


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/documents/a.txt",
        "file:///etc/passwd",
        "{own}.evil.test/",
        "{own}\r\nX: y",
        "http://{host}/documents/other.txt",
        "",
    ],
)
def test_the_site_asks_for_its_own_file_only(site: Client, edge: EdgeServer, url: str) -> None:
    """Refuse to send a request to an address that somebody made up."""
    upload(site, "/documents/", ("a.txt", b"text"))
    own = default_storage.url("documents/a.txt").partition("?")[0]
    asked = url.format(own=own, host=f"{HOST}:{edge.port}")
    assert site.post("/documents/1/", {"url": asked}).status_code == 400


@pytest.mark.parametrize(
    ("recipe", "is_canned", "shown"),
    [
        ("plain", True, "storage.url(name)"),
        ("download", True, "response-content-disposition"),
        ("address", False, "&quot;AWS:SourceIp&quot;: &quot;127.0.0.1/32&quot;"),
        ("later", False, "DateGreaterThan"),
        ("folder", False, "/documents/*&quot;"),
        ("no such kind", True, "storage.url(name)"),
    ],
)
def test_a_file_s_page_takes_its_link_apart(
    site: Client, recipe: str, is_canned: bool, shown: str
) -> None:
    """Show the policy, and whether it is canned, for each kind of link."""
    upload(site, "/documents/", ("a.txt", b"text"))
    page = site.get("/documents/1/", {"link": recipe}).content.decode()
    assert shown in page
    assert ("custom:" in page) is not is_canned


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (KeyStatus.RETIRING, "the signature does not match"),
        (KeyStatus.RETIRED, "is not in a trusted key group"),
    ],
)
def test_the_reason_knows_the_keys_that_the_edge_trusts(
    site: Client, rsa_key: PrivateKey, status: KeyStatus, why: str
) -> None:
    """Explain a changed link of a former key by the change, until the key has left the group."""
    upload(site, "/documents/", ("a.txt", b"text"))
    KeyPair.from_private_key(
        rsa_key,
        key_group_id=KEY_GROUP_ID,
        created_at=timezone.now(),
        key_pair_id="KFORMERKEY0001",
        status=status,
    ).save()
    signer = Signer(key_pair_id="KFORMERKEY0001", private_key=rsa_key)
    own = default_storage.url("documents/a.txt").partition("?")[0]
    url = signer.sign_url(own, date_less_than=int(time.time()) + 60)
    answer = site.post("/documents/1/", {"url": url + "&size=large"}).content.decode()
    assert why in answer


def test_a_link_for_an_e_mail_outlives_signed_urls(site: Client, clock: Clock) -> None:
    """Lead to a signed URL that the edge serves, now and a year later, and to listed files only."""
    upload(site, "/documents/", ("회의록 2026.txt", "회의".encode()))
    page = site.get("/documents/1/").content.decode()
    (link,) = re.findall(r'<input id="lasting"[^>]* value="([^"]+)"', page)
    assert "Signature" not in link
    first = site.get(link)
    assert first.status_code == 302
    assert "private" in first.headers["Cache-Control"]
    assert edge_for().get(first.headers["Location"]).body == "회의".encode()
    clock.now += 365 * 24 * 3600
    second = site.get(link)
    assert edge_for().get(first.headers["Location"], now=int(clock.now)).status == 403
    assert edge_for().get(second.headers["Location"], now=int(clock.now)).status == 200
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


def test_names_of_files_are_escaped(site: Client) -> None:
    """Show a name with markup in it as text."""
    page = upload(site, "/documents/", ('"><img src=x onerror=alert(1)>.txt', b"text"))
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


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
        parts = dissect(default_storage.url("a"))
    assert (parts.algorithm, parts.hash_algorithm) == ("RSA 2048", "SHA1")
    assert f'href="{KEYS_PATH}">Rotate' in before
    assert f'href="{KEYS_PATH}">Rotate' not in page
    assert measured(page) < measured(before) - 200


@pytest.mark.parametrize(("settings", "shown"), [(SHORT, 4), ({}, 0)])
def test_the_admin_says_which_waits_are_short(
    site: Client, settings: dict[str, int], shown: int
) -> None:
    """List each wait that is shorter here than by default, on the page of the keys alone."""
    site.force_login(User.objects.create_superuser("demo"))
    with override_settings(**settings):
        page = site.get(KEYS_PATH).content.decode()
    assert len(re.findall(r"<li>[^<]+<b>[^<]+</b>, by default [^<]+</li>", page)) == shown
    assert "demo-waits" not in Client().get("/admin/login/").content.decode()


def test_the_admin_opens_if_no_key_signs(site: Client) -> None:
    """Show the page that can repair it although no link can be signed."""
    site.force_login(User.objects.create_superuser("demo"))
    with override_settings(AWS_CLOUDFRONT_KEY=None, AWS_CLOUDFRONT_KEY_ID=None):
        assert site.get(KEYS_PATH).status_code == 200


def test_links_are_as_short_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the lifetime of links from the environment, and refuse one that makes no sense."""
    monkeypatch.setenv(LINK_VARIABLE, "15")
    assert Pace.from_environment() == Pace(link=15)
    for text in ("14", "604801", "1.5", "-20", "ninety", "²²"):
        monkeypatch.setenv(LINK_VARIABLE, text)
        with pytest.raises(SystemExit, match=LINK_VARIABLE):
            Pace.from_environment()


# What may be uploaded, judged by content


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
