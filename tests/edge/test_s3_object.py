"""Answer for one object as S3 does: ranges, conditions, overrides, errors, and CORS rules."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.edge.cors import CorsRule, headers_for, headers_for_preflight
from cfsigned_django.edge.s3_object import (
    CHUNK_SIZE,
    Answer,
    ByteRange,
    NotSatisfiable,
    Outcome,
    StoredObject,
    answer,
    evaluate,
    parse_range,
    range_applies,
)

DATA = b"0123456789"
ETAG = '"abc"'
# Half a second behind the whole one: HTTP dates cannot say so.
MODIFIED = datetime(2026, 1, 1, 12, 0, 0, 500_000, tzinfo=UTC)


class TrackedFile(io.BytesIO):
    """Remember the largest read that was asked for."""

    largest_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as BytesIO does."""
        self.largest_read = max(self.largest_read, size or 0)
        return super().read(size)


def make_object(data: bytes = DATA, **fields: object) -> StoredObject:
    """Return an object in memory."""
    values = {
        "size": len(data),
        "content_type": "text/plain",
        "etag": ETAG,
        "last_modified": MODIFIED,
        "open": lambda: TrackedFile(data),
    }
    return StoredObject(**(values | fields))  # type: ignore[arg-type]


def ask(stored: StoredObject | None = None, /, method: str = "GET", **environ: str) -> Answer:
    """Ask for an object with some more in the environ."""
    return answer(
        stored or make_object(), {"REQUEST_METHOD": method, "QUERY_STRING": "", **environ}
    )


def test_get() -> None:
    """Send the whole object with what S3 says of it."""
    reply = ask()
    assert reply.status == "200 OK"
    assert dict(reply.headers) == {
        "Content-Type": "text/plain",
        "Content-Length": "10",
        "Accept-Ranges": "bytes",
        "ETag": ETAG,
        "Last-Modified": "Thu, 01 Jan 2026 12:00:00 GMT",
    }
    assert b"".join(reply.body) == DATA


def test_head_opens_nothing() -> None:
    """Answer HEAD with the same headers and without opening the file."""

    def refuse() -> io.BytesIO:
        raise AssertionError("opened")

    reply = ask(make_object(open=refuse), method="HEAD")
    assert reply.headers == ask().headers
    assert list(reply.body) == []


def test_other_objects() -> None:
    """Name the encoding of the stored bytes, and serve an object without any bytes."""
    assert ("Content-Encoding", "gzip") in ask(make_object(content_encoding="gzip")).headers
    empty = ask(make_object(b""))
    assert dict(empty.headers)["Content-Length"] == "0"
    assert b"".join(empty.body) == b""


def test_chunks() -> None:
    """Read a large object in chunks, never as a whole."""
    file = TrackedFile(b"x" * (3 * CHUNK_SIZE + 5))
    reply = ask(make_object(file.getvalue(), open=lambda: file))
    assert [len(chunk) for chunk in reply.body] == [CHUNK_SIZE] * 3 + [5]
    assert file.largest_read == CHUNK_SIZE


def test_file_closed_when_abandoned() -> None:
    """Close the file of a viewer who left before the first byte."""
    file = TrackedFile(DATA)
    body = ask(make_object(open=lambda: file)).body
    body.close()  # type: ignore[attr-defined]
    assert file.closed


def test_shrunken_file() -> None:
    """Stop if the file has become shorter in the meantime."""
    reply = ask(make_object(DATA, open=lambda: TrackedFile(b"012")))
    assert b"".join(reply.body) == b"012"


@pytest.mark.parametrize(
    ("environ", "status", "body"),
    [
        ({"HTTP_RANGE": "bytes=0-1,3-4"}, 200, DATA),
        ({"HTTP_RANGE": "bytes=10-"}, 416, b"<Code>InvalidRange</Code>"),
        ({"HTTP_RANGE": "bytes=0-1", "HTTP_IF_RANGE": ETAG}, 206, DATA[:2]),
        ({"HTTP_RANGE": "bytes=0-1", "HTTP_IF_RANGE": '"old"'}, 200, DATA),
        ({"HTTP_IF_MATCH": '"old"'}, 412, b"<Code>PreconditionFailed</Code>"),
        *(
            ({"QUERY_STRING": f"response-content-disposition={value}"}, 400, b"InvalidArgument")
            for value in ["a%0D%0ASet-Cookie:%20x=y", "a%0Ab", "%00", "%ED%95%9C", "%7F"]
        ),
    ],
)
def test_status(environ: dict[str, str], status: int, body: bytes) -> None:
    """Send the whole object, a part or an error of S3, and no header with a line end in it."""
    reply = ask(**environ)
    headers, sent = dict(reply.headers), b"".join(reply.body)
    assert int(reply.status[:3]) == status
    assert body in sent
    assert headers["Content-Length"] == str(len(sent))
    assert (b"<RequestId>" in sent and b"</HostId></Error>" in sent) is (status >= 400)
    assert headers.get("Content-Range") == {206: "bytes 0-1/10", 416: "bytes */10"}.get(status)
    assert status != 400 or headers.keys() == {"Content-Type", "Content-Length"}


def test_not_modified() -> None:
    """Send 304 with the version and no body."""
    reply = ask(HTTP_IF_NONE_MATCH=ETAG, HTTP_RANGE="bytes=0-1")
    assert reply.status == "304 Not Modified"
    assert dict(reply.headers) == {
        "ETag": ETAG,
        "Last-Modified": "Thu, 01 Jan 2026 12:00:00 GMT",
    }
    assert list(reply.body) == []


def test_headers_replaced() -> None:
    """Replace headers by the response-* parameters of GetObject."""
    reply = ask(
        QUERY_STRING="response-content-disposition=attachment%3B%20filename%3D%22a%20b.txt%22"
        "&response-content-type=application/pdf&response-cache-control=no-store&x=y"
    )
    headers = dict(reply.headers)
    assert headers["Content-Disposition"] == 'attachment; filename="a b.txt"'
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Cache-Control"] == "no-store"
    assert "x" not in headers


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 0)),
        ("bytes=0-", (0, 9)),
        ("bytes=3-5", (3, 5)),
        ("bytes=3-99", (3, 9)),
        ("bytes=9-", (9, 9)),
        ("bytes=-1", (9, 9)),
        ("bytes=-10", (0, 9)),
        ("bytes=-99", (0, 9)),
        (f"bytes=0-{'9' * 18}", (0, 9)),
        ("bytes= 3-5 ", (3, 5)),
        *((f"bytes={each}", None) for each in ["", "-", "a-b", "5-3", "--5", "\u0663-\u0665"]),
        *((each, None) for each in ["", "bytes", "items=0-5", "bytes=0-1,3-4", "bytes=0-1, 3-4"]),
        *((f"bytes={each}", None) for each in ["1" * 19 + "-", "1" * 5000 + "-"]),
        *((f"bytes={each}", None) for each in ["0-" + "1" * 5000, "-" + "1" * 5000]),
    ],
)
def test_range(header: str, expected: tuple[int, int] | None) -> None:
    """Read one range of an object of 10 bytes, and ignore all else, several ranges included."""
    part = parse_range(header, 10)
    assert part == (expected and ByteRange(first=expected[0], last=expected[1]))


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_not_satisfiable(header: str, size: int) -> None:
    """Refuse a range without a single byte of the object in it."""
    with pytest.raises(NotSatisfiable):
        parse_range(header, size)


@given(
    size=st.integers(1, 50),
    first=st.none() | st.integers(0, 60),
    last=st.none() | st.integers(0, 60),
)
def test_agrees_with_slices(size: int, first: int | None, last: int | None) -> None:
    """Name the bytes that a slice of a list would give."""
    positions = list(range(size))
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    if first is None:
        expected = positions[-last:] if last else []
    else:
        expected = positions[first:] if last is None else positions[first : last + 1]
    try:
        part = parse_range(header, size)
    except NotSatisfiable:
        assert expected == []
        return
    if part is None:
        assert first is last is None or (first is not None and last is not None and last < first)
        return
    assert positions[part.first : part.last + 1] == expected
    assert part.length == len(expected)
    assert part.content_range(size) == f"bytes {expected[0]}-{expected[-1]}/{size}"


SAME = "Thu, 01 Jan 2026 12:00:00 GMT"
EARLIER = "Thu, 01 Jan 2026 11:59:59 GMT"
LATER = "Thu, 01 Jan 2026 12:00:01 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Outcome.PROCEED),
        ({"IF_NONE_MATCH": ETAG}, Outcome.NOT_MODIFIED),
        ({"IF_NONE_MATCH": 'W/"abc"'}, Outcome.NOT_MODIFIED),
        ({"IF_NONE_MATCH": '"x", "abc"'}, Outcome.NOT_MODIFIED),
        ({"IF_NONE_MATCH": "*"}, Outcome.NOT_MODIFIED),
        ({"IF_NONE_MATCH": '"x"'}, Outcome.PROCEED),
        ({"IF_NONE_MATCH": '"x"', "IF_MODIFIED_SINCE": LATER}, Outcome.PROCEED),
        ({"IF_MODIFIED_SINCE": SAME}, Outcome.NOT_MODIFIED),
        ({"IF_MODIFIED_SINCE": LATER}, Outcome.NOT_MODIFIED),
        ({"IF_MODIFIED_SINCE": EARLIER}, Outcome.PROCEED),
        ({"IF_MODIFIED_SINCE": "yesterday"}, Outcome.PROCEED),
        ({"IF_MODIFIED_SINCE": "Thu, 01 Jan 2026 12:00:00 -0000"}, Outcome.NOT_MODIFIED),
        ({"IF_MATCH": ETAG}, Outcome.PROCEED),
        ({"IF_MATCH": "*"}, Outcome.PROCEED),
        ({"IF_MATCH": '"x"'}, Outcome.FAILED),
        ({"IF_UNMODIFIED_SINCE": SAME}, Outcome.PROCEED),
        ({"IF_UNMODIFIED_SINCE": EARLIER}, Outcome.FAILED),
        ({"IF_MATCH": ETAG, "IF_UNMODIFIED_SINCE": EARLIER}, Outcome.PROCEED),
        ({"IF_MATCH": ETAG, "IF_NONE_MATCH": ETAG}, Outcome.NOT_MODIFIED),
    ],
)
def test_evaluate(headers: dict[str, str], expected: Outcome) -> None:
    """Follow the order in which RFC 9110 wants the conditions evaluated."""
    environ = {f"HTTP_{name}": value for name, value in headers.items()}
    assert evaluate(environ, etag=ETAG, last_modified=MODIFIED) is expected


@pytest.mark.parametrize(
    ("if_range", "expected"),
    [
        (None, True),
        (ETAG, True),
        ('"x"', False),
        ('W/"abc"', False),
        (SAME, True),
        (EARLIER, False),
        (LATER, False),
        ("yesterday", False),
    ],
)
def test_range_applies(if_range: str | None, expected: bool) -> None:
    """Serve a range only of the very version that If-Range names."""
    environ = {} if if_range is None else {"HTTP_IF_RANGE": if_range}
    assert range_applies(environ, etag=ETAG, last_modified=MODIFIED) is expected


# CORS


APP, ELSE = "https://app.example.com", "https://else.example"
RULES = [
    CorsRule(
        allowed_origins=(APP, "https://*.example.org"),
        allowed_headers=("Range", "x-amz-*"),
        expose_headers=("ETag", "Content-Length"),
        max_age=3000,
    ),
    CorsRule(allowed_origins=("*",), allowed_methods=("GET",)),
]
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
#: What the first rule adds, but for the origin.
FIRST_RULE = {
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Expose-Headers": "ETag, Content-Length",
    "Access-Control-Max-Age": "3000",
    "Vary": VARY,
}


def preflight(origin: str, method: str = "GET", headers: str = "") -> dict[str, str]:
    """Return what a preflight of a browser puts into the environ."""
    environ = {
        "REQUEST_METHOD": "OPTIONS",
        "HTTP_ORIGIN": origin,
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": method,
    }
    return environ | ({"HTTP_ACCESS_CONTROL_REQUEST_HEADERS": headers} if headers else {})


@pytest.mark.parametrize(
    ("method", "origin", "allowed", "others"),
    [
        ("GET", APP, APP, FIRST_RULE),
        ("HEAD", "https://a.example.org", "https://a.example.org", FIRST_RULE),
        ("GET", ELSE, "*", {"Access-Control-Allow-Methods": "GET", "Vary": VARY}),
        ("HEAD", ELSE, None, {}),
        ("GET", None, None, {}),
    ],
    ids=["named origin", "origin with a *", "any origin", "no rule", "no Origin"],
)
def test_cors(method: str, origin: str | None, allowed: str | None, others: dict[str, str]) -> None:
    """Add what the first rule that matches allows, and nothing, Vary included, without one."""
    environ = {"REQUEST_METHOD": method} | ({"HTTP_ORIGIN": origin} if origin else {})
    expected = others | ({"Access-Control-Allow-Origin": allowed} if allowed else {})
    assert dict(headers_for(RULES, environ)) == expected


@pytest.mark.parametrize(
    ("asked", "allowed"), [("range, X-Amz-Date", "range, x-amz-date"), ("", None)]
)
def test_preflight(asked: str, allowed: str | None) -> None:
    """Repeat the headers that were asked for, in lowercase, if all are allowed."""
    headers = dict(headers_for_preflight(RULES, preflight(APP, headers=asked)))
    assert headers.get("Access-Control-Allow-Headers") == allowed
    assert headers["Access-Control-Allow-Origin"] == APP


@pytest.mark.parametrize(
    "environ",
    [
        preflight(ELSE, method="HEAD"),
        preflight(APP, method="PUT"),
        preflight(APP, headers="range, x-other"),
        {"REQUEST_METHOD": "OPTIONS"},
    ],
)
def test_refused_preflight(environ: dict[str, str]) -> None:
    """Allow nothing where origin, method or one of the headers has no rule."""
    assert headers_for_preflight(RULES, environ) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"allowed_origins": ()},
        {"allowed_methods": ()},
        {"allowed_origins": ("https://*.*.example",)},
        {"allowed_origins": ("https://[a]",)},
        {"allowed_methods": ("OPTIONS",)},
        {"allowed_headers": ("a*b*",)},
    ],
)
def test_unfit_rule(changes: dict[str, Any]) -> None:
    """Refuse a rule that S3 would not take."""
    with pytest.raises(ValueError, match=r"CORS|allowed_"):
        CorsRule(**{"allowed_origins": ("*",)} | changes)
