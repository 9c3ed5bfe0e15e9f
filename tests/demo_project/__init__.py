"""Tests of the demo: they fill in its forms and read its pages; test_running.py starts it all."""

from __future__ import annotations

import io
import re
from html import unescape

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

HOST = "127.0.0.1"
KEY_GROUP_ID = "2f6e4f4b-51a7-4b1c-9d7e-0c1f5a1d8f11"


def jpeg(size: tuple[int, int] = (90, 60), format: str = "JPEG") -> bytes:
    """Return a small picture."""
    from PIL import Image

    file = io.BytesIO()
    # The largest are PNG: of one bit for each pixel, they are made in no time.
    Image.new("1" if format == "PNG" else "RGB", size).save(file, format)
    return file.getvalue()


def upload(site: Client, path: str, *files: tuple[str, bytes]) -> str:
    """Upload files through the form at the path, and return the page that follows."""
    uploads = [SimpleUploadedFile(name, content) for name, content in files]
    return site.post(path, {"uploads": uploads}, follow=True).content.decode()


def links(page: str) -> list[str]:
    """Return the signed links that a page holds."""
    found = re.findall(r'(?:src|href)="(http://127[^"]+Signature=[^"]+)"', page)
    return [unescape(link) for link in found]
