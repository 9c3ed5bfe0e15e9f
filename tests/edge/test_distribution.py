"""Decide about each request as a distribution does, and hand it to the origin."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from cfsigned_django.edge import Behavior, Distribution
from cfsigned_django.edge.client import EdgeClient, EdgeResponse
from cfsigned_django.signing import Policy, Signer
from tests.edge import BASE, EXPIRES, HOST, IMAGE, KEY_ID, call
from tests.edge.conftest import MakeClient, echo_origin
from tests.golden import assert_golden

ALL = Policy(resource=f"{BASE}/*", date_less_than=EXPIRES)

OPEN = (Behavior(),)
FOREIGN = (
    Behavior(path_pattern="app/*", foreign_origin="app.example.com"),
    Behavior(path_pattern="*", trusted_key_groups=("group",), foreign_origin="files.example"),
)


def seen_by_origin(response: EdgeResponse) -> dict[str, str]:
    """Return the environ that the echoing origin got."""
    assert response.status == 200, response.reason
    seen: dict[str, str] = json.loads(response.body)
    return seen


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"domain_names": ()}, "domain_names"),
        ({"domain_names": ("https://cdn.example.com",)}, "domain_names"),
        ({"behaviors": ()}, "behaviors"),
        ({"behaviors": (Behavior(path_pattern="a"),)}, "behaviors"),
        ({"behaviors": (Behavior(), Behavior(path_pattern="a"))}, "behaviors"),
        ({"behaviors": (Behavior(), Behavior())}, "behaviors"),
        ({"behaviors": (Behavior(trusted_key_groups=("nobody",)),)}, "nobody"),
    ],
)
def test_refuses(options: dict[str, Any], message: str) -> None:
    """Refuse a distribution that could not work, and name the argument."""
    arguments: dict[str, Any] = {"domain_names": (HOST,), "origin": echo_origin} | options
    with pytest.raises(ValueError, match=message):
        Distribution(**arguments)


def test_pages(make_client: MakeClient, log: pytest.LogCaptureFixture) -> None:
    """Answer in CloudFront's status, on a page that says whose words it has, and log why."""
    longest = "/image.jpg?" + "a" * (8192 - len(IMAGE) - 1)
    for behaviors, environ, status in [
        *((OPEN, {"REQUEST_METHOD": each}, "403 Forbidden") for each in ["POST", "OPTIONS", "get"]),
        (OPEN, {"HTTP_HOST": "localhost:8001"}, "403 Forbidden"),
        (OPEN, {"HTTP_HOST": f"{HOST}:8001"}, "403 Forbidden"),
        (OPEN, {"CONTENT_LENGTH": "3"}, "403 Forbidden"),
        (OPEN, {"HTTP_TRANSFER_ENCODING": "chunked"}, "403 Forbidden"),
        (OPEN, {"RAW_URI": longest + "a"}, "413 Request Entity Too Large"),
        *(
            (OPEN, {"RAW_URI": each}, "400 Bad Request")
            for each in ["/ü", "/a b", "/a\x1b[31m\n200 /b", "*", "http://other/a"]
        ),
        (FOREIGN, {"RAW_URI": "/app/"}, "502 Bad Gateway"),
    ]:
        distribution = make_client(behaviors=behaviors).distribution
        sent, headers, body = call(distribution, **{"RAW_URI": "/image.jpg"} | environ)
        assert sent == status
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Content-Length"] == str(len(body))
        assert headers["X-Cache"] == "Error from cloudfront"
        assert body.startswith(b"<!DOCTYPE html>")
        assert b"cfsigned_django" in body
    assert make_client(behaviors=OPEN).get(f"{BASE}{longest}").status == 200
    lines = [each.replace("a" * 41, "...") for each in log.messages[:-1]]
    assert all(each.isprintable() for each in lines)
    assert_golden("edge-pages", "\n".join(lines))


def test_foreign_origin_comes_last(make_client: MakeClient, signer: Signer) -> None:
    """Ask for a signature before it counts that this edge does not read the origin."""
    client = make_client(behaviors=FOREIGN)
    assert client.get(IMAGE).error_code == "MissingKey"
    assert client.get(signer.sign_url(IMAGE, date_less_than=EXPIRES)).status == 502


def test_case_of_host(client: EdgeClient, signer: Signer) -> None:
    """Serve whatever the case of the host."""
    url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
    assert client.get(url.replace(HOST, HOST.upper())).status == 200


@pytest.mark.parametrize(
    "name",
    [
        *("a%2Fb.jpg", "a%2fb.jpg", "%7Euser.jpg", "~user.jpg", "a%2Bb.jpg", "it's.jpg"),
        *("%ED%95%9C%EA%B8%80.pdf", "a//b.jpg", "a.jpg?x=a+b", "a.jpg?x=%27&y=%2F"),
    ],
)
def test_compared_as_sent(client: EdgeClient, signer: Signer, name: str) -> None:
    """Verify the target as it was sent, and hand it on as it was sent."""
    url = signer.sign_url(f"{BASE}/{name}", date_less_than=EXPIRES)
    assert url.startswith(f"{BASE}/{name}")
    assert seen_by_origin(client.get(url))["RAW_URI"] == f"/{name}"


@pytest.mark.parametrize(
    ("signed", "sent"),
    [("a%2Fb", "a/b"), ("a%2Fb", "a%2fb"), ("~a", "%7Ea"), ("a%2Bb", "a+b"), ("a", "%61")],
)
def test_other_spelling(client: EdgeClient, signer: Signer, signed: str, sent: str) -> None:
    """Refuse another spelling of the same path: the bytes on the wire count."""
    url = signer.sign_url(f"{BASE}/{signed}", date_less_than=EXPIRES)
    assert client.get(url).status == 200
    assert client.get(url.replace(f"/{signed}", f"/{sent}")).error_code == "AccessDenied"


def test_reserved_parameters_stripped(client: EdgeClient, signer: Signer) -> None:
    """Keep CloudFront's five parameters from the origin, and leave all others as they were."""
    url = signer.sign_url(f"{IMAGE}?size=large&x=a+b", date_less_than=EXPIRES)
    assert "Hash-Algorithm" in url
    seen = seen_by_origin(client.get(url))
    assert seen["QUERY_STRING"] == "size=large&x=a+b"
    assert seen["RAW_URI"] == seen["REQUEST_URI"] == "/image.jpg?size=large&x=a+b"


def test_open_behavior_forwards_all(make_client: MakeClient, signer: Signer) -> None:
    """Forward every parameter if the behavior trusts no key group."""
    url = signer.sign_url(f"{IMAGE}?size=large", date_less_than=EXPIRES)
    seen = seen_by_origin(make_client(behaviors=OPEN).get(url))
    assert seen["QUERY_STRING"] == url.partition("?")[2]


def test_bearer_credentials_kept_back(client: EdgeClient, signer: Signer) -> None:
    """Forward neither cookies nor Authorization, and forward the headers for CORS."""
    cookies = signer.sign_cookies(Policy(resource=f"{BASE}/*", date_less_than=EXPIRES))
    headers = {
        "Authorization": "Basic eA==",
        "Origin": "https://app.example.com",
        "Range": "bytes=0-1",
    }
    seen = seen_by_origin(client.get(IMAGE, cookies=cookies, headers=headers))
    assert "HTTP_COOKIE" not in seen
    assert "HTTP_AUTHORIZATION" not in seen
    assert seen["HTTP_ORIGIN"] == "https://app.example.com"
    assert seen["HTTP_RANGE"] == "bytes=0-1"


def test_error_of_origin(make_client: MakeClient, log: pytest.LogCaptureFixture) -> None:
    """Pass an origin's own error on, mark it, and log the sentence that the origin left."""

    def origin(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["cfsigned.reason"] = "nobody has this file"
        start_response("403 Forbidden", [("Server", "AmazonS3"), ("Content-Length", "2")])
        return [b"no"]

    response = make_client(behaviors=OPEN, origin=origin).get(IMAGE)
    assert (response.status, response.body) == (403, b"no")
    assert response.headers.get_all("Server") == ["AmazonS3"]
    assert response.headers["X-Cache"] == "Error from cloudfront"
    assert response.reason == "nobody has this file"
    assert log.messages == ["403 from the origin /image.jpg: nobody has this file"]


def test_headers_of_an_edge(make_client: MakeClient) -> None:
    """Add to each answer the headers that show an edge."""
    headers = dict(make_client(behaviors=OPEN).get(IMAGE).headers.items())
    assert headers["X-Cache"] == "Miss from cloudfront"
    assert headers["Via"].startswith("1.1 ")
    assert headers["Via"].endswith("(CloudFront)")
    assert headers["X-Amz-Cf-Pop"]
    assert len(headers["X-Amz-Cf-Id"]) == 57
    assert headers["Server"] == "CloudFront"


def test_refusal_has_no_cors_headers(client: EdgeClient) -> None:
    """Leave CORS headers out of a refusal, which browsers then report as a CORS error."""
    response = client.get(IMAGE, headers={"Origin": "https://app.example.com"})
    assert response.status == 403
    assert "access-control" not in str(response.headers).lower()


def test_viewer_scheme(make_client: MakeClient, signer: Signer) -> None:
    """Verify https URLs behind a proxy that terminates TLS, while the server sees http."""
    client = make_client(viewer_scheme="https")
    url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
    assert client.get(url.replace("https://", "http://")).status == 200
    assert make_client().get(url.replace("https://", "http://")).status == 403


def test_log(client: EdgeClient, signer: Signer, log: pytest.LogCaptureFixture) -> None:
    """Log path, names of parameters and the reason of a refusal, a success at a lower level."""
    url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
    client.get(url)
    client.request("HEAD", url, now=EXPIRES + 12)
    client.get(IMAGE, cookies=signer.sign_cookies(ALL), now=EXPIRES + 1)
    names = "Expires&Signature&Key-Pair-Id&Hash-Algorithm"
    assert [each.partition(":")[0] for each in log.messages] == [
        f"200 /image.jpg?{names}",
        f"403 AccessDenied HEAD /image.jpg?{names}",
        "403 AccessDenied /image.jpg",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Expires", "Expires"),
        ("Expires=", "Expires=x"),
        ("&", "&amp;"),
        ("Signature=", "signature="),
        ("Signature=", "Signature"),
        ("Signature=", "Signature=x"),
    ],
)
def test_no_signature_in_the_log(
    client: EdgeClient, signer: Signer, log: pytest.LogCaptureFixture, old: str, new: str
) -> None:
    """Keep the signature out of the log, however a URL was mangled, and that of cookies too."""
    url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
    cookies = signer.sign_cookies(ALL)
    signature = url.split("Signature=")[1].split("&")[0]
    client.get(url.replace(old, new))
    client.get(url + "&copy=" + signature)
    client.get(IMAGE, cookies=cookies, now=EXPIRES + 1)
    secrets = [signature, cookies["CloudFront-Signature"], cookies["CloudFront-Policy"]]
    assert len(log.messages) == 3
    assert not [each for each in secrets if each in log.text]


def test_response_never_says_why(client: EdgeClient, signer: Signer) -> None:
    """Answer an expired and a forged URL with the same bytes, but for an id of each answer."""
    url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
    expired, forged = client.get(url, now=EXPIRES + 1), client.get(url + "&x=1")
    assert expired.reason != forged.reason
    assert expired.body == forged.body
    one, other = dict(expired.headers.items()), dict(forged.headers.items())
    assert one.pop("X-Amz-Cf-Id") != other.pop("X-Amz-Cf-Id")
    assert one == other
    assert KEY_ID not in str(one)
