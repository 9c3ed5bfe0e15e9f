"""Write the pictures of docs/images: both files take_screenshots.py do."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from tests.pages import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = ROOT / "docs" / "images"
#: In bytes. The README shows four pictures, also over a slow line.
MAX_BYTES = 200_000


def write(name: str, page: Page, *, full_page: bool = False) -> None:
    """Write a picture of a page: to the pixel if that is small, as a page without photos is."""
    from PIL import Image

    picture = Image.open(io.BytesIO(page.screenshot(full_page=full_page))).convert("RGB")
    file = IMAGES / f"{name}.webp"
    picture.save(file, lossless=True, method=6)
    if file.stat().st_size > MAX_BYTES // 2:
        picture.save(file, quality=82, method=6)
    assert file.stat().st_size < MAX_BYTES
