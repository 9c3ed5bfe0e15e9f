"""Read from a WSGI environ what a viewer sent, exactly as it was sent."""

from __future__ import annotations

import pytest

from cfsigned_django.edge.requests import ViewerRequest, raw_target
from cfsigned_django.signing.encoding import encode_url
from tests.edge import HOST


def read(**environ: str) -> ViewerRequest:
    """Read a GET request for ``/a`` with some more in its environ."""
    return ViewerRequest.from_environ(
        {
            "REQUEST_METHOD": "GET",
            "wsgi.url_scheme": "http",
            "HTTP_HOST": HOST,
            "RAW_URI": "/a",
            **environ,
        }
    )


class TestRawTarget:
    def test_raw_uri(self) -> None:
        """Take RAW_URI as it is, whatever the decoded path says."""
        assert raw_target({"RAW_URI": "/a%2Fb?x=%27", "PATH_INFO": "/a/b"}) == "/a%2Fb?x=%27"

    def test_request_uri(self) -> None:
        """Take REQUEST_URI where there is no RAW_URI."""
        assert raw_target({"REQUEST_URI": "/a%2Fb", "PATH_INFO": "/a/b"}) == "/a%2Fb"

    @pytest.mark.parametrize(
        "name", ["a b.jpg", "한글.pdf", "it's (1)!*~.jpg", "50%.jpg", "100%25.jpg", "a+b,c;d.jpg"]
    )
    def test_rebuilt(self, name: str) -> None:
        """Encode a decoded path as the signer does, so that its URLs verify on any server."""
        path = f"/{name}".encode().decode("latin-1")
        signed = encode_url(f"http://{HOST}/" + name.replace("%", "%25"))
        assert f"http://{HOST}{raw_target({'PATH_INFO': path})}" == signed

    def test_rebuilt_with_query(self) -> None:
        """Leave the query as it is, and put a mount point in front."""
        environ = {"SCRIPT_NAME": "/cdn", "PATH_INFO": "/a", "QUERY_STRING": "x=%27&y=a+b"}
        assert raw_target(environ) == "/cdn/a?x=%27&y=a+b"

    def test_rebuilt_from_bytes(self) -> None:
        """Survive a path that is not UTF-8."""
        assert raw_target({"PATH_INFO": "/\xff"}) == "/%EF%BF%BD"


class TestFromEnviron:
    def test_cookies(self) -> None:
        """Read cookies in order, the same name twice included, and skip what is none."""
        cookies = read(HTTP_COOKIE="a=1; b=x=y;a=2; broken; c=").cookies
        assert cookies == (("a", "1"), ("b", "x=y"), ("a", "2"), ("c", ""))

    def test_viewer_is_the_peer(self) -> None:
        """Take the address of the connection, and nothing that a viewer could write."""
        request = read(
            REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="10.0.0.2", HTTP_X_REAL_IP="10.0.0.3"
        )
        assert request.viewer_ip == "10.0.0.1"

    @pytest.mark.parametrize(
        ("environ", "expected"),
        [
            ({}, False),
            ({"CONTENT_LENGTH": ""}, False),
            ({"CONTENT_LENGTH": "0"}, False),
            ({"CONTENT_LENGTH": "1"}, True),
            ({"HTTP_TRANSFER_ENCODING": "chunked"}, True),
        ],
    )
    def test_body(self, environ: dict[str, str], expected: bool) -> None:
        """Notice a body by the headers that announce it."""
        assert read(**environ).has_body is expected

    def test_parts(self) -> None:
        """Part the target at the first question mark."""
        request = read(RAW_URI="/a?b?c")
        assert (request.path, request.query) == ("/a", "b?c")
        assert request.url == f"http://{HOST}/a?b?c"


class TestQueryForOrigin:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ""),
            ("Expires=1&Signature=2&Key-Pair-Id=3&Hash-Algorithm=SHA256&Policy=4", ""),
            ("a=1&Expires=1&b=2", "a=1&b=2"),
            ("expires=1", "expires=1"),
            ("a&&b=", "a&&b="),
        ],
    )
    def test_strips(self, query: str, expected: str) -> None:
        """Take out the five names, in their own case, and touch nothing else."""
        assert read(RAW_URI=f"/a?{query}").query_for_origin() == expected


class TestDescribe:
    def test_names_only(self) -> None:
        """Describe a request by its path and the names of its parameters."""
        assert read(RAW_URI="/a%20b?Expires=1&Signature=x").describe() == (
            "/a%20b?Expires&Signature"
        )

    def test_no_query(self) -> None:
        """Describe a request without a query by its path."""
        assert read().describe() == "/a"

    def test_long_name(self) -> None:
        """Cut a name that is too long to be one."""
        assert read(RAW_URI=f"/a?{'x' * 50}=1").describe() == f"/a?{'x' * 40}..."

    def test_conceal(self) -> None:
        """Take signatures and policies out of a text, from the query and from cookies."""
        secret, cookie = "s" * 92, "c" * 92
        request = read(
            RAW_URI=f"/a?Signature={secret}", HTTP_COOKIE=f"CloudFront-Policy={cookie}; x=y"
        )
        assert request.conceal(f"{secret}, {cookie}, y") == "..., ..., y"
