"""Read from a real S3 server, as a user who may only read."""

from __future__ import annotations

import hashlib
import io
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from boto3.s3.transfer import TransferConfig

from cfsigned_django.aws.s3_origin import S3Origin
from cfsigned_django.edge import Behavior, Distribution, EdgeServer
from cfsigned_django.edge.client import EdgeClient, EdgeResponse
from cfsigned_django.signing import PrivateKey, Signer
from tests.s3_server import S3Server

DOMAIN = "d111111abcdef8.cloudfront.net"
BASE = f"https://{DOMAIN}"
APP = "https://app.example.com"
DATA = b"0123456789"


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> str:
    """Return a bucket for all tests of this module."""
    s3_server.client().create_bucket(Bucket="origin")
    return "origin"


@pytest.fixture
def client(s3_server: S3Server, bucket: str) -> EdgeClient:
    """Return a client of a public edge in front of the bucket."""
    return client_of(origin_of(s3_server, bucket))


def origin_of(s3_server: S3Server, bucket: str, **options: Any) -> S3Origin:
    """Return the origin for any bucket, read as the user who may only read."""
    arguments = {
        "access_key": s3_server.reader.access_key,
        "secret_key": s3_server.reader.secret_key,
        "region": s3_server.region,
        "endpoint_url": s3_server.endpoint_url,
    }
    return S3Origin(bucket=bucket, **(arguments | options))


def client_of(origin: S3Origin, **options: Any) -> EdgeClient:
    """Return a client of an edge in front of any origin; a public one without options."""
    methods = frozenset({"GET", "HEAD", "OPTIONS"})
    behaviors = (Behavior(allowed_methods=methods),)
    fields = {"domain_names": (DOMAIN,), "behaviors": behaviors, "origin": origin, **options}
    return EdgeClient(Distribution(**fields))


@pytest.fixture
def etag(s3_server: S3Server, bucket: str) -> str:
    """Store ``a.txt`` and return its ETag."""
    stored = s3_server.client().put_object(
        Bucket=bucket, Key="a.txt", Body=DATA, ContentType="text/x-test"
    )
    return stored["ETag"]


def test_get_and_head(client: EdgeClient, etag: str) -> None:
    """Pass on the object with S3's headers, and go on using the connection after HEAD."""
    for method, body in (("GET", DATA), ("HEAD", b""), ("HEAD", b""), ("GET", DATA)):
        response = client.request(method, f"{BASE}/a.txt")
        assert (response.status, response.body) == (200, body)
        assert response.headers["Content-Type"] == "text/x-test"
        assert response.headers["Content-Length"] == "10"
        assert response.headers["ETag"] == etag
        assert response.headers["Accept-Ranges"] == "bytes"
        assert response.headers["Last-Modified"].endswith(" GMT")  # type: ignore[union-attr]
        assert response.headers["X-Cache"] == "Miss from cloudfront"
        assert response.headers["Date"] is None


@pytest.mark.parametrize(
    "name",
    [
        "a b.txt",
        "한글 파일.txt",
        "a+b.txt",
        "50%.txt",
        "100%25.txt",
        "it's (1)!*~.txt",
        "q?x=1&y#z.txt",
        "deep/er/a=b,c@d;e:f$h.txt",
        'quo"te\\d.txt',
    ],
)
def test_name(client: EdgeClient, s3_server: S3Server, bucket: str, name: str) -> None:
    """Find the object whatever is in its name, also with %2F for the slash."""
    s3_server.client().put_object(Bucket=bucket, Key=name, Body=name.encode())
    for path in (quote(name), quote(name, safe="")):
        response = client.get(f"{BASE}/{path}")
        assert (response.status, response.body) == (200, name.encode())


def test_large_object(client: EdgeClient, s3_server: S3Server, bucket: str) -> None:
    """Stream an object of several megabytes without a change."""
    data = os.urandom(1024) * 9 * 1024
    s3_server.client().upload_fileobj(io.BytesIO(data), bucket, "large.bin")
    response = client.get(f"{BASE}/large.bin")
    assert hashlib.sha256(response.body).digest() == hashlib.sha256(data).digest()


@pytest.mark.usefixtures("etag")
@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        ({"Range": "bytes=2-4"}, 206, b"234"),
        ({"Range": "bytes=-3"}, 206, b"789"),
        ({"Range": "bytes=7-"}, 206, b"789"),
        ({"Range": "bytes=99-"}, 416, None),
        ({"If-Match": '"x"'}, 412, None),
    ],
)
def test_parts_and_conditions(
    client: EdgeClient, headers: dict[str, str], status: int, body: bytes | None
) -> None:
    """Let S3 answer ranges and preconditions."""
    response = client.get(f"{BASE}/a.txt", headers=headers)
    assert response.status == status
    if body is not None:
        assert response.body == body
        assert response.headers["Content-Range"].endswith("/10")  # type: ignore[union-attr]


def test_not_modified(client: EdgeClient, etag: str) -> None:
    """Pass on that the viewer has this version, more than once on a connection."""
    modified = client.get(f"{BASE}/a.txt").headers["Last-Modified"]
    assert modified
    for headers in 2 * [{"If-None-Match": etag}, {"If-Modified-Since": modified}]:
        response = client.get(f"{BASE}/a.txt", headers=headers)
        assert (response.status, response.body) == (304, b"")


@pytest.mark.usefixtures("etag")
def test_download_name(client: EdgeClient) -> None:
    """Forward the parameters that replace headers of the answer."""
    disposition = "attachment; filename=\"a b.txt\"; filename*=UTF-8''%ED%95%9C.txt"
    response = client.get(
        f"{BASE}/a.txt?response-content-disposition={quote(disposition)}"
        "&response-content-type=application%2Fpdf"
    )
    assert response.status == 200
    assert response.headers["Content-Disposition"] == disposition
    assert response.headers["Content-Type"] == "application/pdf"


def test_version(s3_server: S3Server) -> None:
    """Serve the version that is asked for, not the latest one, and refuse an unknown one."""
    s3 = s3_server.client()
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    first, _ = (
        s3.put_object(Bucket="versions", Key="a.txt", Body=body)["VersionId"]
        for body in (b"first", b"second")
    )
    client = client_of(origin_of(s3_server, "versions"))
    assert client.get(f"{BASE}/a.txt").body == b"second"
    assert client.get(f"{BASE}/a.txt?versionId={first}").body == b"first"
    assert client.get(f"{BASE}/a.txt?versionId={first[::-1]}").status >= 400


def test_part(s3_server: S3Server, bucket: str, client: EdgeClient) -> None:
    """Serve the part that is asked for, of a file that was uploaded in parts."""
    size = 5 * 1024 * 1024  # S3 takes no smaller parts but the last one.
    config = TransferConfig(multipart_threshold=size, multipart_chunksize=size)
    data = io.BytesIO(b"a" * size + b"the last part")
    s3_server.client().upload_fileobj(data, bucket, "parts.bin", Config=config)
    assert client.get(f"{BASE}/parts.bin?partNumber=2").body == b"the last part"


@pytest.mark.usefixtures("etag")
@pytest.mark.parametrize("query", ["acl", "tagging", "uploads", "Signature=x&Expires=9", "x=y"])
def test_nothing_else_forwarded(client: EdgeClient, query: str) -> None:
    """Forward no other parameter: no subresource of the bucket can be asked for."""
    assert client.get(f"{BASE}/a.txt?{query}").body == DATA


@pytest.mark.usefixtures("etag")
def test_refusals_of_s3(client: EdgeClient, s3_server: S3Server, bucket: str) -> None:
    """Pass on S3's own errors, and log that S3 answered so."""
    stranger = client_of(origin_of(s3_server, bucket, access_key="nobody", secret_key="nothing"))
    missing = client.get(f"{BASE}/missing.txt")
    refused = stranger.get(f"{BASE}/a.txt")

    assert (missing.status, refused.status) == (404, 403)
    assert b"<Code>NoSuchKey</Code>" in missing.body
    assert b"<Code>InvalidAccessKeyId</Code>" in refused.body
    assert "S3" in missing.reason


@pytest.mark.usefixtures("etag")
@pytest.mark.parametrize(
    "path", ["/", "/../{}/a.txt", "/%2e%2e/{}/a.txt", "/..%2F{}/a.txt", "/./a.txt", "/%FF"]
)
def test_out_of_the_bucket(client: EdgeClient, bucket: str, path: str) -> None:
    """Refuse to list the bucket, and to leave it; log why."""
    response = client.get(BASE + path.format(bucket))
    assert (response.status, response.error_code) == (403, None)
    assert b"<Message>Access Denied</Message>" in response.body
    assert response.reason


def test_unreachable(s3_server: S3Server) -> None:
    """Answer 502 if S3 is not there, and log the address."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint_url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        origin = origin_of(s3_server, "media", endpoint_url=endpoint_url)
        response = client_of(origin).get(f"{BASE}/a.txt")
    assert response.status == 502
    assert f"{endpoint_url}/media" in response.reason


def test_cors(client: EdgeClient, s3_server: S3Server, bucket: str, etag: str) -> None:
    """Let S3 answer requests across origins and preflights, since their headers are forwarded."""
    rule: Any = {
        "AllowedOrigins": [APP],
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedHeaders": ["range"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3000,
    }
    s3_server.client().put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})

    def preflight(method: str) -> EdgeResponse:
        """Ask as a browser does before it sends a Range header."""
        headers = {
            "Origin": APP,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "range",
        }
        return client.request("OPTIONS", f"{BASE}/a.txt", headers=headers)

    ours = client.get(f"{BASE}/a.txt", headers={"Origin": APP})
    others = client.get(f"{BASE}/a.txt", headers={"Origin": "https://else.example"})
    get, delete = preflight("GET"), preflight("DELETE")

    assert (ours.status, get.status) == (200, 200)
    assert ours.headers["Access-Control-Allow-Origin"] == APP
    assert get.headers["Access-Control-Allow-Origin"] == APP
    assert "range" in (get.headers["Access-Control-Allow-Headers"] or "").lower()
    assert others.headers["Access-Control-Allow-Origin"] is None
    assert delete.headers["Access-Control-Allow-Methods"] is None


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
    s3_server: S3Server, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sign as the user of an AWS profile, at the address that it names."""
    (tmp_path / "credentials").write_text(
        f"[edge]\naws_access_key_id = {s3_server.reader.access_key}\n"
        f"aws_secret_access_key = {s3_server.reader.secret_key}\n"
    )
    (tmp_path / "config").write_text(
        f"[profile edge]\nregion = {s3_server.region}\nendpoint_url = {s3_server.endpoint_url}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    client = client_of(S3Origin(bucket=bucket, profile="edge"))
    assert client.get(f"{BASE}/a.txt").body == DATA


@pytest.fixture
def broken_s3() -> Iterator[str]:
    """Run a server that promises ten bytes and hangs up after three."""

    def application(environ, start_response):  # type: ignore[no-untyped-def]
        start_response("200 OK", [("Content-Length", "10")])
        return [b"012"]

    with EdgeServer(application).running() as server:
        yield f"http://127.0.0.1:{server.port}"


def test_s3_stops_in_the_middle(
    s3_server: S3Server, broken_s3: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Pass on what came, so that the viewer sees that something is missing, and log it."""
    client = client_of(origin_of(s3_server, "media", endpoint_url=broken_s3))
    response = client.get(f"{BASE}/a.txt")
    assert response.headers["Content-Length"] == "10"
    assert len(response.body) < 10
    assert [each.levelname for each in caplog.records if each.name == "cfsigned_django.edge"]


@pytest.mark.usefixtures("etag")
def test_signed_url_to_s3(s3_server: S3Server, bucket: str, ec_key: PrivateKey) -> None:
    """Serve from S3 what is signed, strip the signature, and refuse the rest."""
    client = client_of(
        origin_of(s3_server, bucket),
        behaviors=(Behavior(trusted_key_groups=("group",)),),
        key_groups={"group": {"K1TESTKEY": ec_key.public_key}},
    )
    signer = Signer(key_pair_id="K1TESTKEY", private_key=ec_key)
    url = signer.sign_url(f"{BASE}/a.txt", date_less_than=1767290400)
    assert client.get(url, now=1767290300).body == DATA
    assert client.get(f"{BASE}/a.txt").error_code == "MissingKey"
