"""Take the arguments of url(), each with its rule."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.exceptions import SuspiciousFileOperation

from cfsigned_django.signing import InvalidPolicy, InvalidUrl
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


@BOTH
def test_resource(cls: Any, site: Any) -> None:
    """Sign a resource within the location, with no other wildcards than its own asterisks."""
    site.AWS_LOCATION = "me*dia/%2A"
    storage: Any = cls(expire_step=900)
    for name, arguments, resource in (
        ("a/b/c.jpg", {"resource": "a/*/*"}, "a/*/*"),
        ("a/b/c.jpg", {"resource": "*/c.jpg", "allow_any_resource": True}, "*/c.jpg"),
        ("a/b/c.jpg", {"resource": "a/b/c.jpg"}, "a/b/c.jpg"),
        ("a*/b.jpg", {"resource": "a*/*"}, "a*/*"),
        ("a*b.jpg", {"ip_address": "192.0.2.7"}, "a%2Ab.jpg"),
        ("a*/b*.jpg", {"folder": "a*"}, "a%2A/*"),
    ):
        url = storage.url(name, **arguments)
        assert verify(storage, url).resource == f"{ORIGIN}/me%2Adia/%252A/{resource}"


def test_unsigned_url(site: Any) -> None:
    """Name the file without a signature, with the same address as the signed URL."""
    storage = CloudFrontS3Storage()
    name, parameters = "앨범/a b*.jpg", {"size": "large"}
    unsigned = storage.unsigned_url(name, parameters)
    assert unsigned == storage.url(name, parameters).partition("&Expires=")[0]
    assert unquote(unsigned) == f"{ORIGIN}/{name}?size=large"
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
