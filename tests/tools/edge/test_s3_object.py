"""Answer for one object as S3 does: ranges, conditions, overrides, errors."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.tools.edge.s3_object import CHUNK_SIZE, S3Response, StoredObject, answer

DATA = b"0123456789"
ETAG = '"abc"'
# Half a second behind the whole one: HTTP dates cannot say so.
MODIFIED = datetime(2026, 1, 1, 12, 0, 0, 500_000, tzinfo=UTC)


def make_object(data: bytes = DATA, **fields: object) -> StoredObject:
    """Return an object in memory."""
    values = {
        "size": len(data),
        "content_type": "text/plain",
        "etag": ETAG,
        "last_modified": MODIFIED,
        "open": lambda: io.BytesIO(data),
    }
    return StoredObject(**(values | fields))  # type: ignore[arg-type]


def ask(stored: StoredObject | None = None, /, method: str = "GET", **environ: str) -> S3Response:
    """Ask for an object with some more in the environ."""
    return answer(
        stored or make_object(), {"REQUEST_METHOD": method, "QUERY_STRING": "", **environ}
    )


def test_get() -> None:
    """Send the whole object with what S3 says of it; HEAD opens no file."""
    reply, head = ask(), ask(make_object(open=lambda: pytest.fail("opened")), method="HEAD")
    assert reply.status == "200 OK"
    assert dict(reply.headers) == {
        "Content-Type": "text/plain",
        "Content-Length": "10",
        "Accept-Ranges": "bytes",
        "ETag": ETAG,
        "Last-Modified": "Thu, 01 Jan 2026 12:00:00 GMT",
    }
    assert b"".join(reply.body) == DATA
    assert (head.headers, list(head.body)) == (reply.headers, [])


def test_other_objects() -> None:
    """Name the encoding of the stored bytes, and serve an object without any bytes."""
    assert ("Content-Encoding", "gzip") in ask(make_object(content_encoding="gzip")).headers
    empty = ask(make_object(b""))
    assert dict(empty.headers)["Content-Length"] == "0"
    assert b"".join(empty.body) == b""


def test_chunks() -> None:
    """Read a large object in chunks, never as a whole; stop if its file has become shorter."""
    size = 3 * CHUNK_SIZE + 5
    whole, shorter = (ask(make_object(b"x" * each, size=size)).body for each in (size, 9))
    assert [len(chunk) for chunk in whole] == [CHUNK_SIZE] * 3 + [5]
    assert [len(chunk) for chunk in shorter] == [9]


def test_file_closed_when_abandoned() -> None:
    """Close the file of a viewer who left before the first byte."""
    file = io.BytesIO(DATA)
    body = ask(make_object(open=lambda: file)).body
    body.close()  # type: ignore[attr-defined]
    assert file.closed


@pytest.mark.parametrize(
    ("environ", "status", "code"),
    [
        ({"HTTP_RANGE": "bytes=10-"}, 416, b"InvalidRange"),
        *(
            ({"QUERY_STRING": f"response-content-disposition={value}"}, 400, b"InvalidArgument")
            for value in ["a%0D%0ASet-Cookie:%20x=y", "a%0Ab", "%00", "%ED%95%9C", "%7F"]
        ),
    ],
)
def test_errors(environ: dict[str, str], status: int, code: bytes) -> None:
    """Send an error of S3, and no header with a line end in it."""
    reply = ask(**environ)
    headers, sent = dict(reply.headers), b"".join(reply.body)
    assert int(reply.status[:3]) == status
    assert b"<Code>" + code + b"</Code>" in sent
    assert b"<RequestId>" in sent
    assert b"</HostId></Error>" in sent
    assert headers.pop("Content-Length") == str(len(sent))
    assert headers.pop("Content-Range", None) == ("bytes */10" if status == 416 else None)
    assert headers == {"Content-Type": "application/xml"}


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
        QUERY_STRING="response-content-disposition=attachment%3B%20filename%3D%22%C3%BF%20b.txt%22"
        "&response-content-type=application/pdf&response-cache-control=no-store&x=y"
    )
    headers = dict(reply.headers)
    assert headers["Content-Disposition"] == 'attachment; filename="ÿ b.txt"'
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Cache-Control"] == "no-store"
    assert "x" not in headers


#: Ranges that are asked for, and the part that is sent; all else is ignored.
RANGES: list[tuple[str, str | None]] = [
    *((f"bytes=0-{'9' * 18}", "0-9"), ("bytes= 3-5 ", "3-5")),
    *((f"bytes={each}", None) for each in ["", "-", "a-b", "--5", "\u0663-\u0665"]),
    *((each, None) for each in ["", "bytes", "items=0-5", "bytes=0-1,3-4", "bytes=0-1, 3-4"]),
    *((f"bytes={each}", None) for each in ["1" * 19 + "-", "1" * 5000 + "-"]),
    *((f"bytes={each}", None) for each in ["0-" + "1" * 5000, "-" + "1" * 5000]),
]


def test_range() -> None:
    """Send one range of the object, and ignore all else, several ranges included."""
    for header, part in RANGES:
        reply = ask(HTTP_RANGE=header)
        assert dict(reply.headers).get("Content-Range") == (part and f"bytes {part}/10"), header
        assert reply.status == ("206 Partial Content" if part else "200 OK"), header


@given(
    size=st.integers(0, 50),
    first=st.none() | st.integers(0, 60),
    last=st.none() | st.integers(0, 60),
)
def test_range_agrees_with_slices(size: int, first: int | None, last: int | None) -> None:
    """Send the bytes that a slice gives, 416 for none, and all if the range makes no sense."""
    data = bytes(range(size))  # Each byte is its own position.
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    if first is None:
        part = data[-last:] if last else b""
    else:
        part = data[first:] if last is None else data[first : last + 1]
    reply = ask(make_object(data), HTTP_RANGE=header)
    headers, sent = dict(reply.headers), b"".join(reply.body)
    if first is last is None or (first is not None and last is not None and last < first):
        assert (reply.status, sent) == ("200 OK", data)
    elif not part:
        assert reply.status == "416 Requested Range Not Satisfiable"
        assert headers["Content-Range"] == f"bytes */{size}"
    else:
        assert (reply.status, sent) == ("206 Partial Content", part)
        assert headers["Content-Range"] == f"bytes {part[0]}-{part[-1]}/{size}"
        assert headers["Content-Length"] == str(len(part))


SAME = "Thu, 01 Jan 2026 12:00:00 GMT"
EARLIER = "Thu, 01 Jan 2026 11:59:59 GMT"
LATER = "Thu, 01 Jan 2026 12:00:01 GMT"


#: Conditions of a request, and the status of its answer.
CONDITIONS: list[tuple[dict[str, str], int]] = [
    ({"IF_NONE_MATCH": ETAG}, 304),
    ({"IF_NONE_MATCH": 'W/"abc"'}, 304),
    ({"IF_NONE_MATCH": '"x", "abc"'}, 304),
    ({"IF_NONE_MATCH": "*"}, 304),
    ({"IF_NONE_MATCH": '"x"'}, 200),
    ({"IF_NONE_MATCH": '"x"', "IF_MODIFIED_SINCE": LATER}, 200),
    ({"IF_MODIFIED_SINCE": SAME}, 304),
    ({"IF_MODIFIED_SINCE": LATER}, 304),
    ({"IF_MODIFIED_SINCE": EARLIER}, 200),
    ({"IF_MODIFIED_SINCE": "yesterday"}, 200),
    ({"IF_MODIFIED_SINCE": "Thu, 01 Jan 2026 12:00:00 -0000"}, 304),
    # A range is one of the very version that If-Range names.
    *(({"RANGE": "bytes=0-1", "IF_RANGE": each}, 206) for each in [ETAG, SAME]),
    *(
        ({"RANGE": "bytes=0-1", "IF_RANGE": each}, 200)
        for each in ['"x"', 'W/"abc"', EARLIER, LATER, "yesterday"]
    ),
]


def test_conditions() -> None:
    """Follow the order in which RFC 9110 wants the conditions evaluated."""
    found = []
    for conditions, _ in CONDITIONS:
        reply = ask(**{f"HTTP_{name}": value for name, value in conditions.items()})
        found.append((conditions, int(reply.status[:3])))
    assert found == CONDITIONS
