"""Read from a real S3 server, as a user who may only read."""

from __future__ import annotations

import hashlib
import io
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from boto3.s3.transfer import TransferConfig

from cfsigned_django.aws.s3_origin import S3Origin
from cfsigned_django.edge import Behavior, Distribution, EdgeServer
from cfsigned_django.edge.client import EdgeClient, EdgeResponse
from cfsigned_django.signing import PrivateKey, Signer
from tests.s3_server import S3Server

BASE = "https://d111111abcdef8.cloudfront.net"
APP = "https://app.example.com"
DATA = b"0123456789"


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests apart from whatever AWS configuration this machine has."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> str:
    """Return a bucket for all tests of this module."""
    s3_server.client().create_bucket(Bucket="origin")
    return "origin"


@pytest.fixture
def origin(s3_server: S3Server, bucket: str) -> S3Origin:
    """Return the origin for the bucket."""
    return origin_of(s3_server, bucket)


@pytest.fixture
def client(origin: S3Origin) -> EdgeClient:
    """Return a client of a public edge in front of the bucket."""
    return client_of(origin)


def origin_of(s3_server: S3Server, bucket: str) -> S3Origin:
    """Return the origin for any bucket, read as the user who may only read."""
    return S3Origin(
        bucket=bucket,
        access_key=s3_server.reader.access_key,
        secret_key=s3_server.reader.secret_key,
        region=s3_server.region,
        endpoint_url=s3_server.endpoint_url,
    )


def client_of(origin: S3Origin) -> EdgeClient:
    """Return a client of a public edge in front of any origin."""
    methods = frozenset({"GET", "HEAD", "OPTIONS"})
    return EdgeClient(
        Distribution(
            domain_names=("d111111abcdef8.cloudfront.net",),
            behaviors=(Behavior(allowed_methods=methods),),
            origin=origin,
        )
    )


@pytest.fixture
def etag(s3_server: S3Server, bucket: str) -> str:
    """Store ``a.txt`` and return its ETag."""
    stored = s3_server.client().put_object(
        Bucket=bucket, Key="a.txt", Body=DATA, ContentType="text/x-test"
    )
    return stored["ETag"]


class TestRead:
    @pytest.mark.usefixtures("etag")
    def test_get(self, client: EdgeClient, etag: str) -> None:
        """Pass on the object with what S3 says of it."""
        response = client.get(f"{BASE}/a.txt")
        assert (response.status, response.body) == (200, DATA)
        assert response.headers["Content-Type"] == "text/x-test"
        assert response.headers["Content-Length"] == "10"
        assert response.headers["ETag"] == etag
        assert response.headers["Accept-Ranges"] == "bytes"
        assert response.headers["Last-Modified"].endswith(" GMT")  # type: ignore[union-attr]
        assert response.headers["X-Cache"] == "Miss from cloudfront"
        assert response.headers["Date"] is None

    @pytest.mark.usefixtures("etag")
    def test_head(self, client: EdgeClient) -> None:
        """Pass on HEAD, and go on using the connection."""
        for _ in range(3):
            response = client.request("HEAD", f"{BASE}/a.txt")
            assert (response.status, response.body) == (200, b"")
            assert response.headers["Content-Length"] == "10"

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
    def test_name(self, client: EdgeClient, s3_server: S3Server, bucket: str, name: str) -> None:
        """Find the object whatever is in its name."""
        s3_server.client().put_object(Bucket=bucket, Key=name, Body=name.encode())
        response = client.get(f"{BASE}/{quote(name)}")
        assert (response.status, response.body) == (200, name.encode())

    def test_encoded_slash(self, client: EdgeClient, s3_server: S3Server, bucket: str) -> None:
        """Read %2F as the slash that it is in a key."""
        s3_server.client().put_object(Bucket=bucket, Key="a/b", Body=DATA)
        assert client.get(f"{BASE}/a%2Fb").body == DATA

    def test_large_object(self, client: EdgeClient, s3_server: S3Server, bucket: str) -> None:
        """Stream an object of several megabytes without a change."""
        data = os.urandom(1024) * 9 * 1024
        s3_server.client().upload_fileobj(io.BytesIO(data), bucket, "large.bin")
        response = client.get(f"{BASE}/large.bin")
        assert hashlib.sha256(response.body).digest() == hashlib.sha256(data).digest()


@pytest.mark.usefixtures("etag")
class TestPartsAndConditions:
    @pytest.mark.parametrize(
        ("header", "status", "body"),
        [
            ("bytes=2-4", 206, b"234"),
            ("bytes=-3", 206, b"789"),
            ("bytes=7-", 206, b"789"),
        ],
    )
    def test_range(self, client: EdgeClient, header: str, status: int, body: bytes) -> None:
        """Let S3 answer a range."""
        response = client.get(f"{BASE}/a.txt", headers={"Range": header})
        assert (response.status, response.body) == (status, body)
        assert response.headers["Content-Range"].endswith("/10")  # type: ignore[union-attr]

    def test_not_satisfiable(self, client: EdgeClient) -> None:
        """Pass on that no byte is in the range."""
        assert client.get(f"{BASE}/a.txt", headers={"Range": "bytes=99-"}).status == 416

    def test_not_modified(self, client: EdgeClient, etag: str) -> None:
        """Pass on that the viewer has this version, more than once on a connection."""
        for _ in range(3):
            response = client.get(f"{BASE}/a.txt", headers={"If-None-Match": etag})
            assert (response.status, response.body) == (304, b"")
        modified = client.get(f"{BASE}/a.txt").headers["Last-Modified"]
        assert modified
        headers = {"If-Modified-Since": modified}
        assert client.get(f"{BASE}/a.txt", headers=headers).status == 304

    def test_precondition(self, client: EdgeClient) -> None:
        """Pass on that the viewer wanted another version."""
        assert client.get(f"{BASE}/a.txt", headers={"If-Match": '"x"'}).status == 412


@pytest.mark.usefixtures("etag")
class TestQuery:
    def test_download_name(self, client: EdgeClient) -> None:
        """Forward the parameters that replace headers of the answer."""
        disposition = "attachment; filename=\"a b.txt\"; filename*=UTF-8''%ED%95%9C.txt"
        response = client.get(
            f"{BASE}/a.txt?response-content-disposition={quote(disposition)}"
            "&response-content-type=application%2Fpdf"
        )
        assert response.status == 200
        assert response.headers["Content-Disposition"] == disposition
        assert response.headers["Content-Type"] == "application/pdf"

    def test_version(self, s3_server: S3Server) -> None:
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

    def test_part(self, s3_server: S3Server, bucket: str, client: EdgeClient) -> None:
        """Serve the part that is asked for, of a file that was uploaded in parts."""
        size = 5 * 1024 * 1024  # S3 takes no smaller parts but the last one.
        config = TransferConfig(multipart_threshold=size, multipart_chunksize=size)
        data = io.BytesIO(b"a" * size + b"the last part")
        s3_server.client().upload_fileobj(data, bucket, "parts.bin", Config=config)
        assert client.get(f"{BASE}/parts.bin?partNumber=2").body == b"the last part"

    @pytest.mark.parametrize("query", ["acl", "tagging", "uploads", "Signature=x&Expires=9", "x=y"])
    def test_nothing_else_forwarded(self, client: EdgeClient, query: str) -> None:
        """Forward no other parameter: no subresource of the bucket can be asked for."""
        assert client.get(f"{BASE}/a.txt?{query}").body == DATA


@pytest.mark.usefixtures("etag")
class TestRefusals:
    def test_missing_object(self, client: EdgeClient) -> None:
        """Pass on S3's own error, and say in the log who answered."""
        response = client.get(f"{BASE}/missing.txt")
        assert response.status == 404
        assert b"<Code>NoSuchKey</Code>" in response.body
        assert response.reason == "S3 answered so to the edge's own credentials"

    def test_wrong_credentials(self, s3_server: S3Server, bucket: str) -> None:
        """Pass on that S3 does not know the edge's user."""
        origin = S3Origin(
            bucket=bucket,
            access_key="nobody",
            secret_key="nothing",
            region=s3_server.region,
            endpoint_url=s3_server.endpoint_url,
        )
        response = EdgeClient(
            Distribution(domain_names=("d111111abcdef8.cloudfront.net",), origin=origin)
        ).get(f"{BASE}/a.txt")
        assert response.status == 403
        assert b"<Code>InvalidAccessKeyId</Code>" in response.body

    @pytest.mark.parametrize(
        "path", ["/", "/../{}/a.txt", "/%2e%2e/{}/a.txt", "/..%2F{}/a.txt", "/./a.txt", "/%FF"]
    )
    def test_out_of_the_bucket(self, client: EdgeClient, bucket: str, path: str) -> None:
        """Refuse to list the bucket, and to leave it."""
        response = client.get(BASE + path.format(bucket))
        assert (response.status, response.error_code) == (403, None)
        assert b"<Message>Access Denied</Message>" in response.body
        assert response.reason == "the path is not an object's"

    def test_unreachable(self) -> None:
        """Answer 502 where S3 is not there, and log the address."""
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            endpoint_url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            origin = S3Origin(
                bucket="media",
                access_key="a",
                secret_key="b",
                region="us-east-1",
                endpoint_url=endpoint_url,
            )
            response = EdgeClient(
                Distribution(domain_names=("d111111abcdef8.cloudfront.net",), origin=origin)
            ).get(f"{BASE}/a.txt")
        assert response.status == 502
        assert response.reason.startswith(f"S3 at {endpoint_url}/media cannot be reached: ")


class TestCors:
    @pytest.fixture(autouse=True)
    def _rules(self, s3_server: S3Server, bucket: str, etag: str) -> None:
        """Give the bucket a CORS configuration."""
        s3_server.client().put_bucket_cors(
            Bucket=bucket,
            CORSConfiguration={
                "CORSRules": [
                    {
                        "AllowedOrigins": [APP],
                        "AllowedMethods": ["GET", "HEAD"],
                        "AllowedHeaders": ["range"],
                        "ExposeHeaders": ["ETag"],
                        "MaxAgeSeconds": 3000,
                    }
                ]
            },
        )

    def test_allowed(self, client: EdgeClient) -> None:
        """Let S3 answer a request across origins, since Origin is forwarded."""
        response = client.get(f"{BASE}/a.txt", headers={"Origin": APP})
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == APP

    def test_other_origin(self, client: EdgeClient) -> None:
        """Get no leave for an origin without a rule."""
        response = client.get(f"{BASE}/a.txt", headers={"Origin": "https://else.example"})
        assert response.headers["Access-Control-Allow-Origin"] is None

    def preflight(self, client: EdgeClient, origin: str, method: str) -> EdgeResponse:
        """Ask as a browser does before it sends a Range header."""
        return client.request(
            "OPTIONS",
            f"{BASE}/a.txt",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": "range",
            },
        )

    def test_preflight(self, client: EdgeClient) -> None:
        """Let S3 answer a preflight, since Access-Control-Request-* are forwarded."""
        response = self.preflight(client, APP, "GET")
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == APP
        assert "range" in (response.headers["Access-Control-Allow-Headers"] or "").lower()

    def test_refused_preflight(self, client: EdgeClient) -> None:
        """Pass on that S3 does not allow the method."""
        response = self.preflight(client, APP, "DELETE")
        assert response.headers["Access-Control-Allow-Methods"] is None


class TestCredentials:
    def test_none(self) -> None:
        """Refuse to begin without credentials."""
        with pytest.raises(ValueError, match="no AWS credentials"):
            S3Origin(bucket="media", region="us-east-1")

    def test_unknown_profile(self) -> None:
        """Name a profile that is not there."""
        with pytest.raises(ValueError, match="nobody"):
            S3Origin(bucket="media", profile="nobody")

    @pytest.mark.usefixtures("etag")
    def test_profile(
        self,
        s3_server: S3Server,
        bucket: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Sign as the user of an AWS profile, at the address that it names."""
        (tmp_path / "credentials").write_text(
            f"[edge]\naws_access_key_id = {s3_server.reader.access_key}\n"
            f"aws_secret_access_key = {s3_server.reader.secret_key}\n"
        )
        (tmp_path / "config").write_text(
            f"[profile edge]\nregion = {s3_server.region}\n"
            f"endpoint_url = {s3_server.endpoint_url}\n"
        )
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        origin = S3Origin(bucket=bucket, profile="edge")
        client = EdgeClient(
            Distribution(domain_names=("d111111abcdef8.cloudfront.net",), origin=origin)
        )
        assert client.get(f"{BASE}/a.txt").body == DATA


@pytest.fixture
def broken_s3() -> Iterator[str]:
    """Run a server that promises ten bytes and hangs up after three."""

    def application(environ, start_response):  # type: ignore[no-untyped-def]
        start_response("200 OK", [("Content-Length", "10")])
        return [b"012"]

    with EdgeServer(application).running() as server:
        yield f"http://127.0.0.1:{server.port}"


def test_s3_stops_in_the_middle(broken_s3: str, caplog: pytest.LogCaptureFixture) -> None:
    """Pass on what came, so that the viewer sees that something is missing, and log it."""
    origin = S3Origin(
        bucket="media", access_key="a", secret_key="b", region="x", endpoint_url=broken_s3
    )
    client = EdgeClient(
        Distribution(domain_names=("d111111abcdef8.cloudfront.net",), origin=origin)
    )
    response = client.get(f"{BASE}/a.txt")
    assert response.headers["Content-Length"] == "10"
    assert len(response.body) < 10
    assert "S3 stopped in the middle of an answer" in caplog.text


@pytest.mark.usefixtures("etag")
def test_signed_url_to_s3(origin: S3Origin, ec_key: PrivateKey) -> None:
    """Serve from S3 what is signed, strip the signature, and refuse the rest."""
    client = EdgeClient(
        Distribution(
            domain_names=("d111111abcdef8.cloudfront.net",),
            behaviors=(Behavior(trusted_key_groups=("group",)),),
            key_groups={"group": {"K1TESTKEY": ec_key.public_key}},
            origin=origin,
        )
    )
    signer = Signer(key_pair_id="K1TESTKEY", private_key=ec_key)
    url = signer.sign_url(f"{BASE}/a.txt", date_less_than=1767290400)
    assert client.get(url, now=1767290300).body == DATA
    assert client.get(f"{BASE}/a.txt").error_code == "MissingKey"
