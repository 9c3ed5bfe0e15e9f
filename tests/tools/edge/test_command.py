"""The command serves what CloudFront would, and refuses the rest.

Modules: management/commands/cfsigned_edge.py
"""

from __future__ import annotations

import io
import logging
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.test import override_settings

from cfsigned_django.core import viewer
from cfsigned_django.core.viewer import Answer
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage
from tests.background import fetch, free_port, listens, wait_until
from tests.golden import assert_golden
from tests.storage_cases import FILE_BACKEND, S3_BACKEND

S3 = {"default": {"BACKEND": S3_BACKEND}}
#: What an answer has with policies that AWS manages, and what it has not.
MANAGED_HEADERS = {
    "access-control-allow-origin": "*",
    "access-control-allow-credentials": None,
    "content-disposition": None,
    "content-security-policy": None,
    "referrer-policy": "strict-origin-when-cross-origin",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "x-xss-protection": "1; mode=block",
}
PLAIN = "django.core.files.storage.FileSystemStorage"


@pytest.fixture(autouse=True)
def port(ec_key: PrivateKey, tmp_path: Path) -> Iterator[int]:
    """Configure a site with files on disk; return the port of AWS_S3_CUSTOM_DOMAIN.

    Its settings are those that one would have for development.
    """
    port = free_port()
    with override_settings(
        AWS_CLOUDFRONT_KEY=ec_key.to_pem(),
        AWS_CLOUDFRONT_KEY_ID="K1TESTKEYID",
        AWS_S3_CUSTOM_DOMAIN=f"127.0.0.1:{port}",
        AWS_S3_URL_PROTOCOL="http:",
        MEDIA_ROOT=tmp_path / "media",
        STORAGES={"default": {"BACKEND": FILE_BACKEND}},
    ):
        yield port


def run(
    at: int, visit: Callable[[], Any], stop_with: signal.Signals = signal.SIGTERM, **options: Any
) -> tuple[Any, str, str]:
    """Run the command, visit its edge, stop it; return the visit's result and the output."""
    stdout, stderr = io.StringIO(), io.StringIO()
    over = threading.Event()

    def visit_and_stop() -> Any:
        wait_until(lambda: over.is_set() or listens(at), f"an edge on port {at}")
        try:
            return visit()
        finally:
            os.kill(os.getpid(), stop_with)

    # If the command is not there to take the signal, the test must fail, not the whole run.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ThreadPoolExecutor(1) as pool:
            visited: Future[Any] = pool.submit(visit_and_stop)
            try:
                call_command(
                    "cfsigned_edge", insecure=True, stdout=stdout, stderr=stderr, **options
                )
            finally:
                over.set()
        return visited.result(), stdout.getvalue(), stderr.getvalue()
    finally:
        signal.signal(signal.SIGTERM, before)


class TestServe:
    """The files of a storage."""

    def test_whole_way(self, port: int) -> None:
        """Serve what is signed, at a second domain too, and public paths; refuse the rest."""
        storages["default"].save("a.txt", ContentFile(b"text"))
        storages["default"].save("static/a.css", ContentFile(b"css"))
        domain = f"cdn.site.localhost:{port}"
        url = storages["default"].url("a.txt")
        second = CloudFrontFileSystemStorage(custom_domain=domain).url("a.txt")
        origin = {"Origin": "http://app.example"}

        def visit() -> list[Answer]:
            public = f"http://127.0.0.1:{port}/static/a.css"
            return [viewer.fetch(each, origin) for each in (url, second, public, f"{url}&size=2")]

        options: dict[str, Any] = {
            "public": ["static/*"],
            "cors_origin": [*origin.values()],
            "domain": [domain],
        }
        answers, stdout, stderr = run(port, visit, **options)

        # A viewer here asks for the first byte.
        found = [(each.status, each.body[:1]) for each in answers]
        assert found == [(206, b"t"), (206, b"t"), (206, b"c"), (403, b"<")]
        assert answers[0].headers["access-control-allow-origin"] == "http://app.example"
        log = re.sub(r"^[0-9:]{8}", "12:34:56", stderr, flags=re.MULTILINE)
        assert_golden("edge", f"{stdout}\n{log}".replace(str(port), "8001"))

    def test_managed_policies(self, port: int) -> None:
        """Send the headers of AWS's policies, and name a parameter that has no effect.

        So is a script that reads with cookies, which browsers do not let it.
        """
        storages["default"].save("a.txt", ContentFile(b"text"))
        url = CloudFrontFileSystemStorage().url("a.txt", download="b.txt")
        origin = {"Origin": "http://app.example"}

        def visit() -> Answer:
            viewer.fetch(url, {**origin, "Cookie": "theme=dark"})
            return viewer.fetch(url, origin)

        answer, stdout, stderr = run(port, visit, managed_policies=True)

        assert {name: answer.headers.get(name) for name in MANAGED_HEADERS} == MANAGED_HEADERS
        assert "policies" in stdout
        lost = "Managed-CachingOptimized kept response-content-disposition from"
        said = [(lost in each, "with cookies" in each) for each in stderr.splitlines()]
        assert said == [(True, True), (True, False)]

    def test_public_folder(self, port: int) -> None:
        """Open the public folder of the storage, by its location, and no other path."""
        entry = {"BACKEND": FILE_BACKEND, "OPTIONS": {"public": ["covers/"]}}
        with override_settings(STORAGES={"default": entry}, AWS_LOCATION="media"):
            for name in ("covers/a.txt", "private/a.txt"):
                storages["default"].save(name, ContentFile(b"text"))
            urls = [
                storages["default"].url("covers/a.txt"),
                f"http://127.0.0.1:{port}/media/private/a.txt",
            ]
            answers, stdout, _ = run(port, lambda: [fetch(url)[0] for url in urls])
            assert answers == [200, 403]
            assert "public   media/covers/*" in stdout
            with pytest.raises(CommandError, match=r"--public is 'static/\*'"):
                call_command("cfsigned_edge", insecure=True, public=["static/*"])

    def test_own_logging(self, port: int, caplog: pytest.LogCaptureFixture) -> None:
        """Leave the log to the project if it has a handler for it."""
        logger = logging.getLogger("cfsigned_django.tools.edge")
        logger.addHandler(caplog.handler)
        try:
            _, _, stderr = run(port, lambda: fetch(f"http://127.0.0.1:{port}/a.txt"))
        finally:
            logger.removeHandler(caplog.handler)
        assert stderr == ""
        assert "403 MissingKey /a.txt" in caplog.messages[0]

    def test_other_domain(self, port: int) -> None:
        """Name the settings if URLs lead somewhere else, and public folders that are not open."""
        entry = {"BACKEND": FILE_BACKEND, "OPTIONS": {"public": ["covers/", "logos/"]}}
        with override_settings(
            AWS_S3_CUSTOM_DOMAIN="media.example.com",
            AWS_S3_URL_PROTOCOL="https:",
            STORAGES={"default": entry},
        ):
            answer, _, stderr = run(
                port, lambda: fetch(f"http://127.0.0.1:{port}/a.txt"), port=port
            )
        assert answer[0] == 403
        assert f'AWS_S3_CUSTOM_DOMAIN = "127.0.0.1:{port}"' in stderr
        assert 'AWS_S3_URL_PROTOCOL = "http:"' in stderr
        assert "public: covers/*, logos/*. Open each path with --public." in stderr
        assert "403 UnknownHost /a.txt" in stderr


def test_files_of_a_bucket(port: int, s3_options: dict[str, Any], s3_bucket: str) -> None:
    """Read the bucket as the storage's own user, who has all permissions there."""
    entry = {"BACKEND": S3_BACKEND, "OPTIONS": {**s3_options, "location": "private"}}
    with override_settings(STORAGES={"default": entry}):
        storages["default"].save("한글.txt", ContentFile(b"text"))
        url = storages["default"].url("한글.txt")
        answer, stdout, _ = run(port, lambda: fetch(url))
    assert answer == (200, b"text")
    assert s3_bucket in stdout


@pytest.mark.parametrize(
    ("settings", "options", "named"),
    [
        ({}, {"insecure": False}, r"DEBUG.*--insecure"),
        ({"AWS_CLOUDFRONT_KEY": None, "AWS_CLOUDFRONT_KEY_ID": None}, {}, "E001"),
        ({"AWS_CLOUDFRONT_KEY": "nonsense"}, {}, "E007"),
        ({"AWS_S3_CUSTOM_DOMAIN": None}, {}, "E004"),
        ({"AWS_S3_CUSTOM_DOMAIN": "localhost:99999"}, {}, "localhost:99999"),
        ({}, {"storage": "missing"}, "'missing'.*default"),
        ({"STORAGES": {"bad": {"BACKEND": "nowhere.Storage"}}}, {"storage": "bad"}, "nowhere"),
        ({"STORAGES": {"default": {"BACKEND": PLAIN}}}, {}, "'default'"),
        ({"STORAGES": S3}, {}, "AWS_STORAGE_BUCKET_NAME"),
        ({}, {"cors_origin": ["http://app.example/"]}, "http://app.example/"),
        ({}, {"cors_origin": ["http://a.b"], "managed_policies": True}, "never with cookies"),
        (
            {
                "STORAGES": S3,
                "AWS_STORAGE_BUCKET_NAME": "b",
                "AWS_S3_ACCESS_KEY_ID": None,
                "AWS_S3_SECRET_ACCESS_KEY": None,
                "AWS_S3_SESSION_PROFILE": "missing",
            },
            {},
            "missing",
        ),
        ({}, {"public": ["a b"]}, "'a b'"),
        ({}, {"port": 70_000}, "70000"),
    ],
    ids=str,
)
def test_refusals(settings: dict[str, Any], options: dict[str, Any], named: str) -> None:
    """Refuse what could not work, and name the setting or the option."""
    with override_settings(**settings), pytest.raises(CommandError, match=named):
        call_command("cfsigned_edge", **{"insecure": True, **options})


@pytest.mark.parametrize("place", ["domain", "--port", "nowhere"])
def test_port_in_use(place: str, port: int) -> None:
    """Refuse a port that another program has, and say where the port is set."""
    domain = {"domain": f"127.0.0.1:{port}", "--port": "127.0.0.1:1", "nowhere": "m.example.com"}
    with socket.socket() as other, override_settings(AWS_S3_CUSTOM_DOMAIN=domain[place]):
        other.bind(("127.0.0.1", port))
        other.listen()
        options = {} if place == "domain" else {"port": port}
        with pytest.raises(CommandError, match=f"{port}.*AWS_S3_CUSTOM_DOMAIN") as refused:
            call_command("cfsigned_edge", insecure=True, **options)
    assert domain[place] in str(refused.value)


def test_ctrl_c(port: int) -> None:
    """Stop on Ctrl-C as on SIGTERM, without a traceback."""
    _, stdout, stderr = run(port, lambda: fetch(f"http://127.0.0.1:{port}/a.txt"), signal.SIGINT)

    assert stdout.endswith("The edge has stopped.\n")
    assert "403 MissingKey /a.txt" in stderr
    assert "Traceback" not in stderr
