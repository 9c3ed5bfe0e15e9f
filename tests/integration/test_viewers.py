"""Go the whole way of a viewer: storage, signed URL, edge, S3."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.template import Context, Template

from cfsigned_django.edge.client import EdgeClient
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.storage.query import content_disposition
from tests.integration.test_files import NAMES
from tests.s3_server import S3Server
from tests.storage_cases import S3_BACKEND, expiry_of, verify

DATA = b"0123456789"


def status_of(address: str) -> int:
    """Return the status that S3 answers an anonymous request with."""
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            status: int = response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    return status


@pytest.mark.parametrize("location", ["", "media/파일"])
def test_served(location: str, storage: Any, edge: EdgeClient, direct: Any) -> None:
    """Serve each file by its signed URL only: not without it, and not from S3 itself."""
    storage.location = location
    for name in NAMES:
        storage.save(name, ContentFile(DATA))
        url, unsigned = storage.url(name), storage.unsigned_url(name)
        assert verify(storage, url).is_canned
        assert edge.get(url).body == DATA
        assert edge.get(unsigned).error_code == "MissingKey"
        assert edge.get(f"{url}&x=1").error_code == "AccessDenied"
        assert edge.get(url, now=expiry_of(url) + 1).error_code == "AccessDenied"
        assert status_of(direct(unsigned)) == 403
        assert status_of(direct(url)) in (400, 403)


def test_template_tag(
    site: Any, storage: Any, s3_options: dict[str, Any], edge: EdgeClient
) -> None:
    """Serve what the template tag gives."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": s3_options}}
    storage.save("사진 1.txt", ContentFile(DATA))
    tag = "{% load cfsigned %}{% signed_url '사진 1.txt' as url %}{{ url|safe }}"
    assert edge.get(Template(tag).render(Context())).body == DATA


def test_ecdsa(site: Any, storage: Any, edge: EdgeClient, ec_key: PrivateKey) -> None:
    """Serve URLs that an ECDSA key signed, once the storage has it; the old ones no more."""
    storage.save("a.txt", ContentFile(DATA))
    old = storage.url("a.txt")
    site.AWS_CLOUDFRONT_KEY = ec_key.to_pem().decode()
    assert edge.get(storage.url("a.txt")).body == DATA
    assert edge.get(old).error_code == "AccessDenied"


def test_folder(storage: Any, edge: EdgeClient) -> None:
    """Open a folder with one signature, and no other."""
    for name in ("albums/42/1.txt", "albums/42/2.txt", "albums/7/1.txt"):
        storage.save(name, ContentFile(name.encode()))
    url = storage.url("albums/42/1.txt", resource="albums/42/*")
    assert edge.get(url.replace("/1.txt", "/2.txt")).body == b"albums/42/2.txt"
    assert edge.get(url.replace("/42/", "/7/")).error_code == "AccessDenied"


def test_asterisk_is_a_character(storage: Any, edge: EdgeClient) -> None:
    """Open the one file whose name has a *, and none that a wildcard would match."""
    for name in ("a*.txt", "ab.txt"):
        storage.save(name, ContentFile(name.encode()))
    url = storage.url("a*.txt", ip_address="127.0.0.1")
    assert edge.get(url).body == b"a*.txt"
    assert edge.get(url.replace("a%2A.txt", "ab.txt")).error_code == "AccessDenied"


@pytest.mark.parametrize("download", ["report.pdf", "보고서 2026.pdf", 'say "hi".pdf'])
def test_response_headers(download: str, storage: Any, edge: EdgeClient) -> None:
    """Let S3 answer with the name of a download, and with boto3's parameters, as S3 names them."""
    storage.save("r.pdf", ContentFile(DATA))
    parameters = {"ResponseContentType": "text/x-own; charset=utf-8"}
    response = edge.get(storage.url("r.pdf", parameters, download=download))
    assert response.status == 200
    assert response.headers["Content-Disposition"] == content_disposition(download)
    assert response.headers["Content-Type"] == "text/x-own; charset=utf-8"


def test_ranges_and_conditions(storage: Any, edge: EdgeClient) -> None:
    """Serve parts of a file, as players ask for them; answer 304 to a browser that has it."""
    storage.save("a.bin", ContentFile(DATA))
    url = storage.url("a.bin")
    for header, part in (("0-3", b"0123"), ("4-", b"456789"), ("-2", b"89")):
        response = edge.get(url, headers={"Range": f"bytes={header}"})
        assert (response.status, response.body) == (206, part)
    assert edge.get(url, headers={"Range": "bytes=20-"}).status == 416
    etag = edge.get(url).headers["ETag"]
    assert etag is not None
    assert edge.get(url, headers={"If-None-Match": etag}).status == 304


def test_cors(storage: Any, edge: EdgeClient, s3_server: S3Server, s3_bucket: str) -> None:
    """Answer with the bucket's CORS rules, for the origins that they name."""
    rule: Any = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://app.example.com"]}
    s3_server.client().put_bucket_cors(Bucket=s3_bucket, CORSConfiguration={"CORSRules": [rule]})
    storage.save("a.txt", ContentFile(DATA))
    url = storage.url("a.txt")
    allowed = edge.get(url, headers={"Origin": "https://app.example.com"})
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    other = edge.get(url, headers={"Origin": "https://other.example.com"})
    assert other.headers["Access-Control-Allow-Origin"] is None


def test_presigned_url_of_s3(s3_options: dict[str, Any], site: Any) -> None:
    """Be served by S3 itself if that is asked for, with django-storages' URL."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    options = s3_options | {"signature_version": "s3v4"}
    storage: Any = CloudFrontS3Storage(cloudfront_signer=None, **options)
    storage.save("사진 1.txt", ContentFile(DATA))
    with urllib.request.urlopen(storage.url("사진 1.txt", expire=60), timeout=10) as response:
        assert response.read() == DATA


def test_missing_file(storage: Any, edge: EdgeClient) -> None:
    """Answer with S3's error, not CloudFront's, if the file is missing."""
    response = edge.get(storage.url("missing.txt"))
    assert response.status in (403, 404)
    assert response.error_code is None
