"""Upload with Uppy as the page about uploads shows it, in Chromium, to a real S3 server.

Modules: storage/uploads.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage, storages
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import Client
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.integration.test_uploads import JPEG
from tests.integration.test_uploads_in_a_browser import opened
from tests.integration.test_uploads_page import code
from tests.pages import DOCS, ROOT, snippets
from tests.storage_cases import S3_BACKEND, verify

UPPY = ROOT / "tests" / "js" / "node_modules" / "uppy" / "dist" / "uppy.min.js"
PAGE = DOCS / "how-to" / "uploads.md"


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not UPPY.exists(), reason="needs Uppy from npm: scripts/npm.sh")
def test_uppy(
    site: Any,
    s3_options: dict[str, Any],
    settings: Any,
    live_server: LiveServer,
    browser: Browser,
    client: Client,
    tmp_path: Path,
    queries_beside_a_browser: None,
) -> None:
    """Send a file as a form that the storage signed, finish it, and sign its URL."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": s3_options}}
    [script] = [each.code for each in snippets(PAGE) if "new Uppy.Uppy" in each.code]
    [html] = [each.code for each in snippets(PAGE) if 'id="file"' in each.code]
    ask = html[html.index("const ask") : html.index("const send")]

    def show(request: HttpRequest) -> HttpResponse:
        page = f"<script>{{{{ uppy|safe }}}}</script><script>{ask}{script}</script>"
        given = {"uppy": UPPY.read_text(encoding="utf-8")}
        return HttpResponse(engines["django"].from_string(page).render(given, request))

    with opened(show, code("start_upload"), settings, live_server, browser, client) as page:
        url = page.evaluate(
            """async () => {
              const data = new Blob([new Uint8Array([255, 216, 255, 224]), new Uint8Array(1000)]);
              const done = new Promise((resolve) => uppy.on("complete", resolve));
              uppy.addFile({name: "사진 1.jpg", type: "image/jpeg", data});
              const {successful, failed} = await done;
              if (failed.length) throw failed[0].error;
              return uppy.getFile(successful[0].id).url;
            }"""
        )

    verify("default", url)
    [name] = [each.key for each in storages["default"].bucket.objects.all()]  # type: ignore[attr-defined]
    assert name.endswith("/사진_1.jpg")
    with default_storage.open(name) as file:
        assert file.read() == JPEG
