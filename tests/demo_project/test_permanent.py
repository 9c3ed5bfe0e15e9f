"""The link for an e-mail: it outlives every signed URL, and is not for everything."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from cfsigned_django.testing import edge_for
from tests.demo_project.browsing import jpeg, upload
from tests.demo_project.conftest import Clock

pytest.importorskip("PIL", reason="needs the demo extra: Pillow")

pytestmark = pytest.mark.django_db(transaction=True)


def lasting_link(site: Client, path: str) -> str:
    """Return the link for an e-mail that the page offers."""
    found = re.search(r'<input id="lasting"[^>]* value="([^"]+)"', site.get(path).content.decode())
    assert found
    return found[1]


def test_the_link_for_an_e_mail_outlives_signed_urls(site: Client, clock: Clock) -> None:
    """Lead to a signed URL that the edge serves, now and a year later."""
    upload(site, "/documents/", ("회의록 2026.txt", "회의".encode()))
    link = lasting_link(site, "/documents/1/")
    assert link.startswith("http://testserver/media/documents/")
    assert "Signature" not in link
    first = site.get(link)
    assert first.status_code == 302
    assert edge_for().get(first.headers["Location"]).body == "회의".encode()
    clock.now += 365 * 24 * 3600
    second = site.get(link)
    assert edge_for().get(first.headers["Location"], now=int(clock.now)).status == 403
    assert edge_for().get(second.headers["Location"], now=int(clock.now)).status == 200


def test_pictures_have_one_as_well(site: Client) -> None:
    """Lead to the picture in its full size."""
    upload(site, "/", ("a b.jpg", jpeg()))
    answer = site.get(lasting_link(site, "/pictures/1/"))
    assert answer.status_code == 302
    assert edge_for().get(answer.headers["Location"]).body == jpeg()
    assert "private" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["documents/secret.txt", "pictures/나무.jpg", "thumbs/0001.jpg"])
def test_what_the_site_does_not_list_is_not_led_to(site: Client, name: str) -> None:
    """Refuse a file that is in the bucket, where no page of the site shows it."""
    default_storage.save(name, ContentFile(b"x"))
    assert site.get(f"/media/{quote(name)}").status_code == 403
