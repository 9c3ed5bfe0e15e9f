"""Follow the tutorial, from an empty folder to private images on this machine and on AWS."""

from __future__ import annotations

import os
import re
import sys
import urllib.request
from contextlib import ExitStack
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tests.background import free_ports, plain_environment
from tests.cloudfront_server import run_cloudfront
from tests.ministack_server import run_ministack
from tests.pages import DOCS, ROOT, snippets
from tests.reader import Reader, Terminal
from tests.setup.viewers import ACCOUNT

PAGES = [DOCS / "tutorial" / "first-private-image.md", DOCS / "tutorial" / "on-aws.md"]
CHECKOUT = "../cfsigned_django"
PICTURE = ROOT / "demo_project" / "collection" / "mountains.webp"


class Browser:
    """Open the page of the site, upload a picture, and look at all pictures of the page."""

    def __init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(cookies)

    def upload(self, address: str) -> None:
        """Send the form of the page with the picture."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.read(address))
        assert token
        with PICTURE.open("rb") as picture:
            form = {"csrfmiddlewaretoken": token[1], "image": picture}
            body = encode_multipart(BOUNDARY, form)
        headers = {"Content-Type": MULTIPART_CONTENT}
        request = urllib.request.Request(address, body, headers)
        self._opener.open(request, timeout=10).close()

    def pictures(self, address: str) -> list[str]:
        """Return the addresses of the pictures of a page."""
        return list(map(unescape, re.findall(r'<img src="([^"]*)"', self.read(address))))

    def read(self, address: str) -> str:
        """Return a page."""
        with self._opener.open(address, timeout=10) as response:
            return str(response.read(), "utf-8")


@pytest.mark.package
def test_the_tutorial_leads_to_private_images(tmp_path: Path) -> None:
    """Each command works as the pages have it, and pictures show only with a signature.

    Of a release, pip installs a file or the name on an index in the place of the checkout.
    """
    (tmp_path / "cfsigned_django").symlink_to(ROOT)
    site, edge = map(str, free_ports(2))
    environment = {
        **plain_environment(),
        "PATH": f"{Path(sys.executable).parent}:{plain_environment()['PATH']}",
        "PIP_CONSTRAINT": str(ROOT / "constraints" / "default.txt"),
    }
    browser = Browser()
    with ExitStack() as stack:
        terminal = Terminal(tmp_path, environment)
        stack.callback(terminal.close)
        reader = Reader(
            folder=tmp_path / "private-media",
            environment=environment,
            replaced={
                **{"8000": site, "8001": edge},
                CHECKOUT: os.environ.get("CFSIGNED_TEST_INSTALL", CHECKOUT),
            },
            terminal=terminal,
            servers=stack.enter_context(ExitStack()),
        )
        address = f"http://127.0.0.1:{site}/"
        for snippet in snippets(PAGES[0]):
            if snippet.role == "upload":
                assert reader.text(snippet.code).strip() == address
                browser.upload(address)
            else:
                reader.do(snippet)
        [picture] = browser.pictures(address)
        with urllib.request.urlopen(picture, timeout=10) as response:
            assert response.read() == PICTURE.read_bytes()
        reader.servers.close()

        user = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "not checked"}
        (tmp_path / "aws").mkdir()
        aws = stack.enter_context(run_ministack(tmp_path / "aws", AUTH="true", **user))
        found = stack.enter_context(run_cloudfront(aws, ACCOUNT, tmp_path))
        profile = tmp_path / "aws.ini"
        profile.write_text(
            f"[profile media-admin]\nregion = us-east-1\nendpoint_url = {aws.endpoint_url}\n"
            + "".join(f"{name.lower()} = {value}\n" for name, value in user.items())
        )
        for name, value in {**found, "AWS_CONFIG_FILE": str(profile)}.items():
            terminal.run(f"export {name}='{value}'")
        for snippet in snippets(PAGES[1]):
            reader.do(snippet)
            if snippet.role == "paste":
                settings = reader.folder / "mysite" / "settings.py"
                with settings.open("a") as file:
                    file.write("AWS_CLOUDFRONT_PROPAGATION_SECONDS = 1\n")
        [picture] = browser.pictures(address)
        assert ".cloudfront.net/photos/mountains.webp?" in picture
