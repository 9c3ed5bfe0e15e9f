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


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"RAW_URI": "/a%2Fb?x=%27", "REQUEST_URI": "/x", "PATH_INFO": "/a/b"}, "/a%2Fb?x=%27"),
        ({"REQUEST_URI": "/a%2Fb", "PATH_INFO": "/a/b"}, "/a%2Fb"),
        (
            {"SCRIPT_NAME": "/cdn", "PATH_INFO": "/a", "QUERY_STRING": "x=%27&y=a+b"},
            "/cdn/a?x=%27&y=a+b",
        ),
        ({"PATH_INFO": "/\xff"}, "/%EF%BF%BD"),
    ],
)
def test_raw_target(environ: dict[str, str], expected: str) -> None:
    """Take the target as a server hands it on, or else rebuild it from the decoded path."""
    assert raw_target(environ) == expected


@pytest.mark.parametrize(
    "name", ["a b.jpg", "한글.pdf", "it's (1)!*~.jpg", "50%.jpg", "100%25.jpg", "a+b,c;d.jpg"]
)
def test_rebuilt(name: str) -> None:
    """Encode a decoded path as the signer does, so that its URLs verify on any server."""
    path = f"/{name}".encode().decode("latin-1")
    signed = encode_url(f"http://{HOST}/" + name.replace("%", "%25"))
    assert f"http://{HOST}{raw_target({'PATH_INFO': path})}" == signed


def test_cookies() -> None:
    """Read cookies in order, the same name twice included, and skip what is none."""
    cookies = read(HTTP_COOKIE="a=1; b=x=y;a=2; broken; c=").cookies
    assert cookies == (("a", "1"), ("b", "x=y"), ("a", "2"), ("c", ""))


def test_viewer_is_the_peer() -> None:
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
def test_body(environ: dict[str, str], expected: bool) -> None:
    """Notice a body by the headers that announce it."""
    assert read(**environ).has_body is expected


def test_parts() -> None:
    """Part the target at the first question mark."""
    request = read(RAW_URI="/a?b?c")
    assert (request.path, request.query) == ("/a", "b?c")
    assert request.url == f"http://{HOST}/a?b?c"


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
def test_strips(query: str, expected: str) -> None:
    """Take out the five names, in their own case, and touch nothing else."""
    assert read(RAW_URI=f"/a?{query}").query_for_origin() == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/a", "/a"),
        ("/a%20b?Expires=1&Signature=x", "/a%20b?Expires&Signature"),
        (f"/a?{'x' * 50}=1", f"/a?{'x' * 40}..."),
        ("/a.jpgExpires=1&Signature=x&Key-Pair-Id=K", "/a.jpgExpires=1&Signature=..."),
        ("/a.jpg%3FPolicy%3dx%26Signature%3Dy", "/a.jpg%3FPolicy%3d..."),
    ],
)
def test_describe(target: str, expected: str) -> None:
    """Describe a request by its path and the names of its parameters, long ones cut."""
    assert read(RAW_URI=target).describe() == expected


def test_conceal() -> None:
    """Take signatures and policies out of a text, from the query and from cookies."""
    secret, cookie = "s" * 92, "c" * 92
    request = read(RAW_URI=f"/a?Signature={secret}", HTTP_COOKIE=f"CloudFront-Policy={cookie}; x=y")
    assert request.conceal(f"{secret}, {cookie}, y") == "..., ..., y"
