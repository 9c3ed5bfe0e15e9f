"""Shared by these tests: the modules that a page shows, and a picture to upload."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from PIL import Image


def run(page: Path, code: str, **given: Any) -> dict[str, Any]:
    """Run Python that a page shows after what is given, and return what is defined then."""
    names = dict(given)
    exec(compile(code, page.name, "exec"), names)  # noqa: S102 - our own page
    return names


def picture(
    name: str = "사진 1.png", *, size: tuple[int, int] = (120, 90), kind: str = "PNG"
) -> ContentFile[bytes]:
    """Return a picture."""
    data = BytesIO()
    Image.new("RGB", size, "teal").save(data, kind)
    return ContentFile(data.getvalue(), name=name)
