"""Take the arguments of url(), each with its rule."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from django.core.exceptions import SuspiciousFileOperation

from cfsigned_django.signing import Denied, InvalidPolicy, InvalidUrl
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.urls import SignedUrlMixin
from tests.storage_cases import DOMAIN, at, parameters_of, verify

NOW = 1_775_000_000
ORIGIN = f"https://{DOMAIN}"


@pytest.fixture
def storage(site: Any) -> CloudFrontS3Storage:
    """Return a storage with the settings of the site."""
    return CloudFrontS3Storage()


def refused(storage: SignedUrlMixin, url: str, **request: Any) -> str:
    """Return the code with which CloudFront would refuse the URL."""
    with pytest.raises(Denied) as denial:
        verify(storage, url, **request)
    return denial.value.code


@pytest.mark.parametrize("cls", [SignedUrlMixin, CloudFrontS3Storage, CloudFrontFileSystemStorage])
def test_signature(cls: type[SignedUrlMixin]) -> None:
    """Keep django-storages' arguments, in its order, and take the others by name only."""
    parameters = inspect.signature(cls.url).parameters
    by_name = [name for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY]
    assert list(parameters)[:5] == ["self", "name", "parameters", "expire", "http_method"]
    assert by_name == [
        "date_greater_than",
        "ip_address",
        "resource",
        "folder",
        "download",
        "expire_step",
        "allow_any_resource",
    ]
    assert list(inspect.signature(cls.unsigned_url).parameters)[:3] == [
        "self",
        "name",
        "parameters",
    ]


@pytest.mark.parametrize("http_method", ["PUT", "POST", "DELETE", "put", ""])
@pytest.mark.parametrize("querystring_auth", [True, False], ids=["signed", "public"])
def test_writing_methods(
    http_method: str, querystring_auth: bool, storage: CloudFrontS3Storage
) -> None:
    """Refuse to sign for writing, and say what to use."""
    storage.querystring_auth = querystring_auth
    with pytest.raises(ValueError, match=r"http_method is .*presigned S3 URL"):
        storage.url("a.jpg", http_method=http_method)


@pytest.mark.parametrize(
    ("ip_address", "inside", "outside"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("192.0.2.0/24", "192.0.2.200", "192.0.3.1"),
        ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
    ],
)
def test_ip_address(
    ip_address: str, inside: str, outside: str, storage: CloudFrontS3Storage
) -> None:
    """Open the file for viewers in the range, and for nobody else."""
    url = storage.url("a.jpg", ip_address=ip_address)
    assert verify(storage, url, viewer_ip=inside).resource == f"{ORIGIN}/a.jpg"
    assert refused(storage, url, viewer_ip=outside) == "AccessDenied"


@pytest.mark.parametrize("ip_address", ["", "2001:db8::1", "10.0.0.1/33", "example.com", "10.0.0"])
def test_bad_ip_address(ip_address: str, storage: CloudFrontS3Storage) -> None:
    """Refuse what is no IPv4 address or range; an empty one would otherwise open for all."""
    with pytest.raises(InvalidPolicy, match="ip_address is"):
        storage.url("a.jpg", ip_address=ip_address)


@pytest.mark.parametrize("start", [NOW + 60, datetime.fromtimestamp(NOW + 60, UTC)], ids=repr)
def test_date_greater_than(start: datetime | int, storage: CloudFrontS3Storage) -> None:
    """Open the file only after its start."""
    with at(NOW):
        url = storage.url("a.jpg", date_greater_than=start)
    assert refused(storage, url, now=NOW + 60) == "AccessDenied"
    assert verify(storage, url, now=NOW + 61).date_greater_than == NOW + 60


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (NOW + 3600, r"counts from now as well\. Ask for expire=3600 and"),
        (datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None), "without a time zone"),
        ("tomorrow", "whole Unix seconds"),
        (0, "after 1970"),
    ],
    ids=str,
)
def test_bad_date_greater_than(start: Any, message: str, storage: CloudFrontS3Storage) -> None:
    """Refuse a start that is none, or that lies behind the end; 0 is not "no start"."""
    with at(NOW), pytest.raises(InvalidPolicy, match=message):
        storage.url("a.jpg", date_greater_than=start)


@pytest.mark.parametrize(
    ("resource", "opened", "closed"),
    [
        ("albums/42/*", ["albums/42/001.jpg", "albums/42/b/c.jpg"], ["albums/421.jpg", "a.jpg"]),
        ("albums/*/001.jpg", ["albums/42/001.jpg", "albums/7/001.jpg"], ["albums/42/002.jpg"]),
        ("*", ["albums/42/001.jpg", "other/a.jpg"], []),
        ("albums/42/001.jpg", ["albums/42/001.jpg"], ["albums/42/002.jpg"]),
    ],
)
@pytest.mark.parametrize("location", ["", "media", "me*dia/%2A"])
def test_resource(
    resource: str, opened: list[str], closed: list[str], location: str, site: Any
) -> None:
    """Open what the resource covers, within the location of the storage."""
    storage = CloudFrontS3Storage(location=location)
    url = storage.url("albums/42/001.jpg", resource=resource, allow_any_resource=True)
    query = urlsplit(url).query
    for name in opened:
        assert verify(storage, f"{storage.unsigned_url(name)}?{query}").date_less_than
    for name in closed:
        assert refused(storage, f"{storage.unsigned_url(name)}?{query}") == "AccessDenied"
    if location:
        assert refused(storage, f"{ORIGIN}/x/albums/42/001.jpg?{query}") == "AccessDenied"


def test_resource_in_a_location_with_asterisk(site: Any) -> None:
    """Make wildcards of the resource's own asterisks, and of none of the location's."""
    storage = CloudFrontS3Storage(location="me*dia/%2A")
    policy = verify(storage, storage.url("a/b/c.jpg", resource="a/*/*"))
    assert policy.resource == f"{ORIGIN}/me%2Adia/%252A/a/*/*"


def test_resource_of_a_name_with_asterisk(storage: CloudFrontS3Storage) -> None:
    """Let the * of a name be a character, beside one of the resource that is a wildcard."""
    url = storage.url("a*/b.jpg", resource="a*/*")
    policy = verify(storage, url)
    assert policy.resource == f"{ORIGIN}/a*/*"
    exact = storage.url("a*b.jpg", ip_address="192.0.2.7")
    assert verify(storage, exact).resource == f"{ORIGIN}/a%2Ab.jpg"
    assert refused(storage, exact.replace("a%2Ab.jpg", "aXXb.jpg")) == "AccessDenied"


@pytest.mark.parametrize("resource", ["albums/7/*", "b.jpg", "albums/42"])
def test_resource_that_covers_something_else(resource: str, storage: CloudFrontS3Storage) -> None:
    """Refuse a resource that does not cover the file: the link would never open."""
    with pytest.raises(InvalidPolicy, match="does not cover"):
        storage.url("albums/42/001.jpg", resource=resource)


@pytest.mark.parametrize("resource", ["", f"{ORIGIN}/*", "http://*"])
def test_resource_is_a_name(resource: str, storage: CloudFrontS3Storage) -> None:
    """Refuse a resource that is empty or a URL."""
    with pytest.raises(ValueError, match="give it as a name"):
        storage.url("a.jpg", resource=resource)


def test_resource_with_dot_dot(storage: CloudFrontS3Storage) -> None:
    """Refuse a resource that leads out of the location."""
    with pytest.raises(SuspiciousFileOperation):
        storage.url("a.jpg", resource="../*")


def test_download(storage: CloudFrontS3Storage) -> None:
    """Sign the name under which browsers save the file."""
    url = storage.url("r.pdf", download="보고서 2026.pdf")
    assert verify(storage, url).resource == url.partition("&Expires=")[0]
    assert parameters_of(url)["response-content-disposition"] == (
        "attachment; filename=\"_ 2026.pdf\"; filename*=UTF-8''" + quote("보고서 2026.pdf")
    )
    assert "+" not in url.partition("&Expires=")[0]
    assert "%2A%3DUTF-8%27%27%25EB" in url


def test_download_with_parameters(storage: CloudFrontS3Storage) -> None:
    """Put a download name beside other parameters, of which none is changed."""
    given = {"VersionId": "a b"}
    url = storage.url("r.pdf", given, download="r.pdf")
    assert list(parameters_of(url))[:2] == ["versionId", "response-content-disposition"]
    assert given == {"VersionId": "a b"}


@pytest.mark.parametrize("download", ["", " ", "a\nb", "a\x00", "a\x85b"])
def test_bad_download(download: str, storage: CloudFrontS3Storage) -> None:
    """Refuse a name that is empty or could break out of the header."""
    with pytest.raises(ValueError, match="download is"):
        storage.url("r.pdf", download=download)


@pytest.mark.parametrize(
    "name", ["Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"]
)
@pytest.mark.parametrize("make", ["url", "unsigned_url"])
def test_reserved_parameters(name: str, make: str, storage: CloudFrontS3Storage) -> None:
    """Refuse a parameter that belongs to CloudFront."""
    with pytest.raises(ValueError, match=f"{name} belongs to CloudFront"):
        getattr(storage, make)("a.jpg", {name: "1"})


def test_unsigned_url(storage: CloudFrontS3Storage) -> None:
    """Name the file without a signature, with the same address as the signed URL."""
    name, parameters = "앨범/a b*.jpg", {"size": "large"}
    unsigned = storage.unsigned_url(name, parameters)
    assert unsigned == storage.url(name, parameters).partition("&Expires=")[0]
    assert unquote(unsigned) == f"{ORIGIN}/{name}?size=large"
    assert refused(storage, unsigned) == "MissingKey"


def test_too_long(storage: CloudFrontS3Storage) -> None:
    """Refuse a URL that CloudFront would not read."""
    with pytest.raises(InvalidUrl, match="8192"):
        storage.url("a" * 8000)


@pytest.mark.parametrize(
    "conditions",
    [
        {"ip_address": "192.0.2.7"},
        {"date_greater_than": NOW},
        {"resource": "*", "allow_any_resource": True},
        {"ip_address": ""},
        {"date_greater_than": timedelta(0)},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "options", [{"querystring_auth": False}, {"cloudfront_signer": None}], ids=str
)
def test_conditions_on_public_urls(
    options: dict[str, Any], conditions: dict[str, Any], site: Any
) -> None:
    """Refuse a condition that a public URL cannot hold anyone to."""
    with pytest.raises(ValueError, match="need a signature"):
        CloudFrontS3Storage(**options).url("a.jpg", **conditions)
