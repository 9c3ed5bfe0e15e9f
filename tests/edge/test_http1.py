from __future__ import annotations

import io

import pytest

from cfsigned_django.edge.server import BadRequest, RequestHead, RequestTooLong, read_head

LIMIT = 20_480


def read(text: str, limit: int = LIMIT) -> RequestHead:
    """Read a head whose lines are parted by bare newlines here."""
    head = read_head(io.BytesIO(text.replace("\n", "\r\n").encode("latin-1")), limit)
    assert head is not None
    return head


class TestReadHead:
    def test_parts(self) -> None:
        """Read method, target, version and fields."""
        head = read("GET /a%2Fb?x=%27 HTTP/1.1\nHost: a.example\nX-Y:  z \n\n")
        assert (head.method, head.target, head.minor_version) == ("GET", "/a%2Fb?x=%27", 1)
        assert head.fields == (("host", "a.example"), ("x-y", "z"))

    def test_bare_newlines(self) -> None:
        """Take lines that end in a newline only."""
        head = read_head(io.BytesIO(b"GET / HTTP/1.0\nHost: a\n\n"), LIMIT)
        assert head is not None
        assert head.get("host") == "a"

    def test_rest_stays(self) -> None:
        """Leave the next request of the connection in the stream."""
        stream = io.BytesIO(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
        heads = [read_head(stream, LIMIT) for _ in range(3)]
        assert [head and head.target for head in heads] == ["/1", "/2", None]

    def test_empty_line_in_front(self) -> None:
        """Skip an empty line before the request line, as RFC 9112 asks."""
        assert read("\nGET / HTTP/1.1\n\n").target == "/"

    def test_end_of_connection(self) -> None:
        """Return None where the viewer sends nothing more."""
        assert read_head(io.BytesIO(b""), LIMIT) is None

    @pytest.mark.parametrize(
        "text",
        [
            "GET /\n\n",
            "GET  / HTTP/1.1\n\n",
            "GET / HTTP/2.0\n\n",
            "get / HTTP/1.1\n\n",
            "GET /a b HTTP/1.1\n\n",
            "GET /a\tb HTTP/1.1\n\n",
            "GET /a\x1bb HTTP/1.1\n\n",
            "GET / HTTP/1.1 \n\n",
            "GET / HTTP/1.1\nno colon\n\n",
            "GET / HTTP/1.1\nHost : a\n\n",
            "GET / HTTP/1.1\n: a\n\n",
            "GET / HTTP/1.1\nX: a\n folded\n\n",
            "GET / HTTP/1.1\nX: a\x00b\n\n",
            "GET / HTTP/1.1\nX: a\rb\n\n",
            "GET / HTTP/1.1\nHost: a\nhost: b\n\n",
            "GET / HTTP/1.1\nContent-Length: 1\nContent-Length: 2\n\n",
            "GET / HTTP/1.1\nHost: a",
            "GET / HTTP/1.1\nHost: a\n",
        ],
    )
    def test_bad_request(self, text: str) -> None:
        """Refuse what two readers could understand in two ways."""
        with pytest.raises(BadRequest):
            read(text)

    def test_limit(self) -> None:
        """Read a head of exactly the limit and refuse one byte more."""
        text = "GET / HTTP/1.1\nX: {}\n\n"
        padding = LIMIT - len(text.replace("\n", "\r\n").format(""))
        assert len(read(text.format("a" * padding)).fields[0][1]) == padding
        with pytest.raises(RequestTooLong):
            read(text.format("a" * (padding + 1)))

    def test_limit_without_newline(self) -> None:
        """Stop reading at the limit though no line ever ends."""
        stream = io.BytesIO(b"a" * (10 * LIMIT))
        with pytest.raises(RequestTooLong):
            read_head(stream, LIMIT)
        assert stream.tell() == LIMIT + 1


class TestEnviron:
    def test_target(self) -> None:
        """Give the raw target beside the decoded path that WSGI wants."""
        environ = read("GET /a%2Fb%20%ED%95%9C?x=%27 HTTP/1.1\n\n").environ()
        assert environ["RAW_URI"] == "/a%2Fb%20%ED%95%9C?x=%27"
        assert environ["PATH_INFO"] == "/a/b \xed\x95\x9c"
        assert environ["QUERY_STRING"] == "x=%27"

    def test_repeated_fields(self) -> None:
        """Join what is there several times: cookies by semicolons, all else by commas."""
        environ = read("GET / HTTP/1.1\nCookie: a=1\nCookie: b=2\nX-Y: 1\nx-y: 2\n\n").environ()
        assert environ["HTTP_COOKIE"] == "a=1; b=2"
        assert environ["HTTP_X_Y"] == "1, 2"

    def test_underscore(self) -> None:
        """Drop a name with an underscore, which would pass for the one with a hyphen."""
        environ = read("GET / HTTP/1.1\nIf_None_Match: x\nRange: a\n\n").environ()
        assert "HTTP_IF_NONE_MATCH" not in environ
        assert environ["HTTP_RANGE"] == "a"

    def test_content_fields(self) -> None:
        """Put Content-Length and Content-Type where CGI has them."""
        environ = read("GET / HTTP/1.1\nContent-Length: 3\nContent-Type: a/b\n\n").environ()
        assert (environ["CONTENT_LENGTH"], environ["CONTENT_TYPE"]) == ("3", "a/b")
        assert "HTTP_CONTENT_LENGTH" not in environ


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET / HTTP/1.1\n\n", True),
        ("GET / HTTP/1.1\nConnection: Close\n\n", False),
        ("GET / HTTP/1.1\nConnection: x, close\n\n", False),
        ("GET / HTTP/1.0\n\n", False),
        ("GET / HTTP/1.0\nConnection: keep-alive\n\n", True),
        ("GET / HTTP/1.1\nContent-Length: 0\n\n", True),
        ("GET / HTTP/1.1\nContent-Length: 5\n\n", False),
        ("GET / HTTP/1.1\nTransfer-Encoding: chunked\n\n", False),
    ],
)
def test_keeps_alive(text: str, expected: bool) -> None:
    """Keep the connection as HTTP/1.1 and 1.0 have it, and never behind a body."""
    assert read(text).keeps_alive is expected
