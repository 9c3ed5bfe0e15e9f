"""The kinds of link that one call of `url()` can make, as the detail page shows them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from demo_project.gallery.attempts import signing_storage
from demo_project.gallery.models import Upload

START_IN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One kind of link: the code that makes it, and what it is good for."""

    slug: str
    title: str
    story: str
    code: str
    make: Callable[[Upload, str], str]


def _plain(upload: Upload, _viewer: str) -> str:
    return signing_storage(upload.media).url(upload.media.name)


def _download(upload: Upload, _viewer: str) -> str:
    storage = signing_storage(upload.media)
    return storage.url(upload.media.name, download=upload.original_name)


def _address(upload: Upload, viewer: str) -> str:
    storage = signing_storage(upload.media)
    return storage.url(upload.media.name, ip_address=viewer)


def _later(upload: Upload, _viewer: str) -> str:
    storage = signing_storage(upload.media)
    start = int(time.time()) + START_IN
    return storage.url(upload.media.name, date_greater_than=start)


def _folder(upload: Upload, _viewer: str) -> str:
    storage = signing_storage(upload.media)
    folder = str(upload.media.name).partition("/")[0]
    return storage.url(upload.media.name, resource=f"{folder}/*")


RECIPES = (
    Recipe(
        slug="plain",
        title="Plain",
        story="A canned policy: CloudFront rebuilds it from the address and Expires, so the link "
        "stays short.",
        code="storage.url(name)",
        make=_plain,
    ),
    Recipe(
        slug="download",
        title="Download",
        story="The name under which browsers save the file is part of what was signed. Names "
        "beyond ASCII travel in filename*.",
        code='storage.url(name, download="…")',
        make=_download,
    ),
    Recipe(
        slug="address",
        title="Your address only",
        story="A custom policy with an IPv4 address: the same link, forwarded to somebody else, "
        "is refused.",
        code='storage.url(name, ip_address="…")',
        make=_address,
    ),
    Recipe(
        slug="later",
        title="Not yet",
        story=f"A custom policy with a start: the link opens {START_IN} seconds after this page "
        "was made.",
        code="storage.url(name, date_greater_than=start)",
        make=_later,
    ),
    Recipe(
        slug="folder",
        title="The whole folder",
        story="A custom policy with a wildcard: one signature that opens every file beside this "
        "one.",
        code='storage.url(name, resource="…/*")',
        make=_folder,
    ),
)


def find_recipe(slug: str) -> Recipe:
    """Return the recipe with this slug, or the first where there is none."""
    return next((recipe for recipe in RECIPES if recipe.slug == slug), RECIPES[0])
