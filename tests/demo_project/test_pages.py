"""The demo's pages, with files on disk behind a local edge in this process."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote

import pytest
from django.core.files.storage import default_storage
from django.test import Client, override_settings

from cfsigned_django.edge.server import EdgeServer
from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from demo_project.gallery.anatomy import dissect, unsigned
from demo_project.gallery.attempts import ask
from tests.demo_project.browsing import HOST, jpeg, links, upload

Image = pytest.importorskip("PIL.Image", reason="needs the demo extra: Pillow")

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_uploaded_picture_is_shown_through_a_signed_link(site: Client) -> None:
    """Show the thumbnail with its size and text, by a link that the edge serves."""
    page = upload(site, "/", ("우리 집.jpg", jpeg()))
    (link,) = links(page)
    assert 'width="90" height="60"' in page
    assert 'alt="우리 집"' in page
    assert "Stored “우리 집.jpg”" in page
    assert ask(link).status == 200


def test_each_link_says_how_long_it_lives(site: Client) -> None:
    """Give scripts and people the second at which the link of a picture stops working."""
    page = upload(site, "/", ("a.jpg", jpeg()))
    assert f'data-expires="{dissect(links(page)[0]).policy.date_less_than}"' in page


def test_documents_are_downloaded_under_their_own_name(site: Client) -> None:
    """Sign the name with which the document was uploaded into its download link."""
    page = upload(site, "/documents/", ("회의록 2026.txt", "회의".encode()))
    opened, download = links(page)
    assert "response-content-disposition=attachment" in download
    assert "filename*=UTF-8''회의록 2026.txt" in unquote(unquote(download))
    assert ask(opened).text == "회의"


def test_a_file_s_page_offers_every_attempt(site: Client) -> None:
    """Show what the edge answers to each link of a picture's page."""
    upload(site, "/", ("a.jpg", jpeg()))
    page = site.get("/pictures/1/").content.decode()
    tries = dict(re.findall(r'name="attempt" value="(\w+)">\s*<input[^>]+value="([^"]+)"', page))
    wanted = {"signed": 200, "unsigned": 403, "tampered": 403, "expiring": 200}
    assert {slug: ask(unescape(url)).status for slug, url in tries.items()} == wanted


def test_asking_shows_the_answer_and_the_reason(site: Client) -> None:
    """Put CloudFront's error and the sentence of the edge's log into the page."""
    (link,) = links(upload(site, "/", ("a.jpg", jpeg())))
    picture = unsigned(link).replace("thumbnails", "pictures")
    page = site.post("/pictures/1/", {"attempt": "unsigned", "url": picture}).content.decode()
    assert "<strong>403 MissingKey</strong>" in page
    assert "In the edge’s log: no Key-Pair-Id" in page
    assert "Content-Length: 146" in page


def test_a_script_gets_the_answer_alone(site: Client) -> None:
    """Return the fragment that ask.js puts into the page."""
    upload(site, "/documents/", ("a.txt", b"text"))
    url = default_storage.url("documents/a.txt")
    headers = {"X-Requested-With": "fetch"}
    answer = site.post("/documents/1/", {"url": url}, headers=headers).content.decode()
    assert "200 OK" in answer
    assert "<html" not in answer


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
    answer = site.post("/documents/1/", {"url": asked})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("recipe", "canned", "shown"),
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
    site: Client, recipe: str, canned: bool, shown: str
) -> None:
    """Show the policy, and whether it is canned, for each kind of link."""
    upload(site, "/documents/", ("a.txt", b"text"))
    page = site.get("/documents/1/", {"link": recipe}).content.decode()
    assert shown in page
    assert ("canned: not in the link" in page) is canned
    assert ("custom: in the link" in page) is not canned


def test_rsa_is_told_from_ecdsa(site: Client, rsa_key: PrivateKey) -> None:
    """Name the algorithm by the length of the signature, and SHA1 where no hash is named."""
    assert dissect(default_storage.url("a")).algorithm == "ECDSA P-256"
    with override_settings(AWS_CLOUDFRONT_KEY=rsa_key.to_pem()):
        parts = dissect(default_storage.url("a"))
    assert rsa_key.algorithm is KeyAlgorithm.RSA_2048
    assert (parts.algorithm, parts.hash_algorithm) == ("RSA 2048", "SHA1")
    assert parts.signature_length == 256


def test_json_lists_links_for_the_lifetime_asked_for(site: Client) -> None:
    """Return storage.url() of every file, and refuse lifetimes that make no sense."""
    upload(site, "/", ("a.jpg", jpeg()))
    (file,) = site.get("/api/files/", {"expire": "60"}).json()["files"]
    assert file["name"] == "a.jpg"
    assert dissect(file["url"]).policy.date_less_than == file["expires"]
    assert ask(file["url"]).status == 200
    assert site.get("/api/files/", {"expire": "0"}).status_code == 400


def test_pages_work_before_anything_is_uploaded(site: Client) -> None:
    """Show empty pages that say what to do, and no page for a file that is not there."""
    assert "Add the first one above" in site.get("/").content.decode()
    assert "Add the first one above" in site.get("/documents/").content.decode()
    assert "STORAGES" in site.get("/how/").content.decode()
    assert site.get("/pictures/1/").status_code == 404


def test_no_page_runs_an_inline_script(site: Client) -> None:
    """Forbid inline scripts by policy, and have none."""
    upload(site, "/", ("a.jpg", jpeg()))
    for path in ("/", "/documents/", "/how/", "/pictures/1/"):
        answer = site.get(path)
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert re.findall(r"<script(?![^>]*src=)|\son\w+=", answer.content.decode()) == []


def test_names_of_files_are_escaped(site: Client) -> None:
    """Show a name with markup in it as text."""
    page = upload(site, "/documents/", ('"><img src=x onerror=alert(1)>.txt', b"text"))
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
