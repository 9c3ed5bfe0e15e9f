"""Follow the tutorial, from an empty folder to private images, on AWS and in the demo."""

from __future__ import annotations

import os
import re
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from shutil import copy
from types import MappingProxyType

import pytest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from demo_project.state import FOLDER_VARIABLE
from tests.background import PATIENCE, fetch, free_ports, plain_environment
from tests.cloudfront_server import run_cloudfront
from tests.demo_project.running import ARGUMENTS, NEEDED, RunningDemo, made_by
from tests.ministack_server import run_ministack
from tests.pages import DOCS, ROOT, snippets
from tests.reader import Reader, Terminal, commands
from tests.tools.setup.viewers import ACCOUNT

TUTORIAL = DOCS / "tutorial"
CHECKOUT = "../cfsigned_django"
PICTURE = ROOT / "demo_project" / "collection" / "mountains.webp"
IN_THE_FIRST_TERMINAL = "cd private-media && source .venv/bin/activate"


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
        self._opener.open(request, timeout=PATIENCE).close()

    def pictures(self, address: str) -> list[str]:
        """Return the addresses of the pictures of a page."""
        return list(map(unescape, re.findall(r'<img src="([^"]*)"', self.read(address))))

    def read(self, address: str) -> str:
        """Return a page."""
        with self._opener.open(address, timeout=PATIENCE) as response:
            return str(response.read(), "utf-8")


@dataclass(frozen=True, kw_only=True)
class Part1:
    """The site of part 1, as it is at the end of that page."""

    folder: Path
    environment: dict[str, str]
    replaced: dict[str, str]
    #: Of the site, with the port that it has here.
    address: str
    browser: Browser

    @contextmanager
    def reader(self, replaced: Mapping[str, str] = MappingProxyType({})) -> Iterator[Reader]:
        """Open a terminal in the folder of the site; stop its servers in the end."""
        with ExitStack() as stack:
            terminal = Terminal(self.folder, self.environment)
            stack.callback(terminal.close)
            yield Reader(
                folder=self.folder / "private-media",
                environment=self.environment,
                replaced={**replaced, **self.replaced},
                terminal=terminal,
                servers=stack.enter_context(ExitStack()),
            )


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Part1:
    """Follow part 1: its picture shows.

    Of a release, pip installs a file or the name on an index in the place of the checkout, which uv
    installs in a tenth of the time.
    """
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "cfsigned_django").symlink_to(ROOT)
    site, edge = map(str, free_ports(2))
    plain = plain_environment()
    constraints = str(ROOT / "constraints" / "default.txt")
    if release := os.environ.get("CFSIGNED_TEST_INSTALL"):
        installed = {f"install {CHECKOUT}": f"install {release}"}
    else:
        installed = {"-m venv": "-m venv --without-pip", "pip install": "uv pip install"}
    part_1 = Part1(
        folder=folder,
        environment={
            **plain,
            "PATH": f"{Path(sys.executable).parent}:{plain['PATH']}",
            "PIP_CONSTRAINT": constraints,
            "UV_CONSTRAINT": constraints,
        },
        replaced={
            **dict.fromkeys(("8000", "8010"), site),
            **dict.fromkeys(("8001", "8011"), edge),
            # As for a port that is taken.
            'MEDIA_ROOT = BASE_DIR / "media"\n': 'MEDIA_ROOT = BASE_DIR / "media"\n'
            f'AWS_S3_CUSTOM_DOMAIN = "127.0.0.1:{edge}"\n',
            **installed,
        },
        address=f"http://127.0.0.1:{site}/",
        browser=Browser(),
    )
    with part_1.reader() as reader:
        reader.terminal.run("cd cfsigned_django")
        for snippet in snippets(TUTORIAL / "first-private-image.md"):
            if snippet.role == "upload":
                assert reader.text(snippet.code).strip() == part_1.address
                part_1.browser.upload(part_1.address)
            else:
                reader.do(snippet)
        [picture] = part_1.browser.pictures(part_1.address)
        assert fetch(picture) == (200, PICTURE.read_bytes())
    return part_1


@pytest.fixture
def part_1(followed: Part1, tmp_path: Path) -> Iterator[Part1]:
    """Leave the site as part 1 does, whichever part comes next."""
    site = followed.folder / "private-media"
    kept = ("mysite/settings.py", "db.sqlite3")
    for name in kept:
        copy(site / name, tmp_path)
    yield followed
    for name in kept:
        copy(tmp_path / Path(name).name, site / name)


@pytest.mark.package
def test_part_2_leads_to_private_images_on_aws(part_1: Part1, tmp_path: Path) -> None:
    """Each command works as the page has it, and the picture comes from the distribution."""
    user = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "not checked"}
    with run_ministack(tmp_path, AUTH="true", **user) as aws, ExitStack() as stack:
        found = stack.enter_context(run_cloudfront(aws, ACCOUNT, tmp_path))
        profile = tmp_path / "aws.ini"
        profile.write_text(
            f"[profile media-admin]\nregion = us-east-1\nendpoint_url = {aws.endpoint_url}\n"
            + "".join(f"{name.lower()} = {value}\n" for name, value in user.items())
        )
        reader = stack.enter_context(part_1.reader())
        for name, value in {**found, "AWS_CONFIG_FILE": str(profile)}.items():
            reader.terminal.run(f"export {name}='{value}'")
        reader.terminal.run(IN_THE_FIRST_TERMINAL)
        for snippet in snippets(TUTORIAL / "on-aws.md"):
            reader.do(snippet)
            if snippet.role == "paste":
                settings = reader.folder / "mysite" / "settings.py"
                with settings.open("a") as file:
                    file.write("AWS_CLOUDFRONT_PROPAGATION_SECONDS = 1\n")
        [picture] = part_1.browser.pictures(part_1.address)
        assert ".cloudfront.net/photos/mountains.webp?" in picture


@NEEDED[0]
@NEEDED[1]
@pytest.mark.package
def test_part_2_can_be_followed_in_the_demo(part_1: Part1, demo: RunningDemo) -> None:
    """Each command works with the profile that the demo writes, and the edge has the picture."""
    demo.start()
    here = {
        f"$PWD/{CHECKOUT}/.demo": str(demo.folder),
        ".venv/bin/python -m": f"{sys.executable} -m",
    }
    with part_1.reader(here) as reader:
        # The edge looks for the demo's folder in the checkout.
        reader.environment = {**reader.environment, FOLDER_VARIABLE: str(demo.folder)}
        reader.terminal.run(IN_THE_FIRST_TERMINAL)
        for snippet in snippets(TUTORIAL / "on-the-emulator.md"):
            if snippet.role == "demo":
                [(make, _)] = commands(snippet.code)
                assert made_by(make) == ARGUMENTS
                continue
            reader.do(snippet)
            if snippet.role == "paste":
                [shown, here] = (
                    re.findall(r'_DISTRIBUTION_ID = "(\w+)"', text)[-1]
                    for text in (snippet.code, reader.screen)
                )
                reader.replaced = {**reader.replaced, shown: here}
        for each in ("AWS_CONFIG_FILE", "AWS_PROFILE"):
            assert f"export {each}={reader.terminal.run(f'echo ${each}')}" in demo.printed
        [picture] = part_1.browser.pictures(part_1.address)
        assert fetch(picture) == (200, PICTURE.read_bytes())
