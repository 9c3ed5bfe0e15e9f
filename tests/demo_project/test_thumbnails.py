"""The page of a thousand thumbnails: how often it signs, and for how long its links stay."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.demo_project import links
from tests.demo_project.conftest import THUMBNAIL_LINKS
from tests.storage_cases import counted_signatures

pytest.importorskip("PIL", reason="needs the demo group: Pillow")

from demo_project.gallery.thumbnails import COUNT


@pytest.mark.parametrize(("path", "number"), [("", 1), ("each/", COUNT)])
def test_signatures_are_counted(site: Client, clock: Any, path: str, number: int) -> None:
    """Sign once for a thousand links, or once for each as most sites do, and say so."""
    with counted_signatures() as signed:
        page = site.get(f"/thumbnails/{path}").content.decode()
    assert len(signed) == number
    assert len(set(links(page))) == COUNT
    assert f"<dd data-signatures>{number:,}</dd>" in page


def test_the_page_says_until_when_its_links_stay_the_same(
    site: Client, ten_thumbnails: None, clock: Any
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
