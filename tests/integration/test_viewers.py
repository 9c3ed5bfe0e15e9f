"""Go the whole way of a viewer: storage, signed URL, edge, and a real S3 server behind it.

Modules: tools/s3_origin.py, tools/edge/local_distribution.py, storage/query.py
"""

from __future__ import annotations

import hashlib
import io
import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from boto3.s3.transfer import TransferConfig
from django.core.files.base import ContentFile

from cfsigned_django.storage.query import content_disposition
from cfsigned_django.tools.account.documents.bucket import cors_rule
from cfsigned_django.tools.edge import Behavior, Distribution, EdgeServer
from cfsigned_django.tools.edge.client import EdgeClient
from cfsigned_django.tools.s3_origin import S3Origin
from tests.background import fetch
from tests.integration.test_files import NAMES
from tests.s3_server import READER, REGION, S3Server
from tests.storage_cases import ORIGIN, expiry_of, verify
from tests.tools.edge.conftest import EVERYTHING

HOST = "d111111abcdef8.cloudfront.net"
BASE = f"https://{HOST}"
APP = "https://app.example.com"
DATA = b"0123456789"


def edge_of(read_options: dict[str, Any]) -> EdgeClient:
    """Return a client of an edge that asks for no signature, and forwards what S3 reads."""
    methods = frozenset({"GET", "HEAD", "OPTIONS"})
    behavior = Behavior(allowed_methods=methods, forwarding=EVERYTHING, response_headers_policy={})
    origin = S3Origin(**read_options)
    return EdgeClient(Distribution(domain_names=(HOST,), behaviors=(behavior,), origin=origin))


@pytest.fixture
def public(read_options: dict[str, Any]) -> EdgeClient:
    """Return a client of an edge before the bucket that asks for no signature."""
    return edge_of(read_options)


@pytest.fixture
def etag(s3_server: S3Server, s3_bucket: str) -> str:
    """Store ``a.txt`` and return its ETag."""
    stored = s3_server.client().put_object(
        Bucket=s3_bucket, Key="a.txt", Body=DATA, ContentType="text/x-test"
    )
    return stored["ETag"]


@pytest.mark.parametrize("location", ["", "media/파일"])
def test_served(
    location: str, storage: Any, edge: EdgeClient, s3_server: S3Server, s3_bucket: str
) -> None:
    """Serve each file by its signed URL only: not without it, and not from S3 itself."""
    storage.location = location
    address = f"{s3_server.endpoint_url}/{s3_bucket}/"
    for name in NAMES:
        storage.save(name, ContentFile(DATA))
        url, unsigned = storage.url(name), storage.unsigned_url(name)
        assert verify(storage, url).is_canned
        assert edge.get(url).body == DATA
        assert edge.get(unsigned).error_code == "MissingKey"
        assert edge.get(f"{url}&x=1").error_code == "AccessDenied"
        assert edge.get(url, now=expiry_of(url) + 1).error_code == "AccessDenied"
        assert fetch(unsigned.replace(f"{ORIGIN}/", address))[0] == 403
        assert fetch(url.replace(f"{ORIGIN}/", address))[0] in (400, 403)


def test_response_headers(storage: Any, edge: EdgeClient) -> None:
    """S3 answers with the name of a download, and with boto3's parameters, as S3 names them."""
    storage.save("r.pdf", ContentFile(DATA))
    parameters = {"ResponseContentType": "text/x-own; charset=utf-8"}
    for download in ("report.pdf", "보고서 2026.pdf", 'say "hi".pdf'):
        response = edge.get(storage.url("r.pdf", parameters, download=download))
        assert response.status == 200
        assert response.headers["Content-Disposition"] == content_disposition(download)
        assert response.headers["Content-Type"] == "text/x-own; charset=utf-8"


def test_get_and_head(public: EdgeClient, etag: str) -> None:
    """Pass on the object with S3's headers, and go on using the connection after HEAD."""
    for method, body in (("GET", DATA), ("HEAD", b""), ("HEAD", b""), ("GET", DATA)):
        response = public.request(method, f"{BASE}/a.txt")
        assert (response.status, response.body) == (200, body)
        assert response.headers["Content-Type"] == "text/x-test"
        assert response.headers["Content-Length"] == "10"
        assert response.headers["ETag"] == etag
        assert response.headers["Accept-Ranges"] == "bytes"
        assert response.headers["Last-Modified"].endswith(" GMT")  # type: ignore[union-attr]
        assert response.headers["X-Cache"] == "Miss from cloudfront"
        assert response.headers["Date"] is None


def test_name(public: EdgeClient, s3_server: S3Server, s3_bucket: str) -> None:
    """Find the object whatever is in its name, also with %2F for the slash."""
    for name in (NAMES[4], "100%25.txt", "deep/a=b,c@d;e:f$h.txt", 'quo"te\\d.txt'):
        s3_server.client().put_object(Bucket=s3_bucket, Key=name, Body=name.encode())
        for path in (quote(name), quote(name, safe="")):
            response = public.get(f"{BASE}/{path}")
            assert (response.status, response.body) == (200, name.encode())


def test_large_object(public: EdgeClient, s3_server: S3Server, s3_bucket: str) -> None:
    """Stream an object of several megabytes without a change."""
    data = os.urandom(1024) * 9 * 1024
    s3_server.client().upload_fileobj(io.BytesIO(data), s3_bucket, "large.bin")
    response = public.get(f"{BASE}/large.bin")
    assert hashlib.sha256(response.body).digest() == hashlib.sha256(data).digest()


def test_parts_and_conditions(public: EdgeClient, etag: str) -> None:
    """S3 answers ranges and preconditions, more than once on a connection."""
    modified = str(public.get(f"{BASE}/a.txt").headers["Last-Modified"])
    for headers, status, body, part in (
        ({"Range": "bytes=2-4"}, 206, b"234", "bytes 2-4/10"),
        ({"Range": "bytes=-3"}, 206, b"789", "bytes 7-9/10"),
        ({"Range": "bytes=7-"}, 206, b"789", "bytes 7-9/10"),
        ({"Range": "bytes=99-"}, 416, None, None),
        ({"If-Match": '"x"'}, 412, None, None),
        *(2 * [({"If-None-Match": etag}, 304, b"", None)]),
        *(2 * [({"If-Modified-Since": modified}, 304, b"", None)]),
    ):
        response = public.get(f"{BASE}/a.txt", headers=headers)
        assert response.status == status
        assert body in (None, response.body)
        assert part in (None, response.headers["Content-Range"])


def test_version_and_part(public: EdgeClient, s3_server: S3Server, s3_bucket: str) -> None:
    """Serve the version or the part that is asked for, and refuse an unknown version."""
    s3 = s3_server.client()
    s3.put_bucket_versioning(Bucket=s3_bucket, VersioningConfiguration={"Status": "Enabled"})
    first, _ = (
        s3.put_object(Bucket=s3_bucket, Key="a.txt", Body=body)["VersionId"]
        for body in (b"first", b"second")
    )
    assert public.get(f"{BASE}/a.txt").body == b"second"
    assert public.get(f"{BASE}/a.txt?versionId={first}").body == b"first"
    assert public.get(f"{BASE}/a.txt?versionId={first[::-1]}").status >= 400

    size = 5 * 1024 * 1024  # S3 takes no smaller parts but the last one.
    config = TransferConfig(multipart_threshold=size, multipart_chunksize=size)
    data = io.BytesIO(b"a" * size + b"the last part")
    s3.upload_fileobj(data, s3_bucket, "parts.bin", Config=config)
    assert public.get(f"{BASE}/parts.bin?partNumber=2").body == b"the last part"


@pytest.mark.usefixtures("etag")
def test_nothing_else_forwarded(public: EdgeClient) -> None:
    """Send no other parameter to S3: no subresource of the bucket can be asked for."""
    for query in ("acl", "acl=x", "tagging=x", "uploads=x", "Signature=x", "x=y"):
        assert public.get(f"{BASE}/a.txt?{query}").body == DATA


@pytest.mark.usefixtures("etag")
def test_refusals_of_s3(public: EdgeClient, read_options: dict[str, Any]) -> None:
    """Pass on S3's own errors, and log that S3 answered so."""
    stranger = edge_of({**read_options, "access_key": "nobody", "secret_key": "nothing"})
    missing = public.get(f"{BASE}/missing.txt")
    refused = stranger.get(f"{BASE}/a.txt")

    assert (missing.status, refused.status) == (404, 403)
    assert b"<Code>NoSuchKey</Code>" in missing.body
    assert b"<Code>InvalidAccessKeyId</Code>" in refused.body
    assert "S3" in missing.reason


@pytest.mark.usefixtures("etag")
def test_out_of_the_bucket(public: EdgeClient, s3_bucket: str) -> None:
    """Refuse to list the bucket, and to leave it; log why."""
    for path in (
        "",
        "./a.txt",
        "%FF",
        *(f"{up}{s3_bucket}/a.txt" for up in ("../", "%2e%2e/", "..%2F")),
    ):
        response = public.get(f"{BASE}/{path}")
        assert (response.status, response.error_code) == (403, None)
        assert b"<Message>Access Denied</Message>" in response.body
        assert response.reason


def test_unreachable(read_options: dict[str, Any]) -> None:
    """Answer 502 if S3 is not there, and log the address."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint_url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        response = edge_of({**read_options, "endpoint_url": endpoint_url}).get(f"{BASE}/a.txt")
    assert response.status == 502
    assert f"{endpoint_url}/{read_options['bucket']}" in response.reason


def test_cors(public: EdgeClient, s3_server: S3Server, s3_bucket: str, etag: str) -> None:
    """S3 answers requests across origins and preflights, since their headers are forwarded."""
    rules: Any = {"CORSRules": [cors_rule([APP])]}
    s3_server.client().put_bucket_cors(Bucket=s3_bucket, CORSConfiguration=rules)
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}

    ours = public.get(f"{BASE}/a.txt", headers={"Origin": APP})
    others = public.get(f"{BASE}/a.txt", headers={"Origin": "https://else.example"})
    preflight = public.request("OPTIONS", f"{BASE}/a.txt", headers={"Origin": APP, **asked})

    for each in (ours, preflight):
        assert (each.status, each.headers["Access-Control-Allow-Origin"]) == (200, APP)
    assert "range" in (preflight.headers["Access-Control-Allow-Headers"] or "").lower()
    assert others.headers["Access-Control-Allow-Origin"] is None


@pytest.mark.parametrize(
    ("options", "named"),
    [({"region": "us-east-1"}, "AWS_ACCESS_KEY_ID"), ({"profile": "nobody"}, "nobody")],
)
def test_no_credentials(options: dict[str, str], named: str) -> None:
    """Refuse to begin without credentials, and name the setting or the profile."""
    with pytest.raises(ValueError, match=named):
        S3Origin(bucket="media", **options)


@pytest.mark.usefixtures("etag")
def test_profile(
    s3_server: S3Server, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sign as the user of an AWS profile, at the address that it names."""
    (tmp_path / "credentials").write_text(
        f"[edge]\naws_access_key_id = {READER['access_key']}\n"
        f"aws_secret_access_key = {READER['secret_key']}\n"
    )
    (tmp_path / "config").write_text(
        f"[profile edge]\nregion = {REGION}\nendpoint_url = {s3_server.endpoint_url}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert edge_of({"bucket": s3_bucket, "profile": "edge"}).get(f"{BASE}/a.txt").body == DATA


def test_s3_stops_in_the_middle(
    read_options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Pass on what came, so that the viewer sees that something is missing, and log it."""

    def application(environ, start_response):  # type: ignore[no-untyped-def]
        start_response("200 OK", [("Content-Length", "10")])
        return [b"012"]

    with EdgeServer(application).running() as server:
        endpoint_url = f"http://127.0.0.1:{server.port}"
        response = edge_of({**read_options, "endpoint_url": endpoint_url}).get(f"{BASE}/a.txt")
    assert response.headers["Content-Length"] == "10"
    assert len(response.body) < 10
    assert [each.levelname for each in caplog.records if each.name == "cfsigned_django.tools.edge"]
