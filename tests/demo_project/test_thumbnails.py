"""The page of a thousand thumbnails: how often it signs, and what a cache may keep of it."""

from __future__ import annotations

import random
import re

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client

from cfsigned_django.signing import Verifier
from cfsigned_django.storage import SignedUrlMixin
from cfsigned_django.testing import edge_for
from tests.demo_project import links
from tests.demo_project.conftest import THUMBNAIL_LINKS, Clock
from tests.storage_cases import counted_signatures

pytest.importorskip("PIL", reason="needs the demo extra: Pillow")

from demo_project.gallery.anatomy import expiry
from demo_project.gallery.thumbnails import COUNT, RESERVE, THUMBNAILS


def refused(page: str, *moments: float) -> list[str]:
    """Return the links of the page that would be refused at these moments, in Unix seconds."""
    storage: object = storages["thumbnails"]
    assert isinstance(storage, SignedUrlMixin)
    verifier, found = Verifier(storage.trusted_keys()), links(page)
    assert len(found) == 10
    # One signature for all: what is true of the first link is true of each that its policy covers.
    assert len({link.partition("?")[2] for link in found}) == 1
    for now in moments:
        policy = verifier.verify(found[0], now=int(now))  # which raises the reason
    assert all(map(policy.matches, found))
    edge = edge_for("thumbnails")
    return [
        link
        for link in (found[0], found[-1])
        for now in moments
        if edge.get(link, now=int(now)).status != 200
    ]


@pytest.mark.parametrize(("path", "number"), [("", 1), ("each/", COUNT)])
def test_signatures_are_counted(site: Client, clock: Clock, path: str, number: int) -> None:
    """Sign once for a thousand links, or once for each as most sites do, and say so."""
    with counted_signatures() as signed:
        page = site.get(f"/thumbnails/{path}").content.decode()
    assert len(signed) == number
    assert len(set(links(page))) == COUNT
    assert f"<dd data-signatures>{number:,}</dd>" in page


def test_the_page_says_until_when_its_links_stay_the_same(
    site: Client, ten_thumbnails: None, clock: Clock
) -> None:
    """Give the links of this moment until the second that the page names, and others then."""
    page = site.get("/thumbnails/").content.decode()
    found = re.search(r'data-same-until="(\d+)"', page)
    assert found
    # This second may be the last of its step: that depends on the port, which is part of the name.
    assert clock.now <= int(found[1]) < clock.now + THUMBNAIL_LINKS["expire_step"]
    clock.now = int(found[1]) + 0.99
    assert links(site.get("/thumbnails/").content.decode()) == links(page)
    clock.now = int(found[1]) + 1
    assert links(site.get("/thumbnails/").content.decode()) != links(page)


@pytest.fixture
def shown(site: Client, ten_thumbnails: None) -> Client:
    """Return a client of the site, with the first and the last thumbnail where they belong."""
    for thumbnail in (THUMBNAILS[0], THUMBNAILS[-1]):
        storages["thumbnails"].save(thumbnail.name, ContentFile(b"a picture"))
    return site


def visit_kept(site: Client, clock: Clock) -> str:
    """Return the page that the cache keeps; fail if a link in it is dead, or soon will be."""
    answer = site.get("/thumbnails/kept/")
    page = answer.content.decode()
    age = re.search(r"max-age=(\d+)", answer.headers["Cache-Control"])
    assert age
    # Now; while the browser fetches the pictures; and at the last moment at which a browser shows
    # its copy without asking the site.
    moments = (clock.now, clock.now + RESERVE - 1, clock.now + int(age[1]))
    assert refused(page, *moments) == []
    return page


def test_pages_are_kept_across_many_visits(shown: Client, clock: Clock) -> None:
    """Show no dead picture at any of many visits, most of which get a page that was kept."""
    chance, pages = random.Random(1), []
    for _ in range(15):
        clock.now += chance.choice((0.2, 3, 11, 25)) * chance.random()
        pages.append(visit_kept(shown, clock))
    assert 1 < len(set(pages)) < len(pages) / 2
    ends = expiry(links(pages[-1])[0])
    assert refused(pages[-1], ends - 1) == []
    with pytest.raises(Exception, match="expired"):  # the clock of this test can kill links
        refused(pages[-1], ends)


def test_a_kept_page_has_no_message_for_one_reader(shown: Client, clock: Clock) -> None:
    """Leave the message after an upload to a page that is not kept for everybody."""
    shown.post("/documents/", {"uploads": ContentFile(b"text", name="a.txt")})
    assert "Stored" not in shown.get("/thumbnails/kept/").content.decode()
    assert "Stored “a.txt”" in shown.get("/thumbnails/").content.decode()
