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
from tests.storage_cases import (
    ANY_RESOURCE,
    BOTH,
    DAY,
    NOW,
    ORIGIN,
    InMemory,
    at,
    parameters_of,
    verify,
)

NAME = "albums/42/1.jpg"

#: Arguments that make no sense, with the error, and what its message must name.
REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    *(
        ({"expire": each}, ValueError, "expire")
        for each in (0, -1, timedelta(0), timedelta(seconds=-5), 1.5, 1.0, "300", True)
    ),
    ({"expire": timedelta(seconds=0.5)}, ValueError, "expire"),
    ({"expire": 7 * DAY + 1}, ValueError, "AWS_CLOUDFRONT_MAX_EXPIRE"),
    ({"expire": timedelta(days=7, seconds=1)}, ValueError, "AWS_CLOUDFRONT_MAX_EXPIRE"),
    *(
        ({"expire_step": each}, ValueError, "expire_step")
        for each in (-1, "300", 1.5, True, timedelta(seconds=0.5))
    ),
    ({"expire_step": 7 * DAY}, ValueError, "AWS_CLOUDFRONT_EXPIRE_STEP"),
    *(
        ({"http_method": each}, ValueError, "http_method")
        for each in ("PUT", "POST", "DELETE", "put", "")
    ),
    *(
        ({"ip_address": each}, InvalidPolicy, "ip_address")
        for each in ("", "2001:db8::1", "10.0.0.1/33", "example.com", "10.0.0")
    ),
    *(
        ({"date_greater_than": each}, InvalidPolicy, "date_greater_than")
        for each in (0, "tomorrow", datetime(2026, 4, 1, 12))
    ),
    ({"date_greater_than": NOW + 3600}, InvalidPolicy, "expire=3600"),
    *(
        ({"resource": each}, ValueError, "resource")
        for each in (
            *("", f"{ORIGIN}/*", f"{ORIGIN}/albums/42/*", "http://*"),
            *("/*", "albums//*", "//*", "./*", "albums/./*", "albums\\\\*"),
        )
    ),
    *(
        ({"resource": each}, ValueError, "allow_any_resource=True")
        for each in ("*", "*.jpg", "*/1.jpg", "**")
    ),
    *(
        ({"resource": each, "allow_any_resource": True}, InvalidPolicy, "resource")
        for each in ("albums/7/*", "b.jpg", "albums/42", "*.png", "ALBUMS/42/*")
    ),
    ({"resource": "../*"}, SuspiciousFileOperation, r"\.\."),
    *(
        ({"folder": each}, ValueError, "folder")
        for each in ("", "/", "/albums", "albums//42", "./albums", "albums/.", "albums//", "a\\\\b")
    ),
    ({"folder": "albums/4"}, InvalidPolicy, "albums/4/"),
    ({"folder": "albums/.."}, SuspiciousFileOperation, r"\.\."),
    ({"folder": "albums/42", "resource": "albums/42/*"}, ValueError, "folder or resource"),
    *(
        ({"download": each}, ValueError, "download")
        for each in ("", " ", "a\nb", "a\x00", "a\x85b")
    ),
    *(
        ({"parameters": {each: "1"}}, ValueError, each)
        for each in ("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm")
    ),
]


@pytest.fixture
def storage(site: Any) -> CloudFrontS3Storage:
    """Return a storage with the settings of the site."""
    return CloudFrontS3Storage()


@BOTH
@pytest.mark.parametrize("name", [None, "", "/", ".", "./", "//", "\\"])
def test_name_of_no_file(name: str | None, cls: type[SignedUrlMixin], site: Any) -> None:
    """Refuse what would sign the root of the storage."""
    storage: Any = cls(expire_step=900)
    every = {"resource": "*", "allow_any_resource": True}
    storage.url("a.jpg", **every)
    for arguments in ({}, {"expire": 60}, every):
        with pytest.raises(ValueError, match="name"):
            storage.url(name, **arguments)


def refused(storage: SignedUrlMixin, url: str, **request: Any) -> str:
    """Return the code with which CloudFront would refuse the URL."""
    with pytest.raises(Denied) as denial:
        verify(storage, url, **request)
    return denial.value.code


@pytest.mark.parametrize("cls", [SignedUrlMixin, CloudFrontS3Storage, CloudFrontFileSystemStorage])
def test_signature(cls: type[SignedUrlMixin]) -> None:
    """Keep django-storages' arguments, in its order, and take the others by name only."""
    parameters = inspect.signature(cls.url).parameters
    by_name = {name for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY}
    assert list(parameters)[:5] == ["self", "name", "parameters", "expire", "http_method"]
    assert by_name == parameters.keys() - set(list(parameters)[:5])
    assert by_name == {
        *("date_greater_than", "ip_address", "resource", "folder", "download", "expire_step"),
        "allow_any_resource",
    }
    unsigned = inspect.signature(cls.unsigned_url).parameters
    assert list(unsigned)[:3] == ["self", "name", "parameters"]


@pytest.mark.parametrize("cls", [CloudFrontS3Storage, CloudFrontFileSystemStorage, InMemory])
@pytest.mark.parametrize(("arguments", "error", "named"), REFUSED, ids=str)
def test_refused(
    cls: Any, arguments: dict[str, Any], error: type[Exception], named: str, site: Any
) -> None:
    """Refuse what makes no sense, and name it; also if URLs of equal arguments are known."""
    storage = cls()
    calls = [arguments]
    if not {"resource", "folder"} & arguments.keys():
        calls.append({**arguments, **ANY_RESOURCE})
    with at(NOW):
        for _ in range(2):
            for call in calls:
                with pytest.raises(error, match=named):
                    storage.url(NAME, **call)
            for known in (
                {},
                {"expire": 1},
                {"expire_step": 1},
                {"resource": "albums/42/*", "expire": 1, "expire_step": 1},
                {**ANY_RESOURCE, "expire": 1},
                {**ANY_RESOURCE, "expire_step": 1},
                {"folder": "albums/42"},
            ):
                storage.url(NAME, **known)


@pytest.mark.parametrize("cls", [CloudFrontS3Storage, CloudFrontFileSystemStorage, InMemory])
@pytest.mark.parametrize(
    ("name", "error"),
    [
        *((f"albums/42/{each}", SuspiciousFileOperation) for each in ("../a", "..", "..\\a")),
        *(("../a.jpg", SuspiciousFileOperation), ("a/../../b", SuspiciousFileOperation)),
        ("albums/42/" + "a" * 8000, InvalidUrl),
    ],
    ids=lambda value: str(value)[:20],
)
def test_refused_names(cls: Any, name: str, error: type[Exception], site: Any) -> None:
    """Refuse a name that leads out of a folder, or makes too long a URL, known or not."""
    storage = cls(expire_step=900)
    for _ in range(2):
        for arguments in ({}, {"resource": "albums/42/*"}, {"folder": "albums/42"}, ANY_RESOURCE):
            with pytest.raises(error):
                storage.url(name, **arguments)
            storage.url(NAME, **arguments)
        if error is SuspiciousFileOperation:
            with pytest.raises(error):
                storage.unsigned_url(name)


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


@pytest.mark.parametrize("start", [NOW + 60, datetime.fromtimestamp(NOW + 60, UTC)], ids=repr)
def test_date_greater_than(start: datetime | int, storage: CloudFrontS3Storage) -> None:
    """Open the file only after its start."""
    with at(NOW):
        url = storage.url("a.jpg", date_greater_than=start)
    assert refused(storage, url, now=NOW + 60) == "AccessDenied"
    assert verify(storage, url, now=NOW + 61).date_greater_than == NOW + 60


@pytest.mark.parametrize(
    ("arguments", "opened", "closed"),
    [
        (
            {"resource": "albums/42/*"},
            ["albums/42/001.jpg", "albums/42/b/c.jpg"],
            ["albums/421.jpg", "a.jpg"],
        ),
        (
            {"resource": "albums/*/001.jpg"},
            ["albums/42/001.jpg", "albums/7/001.jpg"],
            ["albums/42/002.jpg"],
        ),
        (ANY_RESOURCE, ["albums/42/001.jpg", "other/a.jpg"], []),
        ({"resource": "albums/42/001.jpg"}, ["albums/42/001.jpg"], ["albums/42/002.jpg"]),
        (
            {"folder": "albums/42"},
            ["albums/42/001.jpg", "albums/42/한글/*.jpg"],
            ["albums/421/a.jpg", "albums/42.jpg"],
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("location", ["", "media", "me*dia/%2A"])
def test_resource(
    arguments: dict[str, Any], opened: list[str], closed: list[str], location: str, site: Any
) -> None:
    """Open what the resource covers, within the location of the storage."""
    storage = CloudFrontS3Storage(location=location)
    query = urlsplit(storage.url("albums/42/001.jpg", **arguments)).query
    for name in opened:
        assert verify(storage, f"{storage.unsigned_url(name)}?{query}").date_less_than
    for name in closed:
        assert refused(storage, f"{storage.unsigned_url(name)}?{query}") == "AccessDenied"
    if location:
        assert refused(storage, f"{ORIGIN}/x/albums/42/001.jpg?{query}") == "AccessDenied"


def test_asterisks(site: Any) -> None:
    """Make wildcards of the resource's own asterisks, and of no other."""
    storage = CloudFrontS3Storage(location="me*dia/%2A")
    for name, arguments, resource in (
        ("a/b/c.jpg", {"resource": "a/*/*"}, "a/*/*"),
        ("a*/b.jpg", {"resource": "a*/*"}, "a*/*"),
        ("a*b.jpg", {"ip_address": "192.0.2.7"}, "a%2Ab.jpg"),
        ("a*/b*.jpg", {"folder": "a*"}, "a%2A/*"),
    ):
        url = storage.url(name, **arguments)  # type: ignore[arg-type]
        assert verify(storage, url).resource == f"{ORIGIN}/me%2Adia/%252A/{resource}"
        if "%2A" in resource:
            assert refused(storage, url.replace("/a%2A", "/aXX")) == "AccessDenied"


@BOTH
@pytest.mark.parametrize("resource", ["*", "*.jpg", "*/a.jpg", "**"])
def test_any_resource(cls: Any, resource: str, site: Any) -> None:
    """Open files of every folder once it is said that this is meant."""
    storage = cls(expire_step=900)
    url = storage.url("x/a.jpg", resource=resource, allow_any_resource=True)
    assert verify(storage, url).resource == f"{ORIGIN}/{resource}"


def test_download(storage: CloudFrontS3Storage) -> None:
    """Sign the name under which browsers save the file, beside parameters that stay as they are."""
    given = {"VersionId": "a b"}
    url = storage.url("r.pdf", given, download="보고서 2026.pdf")
    assert given == {"VersionId": "a b"}
    assert verify(storage, url).resource == url.partition("&Expires=")[0]
    assert list(parameters_of(url))[:2] == ["versionId", "response-content-disposition"]
    assert parameters_of(url)["response-content-disposition"] == (
        "attachment; filename=\"_ 2026.pdf\"; filename*=UTF-8''" + quote("보고서 2026.pdf")
    )
    assert "+" not in url.partition("&Expires=")[0]
    assert "%2A%3DUTF-8%27%27%25EB" in url


def test_unsigned_url(storage: CloudFrontS3Storage) -> None:
    """Name the file without a signature, with the same address as the signed URL."""
    name, parameters = "앨범/a b*.jpg", {"size": "large"}
    unsigned = storage.unsigned_url(name, parameters)
    assert unsigned == storage.url(name, parameters).partition("&Expires=")[0]
    assert unquote(unsigned) == f"{ORIGIN}/{name}?size=large"
    assert refused(storage, unsigned) == "MissingKey"
    with pytest.raises(ValueError, match="Expires"):
        storage.unsigned_url(name, {"Expires": "1"})


@pytest.mark.parametrize(
    "arguments",
    [
        *({"ip_address": each} for each in ("192.0.2.7", "")),
        *({"date_greater_than": each} for each in (NOW, timedelta(0))),
        *(ANY_RESOURCE, {"resource": "a/*"}, {"folder": "a"}, {"http_method": "PUT"}),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "options", [{"querystring_auth": False}, {"cloudfront_signer": None}], ids=str
)
def test_public_urls(options: dict[str, Any], arguments: dict[str, Any], site: Any) -> None:
    """Refuse a condition that a public URL cannot hold anyone to, and writing."""
    with pytest.raises(ValueError, match=next(iter(arguments))):
        CloudFrontS3Storage(**options).url("a/b.jpg", **arguments)
