"""Run the edge in front of a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.test import override_settings

from cfsigned_django.signing import PrivateKey
from tests.edge_command import fetch, free_port, run
from tests.s3_server import S3Server


@pytest.fixture(autouse=True)
def port(s3_server: S3Server, s3_bucket: str, ec_key: PrivateKey) -> Iterator[int]:
    """Configure a site whose user may do everything in S3; return the port of its edge."""
    port = free_port()
    with override_settings(
        AWS_CLOUDFRONT_KEY=ec_key.to_pem(),
        AWS_CLOUDFRONT_KEY_ID="K1TESTKEYID",
        AWS_S3_CUSTOM_DOMAIN=f"127.0.0.1:{port}",
        AWS_S3_URL_PROTOCOL="http:",
        STORAGES={"default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}},
        AWS_STORAGE_BUCKET_NAME=s3_bucket,
        AWS_S3_ENDPOINT_URL=s3_server.endpoint_url,
        AWS_S3_REGION_NAME=s3_server.region,
        AWS_S3_ACCESS_KEY_ID=s3_server.writer.access_key,
        AWS_S3_SECRET_ACCESS_KEY=s3_server.writer.secret_key,
        AWS_LOCATION="private",
    ):
        yield port


def test_credentials_of_storage(port: int, s3_bucket: str) -> None:
    """Read the bucket as the storage's own user."""
    storages["default"].save("한글.txt", ContentFile(b"text"))
    url = storages["default"].url("한글.txt")
    answer, stdout, _ = run(port, lambda: fetch(url))
    assert answer == (200, b"text")
    assert s3_bucket in stdout


def test_profile(
    port: int,
    s3_server: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Read the bucket as the user of a profile, and not as the storage's."""
    (tmp_path / "credentials").write_text(
        f"[reader]\naws_access_key_id = {s3_server.reader.access_key}\n"
        f"aws_secret_access_key = {s3_server.reader.secret_key}\n"
        "[nobody]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    storages["default"].save("a.txt", ContentFile(b"text"))
    url = storages["default"].url("a.txt")
    assert run(port, lambda: fetch(url), profile="reader")[0] == (200, b"text")
    status, body = run(port, lambda: fetch(url), profile="nobody")[0]
    assert status == 403
    assert b"<Code>InvalidAccessKeyId</Code>" in body


@pytest.mark.parametrize(
    ("settings", "options", "named"),
    [
        ({"AWS_STORAGE_BUCKET_NAME": None}, {}, "AWS_STORAGE_BUCKET_NAME"),
        ({}, {"cors_origin": ["http://a.example"]}, "--cors-origin"),
        ({}, {"profile": "missing"}, "missing"),
    ],
)
def test_refuses(settings: dict[str, Any], options: dict[str, Any], named: str) -> None:
    """Refuse what S3 could not be asked with."""
    with override_settings(**settings), pytest.raises(CommandError, match=named):
        call_command("cfsigned_edge", insecure=True, **options)
