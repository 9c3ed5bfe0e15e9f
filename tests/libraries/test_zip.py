"""Send a ZIP by stream-zip, as the page about downloads shows."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from tests.libraries.cases import run
from tests.pages import HOW_TO, snippets

PAGE = HOW_TO / "downloads.md"


def test_zip_is_streamed(media: Any) -> None:
    """It has each file as S3 has it, also if names are equal, and is sent in pieces."""
    (code,) = (each.code for each in snippets(PAGE) if each.role == "zip")
    storage = storages["default"]
    names = [storage.save(f"{each}/보고서.pdf", ContentFile(each * 99_999)) for each in ("1", "2")]

    response = run(PAGE, code)["zip_response"](names)

    pieces = list(response)
    with zipfile.ZipFile(BytesIO(b"".join(pieces))) as archive:
        assert archive.namelist() == ["1-보고서.pdf", "2-보고서.pdf"]
        assert [archive.read(name) for name in archive.namelist()] == [b"1" * 99_999, b"2" * 99_999]
    assert len(pieces) > 2
    assert response["Content-Disposition"] == 'attachment; filename="documents.zip"'
