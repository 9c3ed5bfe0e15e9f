"""Take the arguments of url(), each with its rule, and build the query that S3 reads.

Modules: storage/signatures.py, storage/names.py, storage/query.py, storage/urls.py
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.session
import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.utils.http import parse_header_parameters
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import given, strategies as st

from cfsigned_django.signing import InvalidPolicy, InvalidUrl, PrivateKey
from cfsigned_django.signing.encoding import RESERVED_PARAMETERS
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.storage.query import S3_NAMES, build_query, content_disposition
from tests.characters import CHARACTERS, TEXT
from tests.storage_cases import (
    ANY_RESOURCE,
    BOTH,
    DAY,
    NOW,
    ORIGIN,
    at,
    not_refused,
    parameters_of,
    verify,
)

NAME = "albums/42/1.jpg"

Row = tuple[dict[str, Any], type[Exception], str]


def rows(argument: str, error: type[Exception], named: str, *values: Any) -> list[Row]:
    """Return a row for each value of the argument that makes no sense."""
    return [({argument: value}, error, named) for value in values]


#: Arguments that make no sense, with the error, and what its message must name.
REFUSED: list[Row] = [
    *rows("expire", ValueError, "expire", 0, timedelta(0), "300", True, timedelta(seconds=0.5)),
    *rows("expire", ValueError, "a shorter expire,", 7 * DAY + 1, timedelta(days=8)),
    *rows("expire_step", ValueError, "expire_step", -1, "300", timedelta(seconds=0.5)),
    *rows("expire_step", ValueError, "AWS_CLOUDFRONT_EXPIRE_STEP", 7 * DAY),
    *rows("http_method", ValueError, "http_method", "PUT", "POST", "DELETE", "put", ""),
    *rows("ip_address", InvalidPolicy, "ip_address", "", "2001:db8::1", "example.com"),
    *rows("date_greater_than", InvalidPolicy, "date_greater_than", 0, "tomorrow"),
    *rows("date_greater_than", InvalidPolicy, "date_greater_than", datetime(2026, 4, 1, 12)),
    *rows("date_greater_than", InvalidPolicy, "expire=3600", NOW + 3600),
    *rows("resource", ValueError, "resource", "", f"{ORIGIN}/*", f"{ORIGIN}/albums/42/*"),
    *rows("resource", ValueError, "resource", "http://*", "/*", "albums//*", "albums/./*"),
    *rows("resource", ValueError, "folder in it has no name", "albums\\\\*"),
    *rows("resource", ValueError, "allow_any_resource=True", "*", "*.jpg", "*/1.jpg", "**"),
    *rows("resource", SuspiciousFileOperation, r"\.\.", "../*"),
    *(
        ({"resource": each, "allow_any_resource": True}, InvalidPolicy, "resource")
        for each in ("albums/7/*", "b.jpg", "albums/42", "*.png", "ALBUMS/42/*")
    ),
    *rows("folder", ValueError, "folder", "", "/albums", "albums//42", "./albums", "a\\\\b"),
    *rows("folder", InvalidPolicy, "albums/4/", "albums/4"),
    *rows("folder", SuspiciousFileOperation, r"\.\.", "albums/.."),
    ({"folder": "albums/42", "resource": "albums/42/*"}, ValueError, "folder or resource"),
    *rows("inline", ValueError, "inline", " ", "a\nb"),
    *rows("download", TypeError, "download is a", 0, b"x", Path("x")),
    *rows("inline", TypeError, "inline is a", 5),
    *rows("download", ValueError, "download", " ", "a\r\nSet-Cookie: x=1", "a\x7f", "a\x85b"),
    *(
        ({"download": first, "inline": second}, ValueError, "download or inline")
        for first, second in (("a.pdf", "a.pdf"), (True, ""), ("", True))
    ),
    *(
        ({argument: "a.pdf", "parameters": {each: "inline"}}, ValueError, argument)
        for argument in ("inline", "download")
        for each in ("ResponseContentDisposition", "response-content-disposition")
    ),
    *(
        ({"parameters": {"a": 1, each: "1"}}, ValueError, each)
        for each in sorted(RESERVED_PARAMETERS)
    ),
    *rows(
        "parameters",
        ValueError,
        "response-content-type",
        {"ResponseContentType": "text/plain", "response-content-type": "text/html"},
    ),
    *rows(
        "parameters", ValueError, "response-expires", {"ResponseExpires": datetime(2026, 4, 1, 12)}
    ),
]


#: Arguments of URLs that are known when what makes no sense is asked for.
KNOWN: list[dict[str, Any]] = [
    *({}, {"expire": 1}, {"expire_step": 1}, {"folder": "albums/42"}),
    {"resource": "albums/42/*", "expire": 1, "expire_step": 1},
    *({**ANY_RESOURCE, "expire": 1}, {**ANY_RESOURCE, "expire_step": 1}),
]


@BOTH
def test_refused(cls: Any, site: Any) -> None:
    """Refuse what makes no sense, and name it; also if URLs of equal arguments are known."""
    storage = cls()
    wrong = []
    with at(NOW):
        for _ in range(2):
            for arguments, error, named in REFUSED:
                calls = [arguments]
                if not {"resource", "folder"} & arguments.keys():
                    calls.append({**arguments, **ANY_RESOURCE})
                for call in calls:
                    if seen := not_refused(error, named, partial(storage.url, NAME, **call)):
                        wrong.append((call, seen))
            for known in KNOWN:
                storage.url(NAME, **known)
    assert wrong == []


#: Names that lead out of a folder, those of no file, and one that makes too long a URL.
NAMES_REFUSED: list[tuple[str | None, type[Exception]]] = [
    *((f"albums/42/{each}", SuspiciousFileOperation) for each in ("../a", "..", "..\\a")),
    *((each, SuspiciousFileOperation) for each in ("../a.jpg", "a/../../b", "..")),
    *((each, ValueError) for each in (None, "", "/", ".", "./", "//", "\\")),
    ("albums/42/" + "a" * 8000, InvalidUrl),
]


@BOTH
@pytest.mark.parametrize(("name", "error"), NAMES_REFUSED, ids=lambda value: str(value)[:20])
def test_refused_names(cls: Any, name: str | None, error: type[Exception], site: Any) -> None:
    """Refuse a name that leads out of a folder, that of no file, and a URL that is too long."""
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
    for each in (name, mark_safe(name)):  # noqa: S308 - what a template has
        url = storage.url(each, parameters)
        assert (type(url), url.partition("&Expires=")[0]) == (str, unsigned)
    assert unquote(unsigned) == f"{ORIGIN}/{name}?size=large"
    assert storage.unsigned_url(name, download="b") in storage.url(name, download="b")
    with pytest.raises(ValueError, match="Expires"):
        storage.unsigned_url(name, {"Expires": "1"})


#: Conditions to which a public URL cannot hold anyone, and writing.
CONDITIONS: list[dict[str, Any]] = [
    *({"ip_address": each} for each in ("192.0.2.7", "")),
    *({"date_greater_than": each} for each in (NOW, timedelta(0))),
    *(ANY_RESOURCE, {"resource": "a/*"}, {"folder": "a"}, {"folder": ""}, {"http_method": "PUT"}),
]


@pytest.mark.parametrize(
    "options",
    [{"querystring_auth": False}, {"cloudfront_signer": None}, {"public": ["a/"]}],
    ids=str,
)
def test_public_urls(options: dict[str, Any], site: Any) -> None:
    """Refuse a condition that a public URL cannot hold anyone to, and writing."""
    storage = CloudFrontS3Storage(**options)
    for arguments in CONDITIONS:
        with pytest.raises(ValueError, match=next(iter(arguments))):
            storage.url("a/b.jpg", **arguments)


# The query


#: Parameters, and the query that they make: see test_any_parameters() for texts.
QUERIES: list[tuple[Any, str]] = [
    (None, ""),
    ({}, ""),
    ({"b": 1, "a": 2}, "b=1&a=2"),
    ({"a b": "'*'"}, "a%20b=%27%2A%27"),
    ({"data": b"\xff "}, "data=%FF%20"),
    ({1: 2}, "1=2"),
    ({"empty": ""}, "empty="),
    *(
        (
            {"ResponseExpires": moment},
            "response-expires=Wed%2C%2001%20Apr%202026%2012%3A00%3A00%20GMT",
        )
        for moment in (
            datetime(2026, 4, 1, 12, tzinfo=UTC),
            datetime(2026, 4, 1, 21, tzinfo=timezone(timedelta(hours=9))),
        )
    ),
]


def test_query() -> None:
    """Keep the order, encode all but the unreserved characters, and write dates as HTTP does."""
    assert [(each, build_query(each)) for each, _ in QUERIES] == QUERIES


def test_names_are_those_of_s3() -> None:
    """Accept every parameter of GetObject that goes into the query, and refuse those of headers."""
    model = botocore.session.get_session().get_service_model("s3").operation_model("GetObject")
    assert model.input_shape is not None
    for name, shape in model.input_shape.members.items():
        if shape.serialization.get("location") == "querystring":
            s3_name = shape.serialization["name"]
            assert S3_NAMES[name] == s3_name
            assert build_query({name: "x"}) == build_query({s3_name: "x"}) == f"{s3_name}=x"
        else:
            with pytest.raises(ValueError, match=name):
                build_query({name: "x"})


#: The name of a file, and the header that gives it to a browser: see test_any_name() for others.
NAMES_OF_FILES: list[tuple[str, str]] = [
    ("it's;a=b 1.pdf", 'attachment; filename="it\'s;a=b 1.pdf"'),
    (
        "보고서.pdf",
        "attachment; filename=\"_.pdf\"; filename*=UTF-8''%EB%B3%B4%EA%B3%A0%EC%84%9C.pdf",
    ),
    ("a\\b/c.pdf", "attachment; filename=\"a_b_c.pdf\"; filename*=UTF-8''a%5Cb%2Fc.pdf"),
    ("50%.pdf", "attachment; filename=\"50_.pdf\"; filename*=UTF-8''50%25.pdf"),
    ("report\u202efdp.exe", 'attachment; filename="report_fdp.exe"'),
    ("\u2067보\u2069.pdf", "attachment; filename=\"___.pdf\"; filename*=UTF-8''_%EB%B3%B4_.pdf"),
    ("\u200fא.pdf", "attachment; filename=\"_.pdf\"; filename*=UTF-8''%E2%80%8F%D7%90.pdf"),
]


def test_disposition() -> None:
    """Give a name in ASCII, and again in full if that is not all of it."""
    found = [(each, content_disposition(each)) for each, _ in NAMES_OF_FILES]
    assert found == NAMES_OF_FILES


#: Arguments, and the header that they ask for.
HEADERS: list[tuple[dict[str, Any], str | None]] = [
    ({}, None),
    ({"download": None, "inline": False}, None),
    ({"download": False}, None),
    ({"download": True}, 'attachment; filename="b 1.pdf"'),
    ({"download": ""}, 'attachment; filename="b 1.pdf"'),
    ({"download": "x.pdf", "inline": None}, 'attachment; filename="x.pdf"'),
    ({"inline": True, "download": False}, 'inline; filename="b 1.pdf"'),
    ({"inline": ""}, 'inline; filename="b 1.pdf"'),
    ({"inline": "x.pdf"}, 'inline; filename="x.pdf"'),
]


@pytest.mark.parametrize("text", [str, SafeString, gettext_lazy])
def test_download_and_inline(text: Any, ec_key: PrivateKey, site: Any) -> None:
    """Take no, the file's own name, or a name, on every way to a URL."""
    storage = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem())
    public = CloudFrontS3Storage(querystring_auth=False)
    presigns = CloudFrontS3Storage(
        cloudfront_signer=None, custom_domain=None, access_key="A", secret_key="s"
    )
    for plain, header in HEADERS:
        arguments = {
            argument: text(value) if isinstance(value, str) else value
            for argument, value in plain.items()
        }
        for name in ("a/b 1.pdf", "a\\b 1.pdf"):
            for url in (
                storage.url(name, **arguments),
                storage.url(name, folder="a", **arguments),
                storage.unsigned_url(name, **arguments),
                public.url(name, **arguments),
                presigns.url(name, **arguments),
            ):
                found = parameters_of(url).get("response-content-disposition")
                assert found == header, (plain, url)


REORDERING = "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CHARACTERS_OF_NAMES = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=REORDERING)


@given(st.text(CHARACTERS_OF_NAMES, min_size=1).filter(str.strip))
def test_any_name(name: str) -> None:
    """Give any name back to a browser, in one line of ASCII."""
    header = content_disposition(name)
    assert parse_header_parameters(header) == ("attachment", {"filename": name})
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


NAMES = st.text(CHARACTERS, min_size=1).filter(lambda name: name not in S3_NAMES)


@given(st.dictionaries(NAMES, TEXT, max_size=2))
def test_any_parameters(parameters: dict[str, str]) -> None:
    """Give any parameters back to a reader of the query, or refuse them with ValueError."""
    try:
        query = build_query(parameters)
    except ValueError:
        return
    assert dict(parse_qsl(query, keep_blank_values=True)) == parameters
    assert re.fullmatch(r"[A-Za-z0-9%&=._~-]*", query)
