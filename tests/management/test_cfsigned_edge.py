"""The command serves what CloudFront would, follows a distribution, and refuses the rest."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.test import override_settings

from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.management import edge_source
from cfsigned_django.signing import PrivateKey
from tests.aws.api import Account
from tests.aws.api.test_edge_rules import Api
from tests.aws.provisioning.accounts import grown_distribution
from tests.edge_command import fetch, free_port, run, wait_for
from tests.simulation.strict_cloudfront import StrictCloudFront

BACKENDS = "cfsigned_django.storage"


@pytest.fixture
def port() -> Iterator[int]:
    """Return the port of AWS_S3_CUSTOM_DOMAIN, as one would set it for development."""
    port = free_port()
    with override_settings(AWS_S3_CUSTOM_DOMAIN=f"127.0.0.1:{port}", AWS_S3_URL_PROTOCOL="http:"):
        yield port


@pytest.fixture(autouse=True)
def _site(ec_key: PrivateKey, tmp_path: Path) -> Iterator[None]:
    """Configure a site with files on disk."""
    with override_settings(
        AWS_CLOUDFRONT_KEY=ec_key.to_pem(),
        AWS_CLOUDFRONT_KEY_ID="K1TESTKEYID",
        MEDIA_ROOT=tmp_path / "media",
        STORAGES={"default": {"BACKEND": f"{BACKENDS}.CloudFrontFileSystemStorage"}},
    ):
        yield


class TestServe:
    def test_whole_way(self, port: int) -> None:
        """Serve what is signed, refuse the rest, say both, and stop on SIGTERM."""
        storages["default"].save("a.txt", ContentFile(b"text"))
        url = storages["default"].url("a.txt")
        answers, stdout, stderr = run(port, lambda: (fetch(url), fetch(url + "&size=large")))
        assert answers[0] == (200, b"text")
        assert answers[1][0] == 403
        assert len(answers[1][1]) == 110
        assert stdout == (
            f"CloudFront edge for development at http://127.0.0.1:{port}/\n"
            "  files    STORAGES['default'], CloudFrontFileSystemStorage\n"
            f"  domain   127.0.0.1:{port}\n"
            "  key      K1TESTKEYID\n"
            "  public   nothing: each request needs a signature\n"
            f"Try it: curl -i http://127.0.0.1:{port}/a.jpg is refused (MissingKey). The URLs that "
            "storage.url() and {% signed_url %} return are served.\n"
            "Stop it with Ctrl-C.\n"
            "The edge has stopped.\n"
        )
        served, refused = stderr.splitlines()
        assert served.endswith(" 200 /a.txt?Expires&Signature&Key-Pair-Id&Hash-Algorithm")
        assert refused.endswith("`&size=large` was added after signing")

    def test_public(self, port: int) -> None:
        """Serve public paths without a signature."""
        storages["default"].save("static/a.css", ContentFile(b"css"))
        answer, stdout, _ = run(
            port, lambda: fetch(f"http://127.0.0.1:{port}/static/a.css"), public=["static/*"]
        )
        assert answer == (200, b"css")
        assert "  public   static/*\n" in stdout

    def test_cors_origin(self, port: int) -> None:
        """Answer an origin that is named, across origins."""
        storages["default"].save("a.txt", ContentFile(b"text"))
        request = urllib.request.Request(
            storages["default"].url("a.txt"), headers={"Origin": "http://app.example"}
        )

        def visit() -> str | None:
            with urllib.request.urlopen(request, timeout=10) as response:
                allowed: str | None = response.headers["Access-Control-Allow-Origin"]
                return allowed

        assert run(port, visit, cors_origin=["http://app.example"])[0] == "http://app.example"

    def test_own_logging(self, port: int, caplog: pytest.LogCaptureFixture) -> None:
        """Leave the log to the project where it has a handler for it."""
        logger = logging.getLogger("cfsigned_django.edge")
        logger.addHandler(caplog.handler)
        try:
            _, _, stderr = run(port, lambda: fetch(f"http://127.0.0.1:{port}/a.txt"))
        finally:
            logger.removeHandler(caplog.handler)
        assert stderr == ""
        assert "403 MissingKey /a.txt" in caplog.messages[0]

    def test_other_domain(self, port: int) -> None:
        """Say so where URLs lead somewhere else, or by another protocol."""
        with override_settings(
            AWS_S3_CUSTOM_DOMAIN="media.example.com", AWS_S3_URL_PROTOCOL="https:"
        ):
            answer, _, stderr = run(
                port, lambda: fetch(f"http://127.0.0.1:{port}/a.txt"), port=port
            )
        assert answer[0] == 403
        assert (
            "AWS_S3_CUSTOM_DOMAIN is 'media.example.com', so URLs do not lead to this edge. Set "
            f'AWS_S3_CUSTOM_DOMAIN = "127.0.0.1:{port}" for development.\n'
        ) in stderr
        assert 'Set AWS_S3_URL_PROTOCOL = "http:" for development.\n' in stderr
        assert "403 UnknownHost /a.txt: " in stderr
        assert f"'127.0.0.1:{port}'" in stderr


class TestDistribution:
    @pytest.fixture
    def account(self) -> Account:
        """Return an AWS account."""
        return Account(api=StrictCloudFront())

    @pytest.fixture
    def api(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> Api:
        """Return the API that the command asks: a distribution over the grown bucket."""
        api = Api(account, grown_distribution("on-disk"))
        monkeypatch.setattr(edge_source, "make_client", lambda name, profile_name: api)
        return api

    def test_follows_the_distribution(
        self, port: int, account: Account, api: Api, ec_key: PrivateKey
    ) -> None:
        """Go by behaviors and key groups, and refuse a key soon after it is taken out."""
        signing = account.upload("signing", ec_key.public_key.to_pem())
        group = account.make_group(signing, account.upload("other"))
        default = api.config["DefaultCacheBehavior"]
        default["TrustedKeyGroups"] = {"Enabled": True, **list_of([group])}
        star = {**api.config["CacheBehaviors"]["Items"][0], "PathPattern": "static/*"}
        star["TrustedSigners"] = {"Enabled": False, "Quantity": 0}
        api.config["CacheBehaviors"]["Items"].append(star)
        storages["default"].save("a.txt", ContentFile(b"text"))
        storages["default"].save("static/a.css", ContentFile(b"css"))
        with override_settings(AWS_CLOUDFRONT_KEY_ID=signing):
            url = storages["default"].url("a.txt")
            media = storages["default"].url("media/a.txt")
        base = f"http://127.0.0.1:{port}"

        def visit() -> list[tuple[int, bytes]]:
            found = [fetch(each) for each in (url, media, f"{base}/static/a.css")]
            account.key_groups.remove(group, signing)
            for _ in range(100):
                found.append(fetch(url))
                if found[-1][0] != 200:
                    break
                time.sleep(0.1)
            return found

        found, stdout, stderr = run(port, visit, distribution="E1", propagation=0.5)
        assert found[0] == (200, b"text")
        assert b"<Code>InvalidKey</Code>" in found[1][1]
        assert found[2] == (200, b"css")
        assert b"<Code>InvalidKey</Code>" in found[-1][1]
        assert (
            "  edge of  E1, followed through CloudFront's API; a change counts after 0.5 s\n"
            "  serves   media/*: signed by the accounts self\n"
            "           static/*: open to everybody\n"
            f"           Default (*): signed by {group}\n"
        ) in stdout
        assert signing in stdout.partition("  keys     ")[2].partition("\n")[0]
        assert "  left out DefaultRootObject, CustomErrorResponses, WebACLId, " in stdout
        assert f"The key group {group} " in stderr

    def test_a_pattern_for_everything(self, port: int, api: Api) -> None:
        """Take a behavior * before the default one for what it is."""
        api.config["CacheBehaviors"]["Items"][0] |= {
            "PathPattern": "*",
            "TrustedSigners": {"Enabled": False, "Quantity": 0},
        }
        storages["default"].save("a.txt", ContentFile(b"text"))
        answer, _, _ = run(port, lambda: fetch(f"http://127.0.0.1:{port}/a.txt"), distribution="E1")
        assert answer == (200, b"text")

    def test_public(self, port: int, api: Api) -> None:
        """Refuse to open what the distribution closes."""
        with pytest.raises(CommandError, match="--public is for an edge without --distribution"):
            call_command(
                "cfsigned_edge", insecure=True, port=port, distribution="E1", public=["static/*"]
            )

    def test_distribution_that_is_not_there(
        self, port: int, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Name the distribution that cannot be read."""

        def refuse(*, Id: str) -> None:
            raise ClientError({"Error": {"Code": "NoSuchDistribution"}}, "GetDistribution")

        monkeypatch.setattr(api, "get_distribution", refuse)
        with pytest.raises(CommandError, match="Could not read the distribution E404"):
            call_command("cfsigned_edge", insecure=True, port=port, distribution="E404")

    @pytest.mark.usefixtures("port")
    def test_no_domain(self, api: Api) -> None:
        """Name the setting if the edge would not know its own domain."""
        with (
            override_settings(AWS_S3_CUSTOM_DOMAIN=None),
            pytest.raises(CommandError, match="E004"),
        ):
            call_command("cfsigned_edge", insecure=True, distribution="E1")

    def test_negative_propagation(self, port: int, api: Api) -> None:
        """Refuse a delay that ends before it begins."""
        with pytest.raises(CommandError, match="propagation is -1"):
            call_command(
                "cfsigned_edge", insecure=True, port=port, distribution="E1", propagation=-1
            )


class TestRefuse:
    @pytest.mark.usefixtures("port")
    def test_debug_off(self) -> None:
        """Refuse to run where DEBUG is off, and name the way out."""
        with pytest.raises(CommandError, match=r"DEBUG is off.*--insecure"):
            call_command("cfsigned_edge")

    @pytest.mark.parametrize(
        ("settings", "options", "message"),
        [
            ({"AWS_CLOUDFRONT_KEY": None, "AWS_CLOUDFRONT_KEY_ID": None}, {}, "E001"),
            ({"AWS_CLOUDFRONT_KEY": "nonsense"}, {}, "E007"),
            ({"AWS_S3_CUSTOM_DOMAIN": None}, {}, "E004"),
            (
                {"AWS_S3_CUSTOM_DOMAIN": "localhost:99999"},
                {},
                "AWS_S3_CUSTOM_DOMAIN is 'localhost:99999', which is no bare host",
            ),
            ({}, {"storage": "missing"}, "no storage 'missing' in STORAGES, which has default"),
            (
                {"STORAGES": {"bad": {"BACKEND": "nowhere.Storage"}}},
                {"storage": "bad"},
                "Could not find backend 'nowhere.Storage': No module named 'nowhere'",
            ),
            ({}, {"public": ["a b"]}, "path_pattern 'a b'"),
            ({}, {"propagation": 3.0}, "--propagation is for --distribution"),
            ({}, {"port": 70_000}, "Port 70000 of 127.0.0.1 cannot be had"),
            (
                {
                    "STORAGES": {
                        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}
                    }
                },
                {},
                "The storage 'default' does not sign URLs",
            ),
        ],
    )
    @pytest.mark.usefixtures("port")
    def test_configuration(
        self, settings: dict[str, Any], options: dict[str, Any], message: str
    ) -> None:
        """Refuse what could not work, and name the setting or option."""
        with override_settings(**settings), pytest.raises(CommandError, match=message):
            call_command("cfsigned_edge", insecure=True, **options)

    def test_port_in_use(self, port: int) -> None:
        """Refuse a port that another program has."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))
            other.listen()
            with pytest.raises(CommandError, match=f"Port {port} .* in use"):
                call_command("cfsigned_edge", insecure=True)


def test_ctrl_c(port: int, ec_key: PrivateKey, tmp_path: Path) -> None:
    """Stop as a process of its own on Ctrl-C: exit 0, no traceback, and no key in the output."""
    key = tmp_path / "key.pem"
    key.write_bytes(ec_key.to_pem())
    (tmp_path / "edge_settings.py").write_text(
        "from pathlib import Path\n"
        "SECRET_KEY = 'x'\nDEBUG = True\nINSTALLED_APPS = ['cfsigned_django']\n"
        f"STORAGES = {{'default': {{'BACKEND': '{BACKENDS}.CloudFrontFileSystemStorage'}}}}\n"
        f"AWS_CLOUDFRONT_KEY = Path({str(key)!r})\nAWS_CLOUDFRONT_KEY_ID = 'K1TESTKEYID'\n"
        f"AWS_S3_CUSTOM_DOMAIN = '127.0.0.1:{port}'\nAWS_S3_URL_PROTOCOL = 'http:'\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    process = subprocess.Popen(
        [sys.executable, "-m", "django", "cfsigned_edge"],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "edge_settings", "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(port, lambda: process.poll() is not None)
        assert fetch(f"http://127.0.0.1:{port}/a.txt")[0] == 403
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert stdout.endswith("The edge has stopped.\n")
    assert "403 MissingKey /a.txt" in stderr
    assert "Traceback" not in stderr
    assert "PRIVATE KEY" not in stdout + stderr
