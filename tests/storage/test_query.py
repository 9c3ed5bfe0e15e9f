"""Build the query that S3 reads behind CloudFront."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.session
import pytest
from hypothesis import given, strategies as st

from cfsigned_django.signing.encoding import RESERVED_PARAMETERS
from cfsigned_django.storage.query import S3_NAMES, build_query, content_disposition


def filename_of(header: str) -> str:
    """Return the file name that a reader of RFC 6266 finds in the header."""
    extended = re.search(r"filename\*=UTF-8''(.*)$", header)
    if extended:
        return unquote(extended[1])
    quoted = re.search(r'filename="([^"]*)"', header)
    assert quoted is not None
    return quoted[1]


def model_of_get_object() -> dict[str, Any]:
    """Return what S3's own model says of GetObject's parameters: the name, and where it goes."""
    session = botocore.session.get_session()
    operation = session.get_service_model("s3").operation_model("GetObject")
    assert operation.input_shape is not None
    return {
        name: (shape.serialization.get("location"), shape.serialization.get("name"))
        for name, shape in operation.input_shape.members.items()
    }


@pytest.mark.parametrize(
    ("parameters", "query"),
    [
        (None, ""),
        ({}, ""),
        ({"size": "large"}, "size=large"),
        ({"b": 1, "a": 2}, "b=1&a=2"),
        ({"q": "a b+c&d=e/f?g#h%"}, "q=a%20b%2Bc%26d%3De%2Ff%3Fg%23h%25"),
        ({"이름": "값"}, "%EC%9D%B4%EB%A6%84=%EA%B0%92"),
        ({"a b": "'*'"}, "a%20b=%27%2A%27"),
        ({"data": b"\xff "}, "data=%FF%20"),
        ({1: 2}, "1=2"),
        ({"~": "-._~"}, "~=-._~"),
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
    ],
    ids=str,
)
def test_encoding(parameters: Any, query: str) -> None:
    """Keep the order, encode all but the unreserved characters, and write dates as HTTP does."""
    assert build_query(parameters) == query


def test_names_are_those_of_s3() -> None:
    """Know every parameter of GetObject: translate those of the query, refuse those of headers."""
    for name, (location, s3_name) in model_of_get_object().items():
        if location == "querystring":
            assert S3_NAMES[name] == s3_name
            assert build_query({name: "x"}) == build_query({s3_name: "x"}) == f"{s3_name}=x"
        else:
            with pytest.raises(ValueError, match=name):
                build_query({name: "x"})


@pytest.mark.parametrize(
    ("parameters", "download", "named"),
    [
        *(({"a": 1, name: "x"}, None, name) for name in sorted(RESERVED_PARAMETERS)),
        (
            {"ResponseContentType": "text/plain", "response-content-type": "text/html"},
            None,
            "response-content-type",
        ),
        ({"ResponseContentDisposition": "inline"}, "a.pdf", "download"),
        ({"response-content-disposition": "inline"}, "a.pdf", "download"),
        ({"ResponseExpires": datetime(2026, 4, 1, 12)}, None, "response-expires"),
        *(
            (None, name, "download")
            for name in (
                *("", " ", "\t", "a\r\nSet-Cookie: x=1"),
                *("a\x00b", "a\x7f", "a\x85b", "\x1b[2J"),
            )
        ),
    ],
    ids=ascii,
)
def test_refused(parameters: Any, download: str | None, named: str) -> None:
    """Refuse CloudFront's names, one parameter twice, two moments, and what breaks a header."""
    with pytest.raises(ValueError, match=named):
        build_query(parameters, download)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("report 2026.pdf", 'attachment; filename="report 2026.pdf"'),
        ("it's;a=b.pdf", 'attachment; filename="it\'s;a=b.pdf"'),
        (
            "보고서.pdf",
            "attachment; filename=\"_.pdf\"; filename*=UTF-8''%EB%B3%B4%EA%B3%A0%EC%84%9C.pdf",
        ),
        (
            'say "hi".pdf',
            "attachment; filename=\"say _hi_.pdf\"; filename*=UTF-8''say%20%22hi%22.pdf",
        ),
        ("a\\b/c.pdf", "attachment; filename=\"a_b_c.pdf\"; filename*=UTF-8''a%5Cb%2Fc.pdf"),
        ("50%.pdf", "attachment; filename=\"50_.pdf\"; filename*=UTF-8''50%25.pdf"),
        ("é+~.pdf", "attachment; filename=\"_+~.pdf\"; filename*=UTF-8''%C3%A9%2B~.pdf"),
    ],
)
def test_disposition(name: str, header: str) -> None:
    """Give a name in ASCII, and again in full if that is not all of it."""
    assert content_disposition(name) == header
    assert build_query(None, download=name).startswith("response-content-disposition=attachment%3B")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip))
def test_any_name(name: str) -> None:
    """Give any name back to a browser, in one line of ASCII."""
    header = content_disposition(name)
    assert filename_of(header) == name
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2


NAMES = st.text(min_size=1).filter(lambda name: name not in S3_NAMES)


@given(st.dictionaries(NAMES, st.text(), max_size=4))
def test_any_parameters(parameters: dict[str, str]) -> None:
    """Give any parameters back to a reader of the query, or refuse them with ValueError."""
    try:
        query = build_query(parameters)
    except ValueError:
        return
    assert dict(parse_qsl(query, keep_blank_values=True)) == parameters
    assert re.fullmatch(r"[A-Za-z0-9%&=._~-]*", query)
