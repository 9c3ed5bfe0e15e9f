from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from cfsigned_django.edge import Behavior, Distribution
from cfsigned_django.edge.client import EdgeClient, EdgeResponse
from cfsigned_django.signing import Policy, Signer
from tests.edge import BASE, EXPIRES, HOST, IMAGE, call
from tests.edge.conftest import MakeClient, echo_origin

OPEN = (Behavior(),)


def seen_by_origin(response: EdgeResponse) -> dict[str, str]:
    """Return the environ that the echoing origin got."""
    assert response.status == 200, response.reason
    seen: dict[str, str] = json.loads(response.body)
    return seen


class TestConstruction:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"domain_names": ()}, "domain_names"),
            ({"domain_names": ("https://cdn.example.com",)}, "domain_names"),
            ({"behaviors": ()}, "last of behaviors"),
            ({"behaviors": (Behavior(path_pattern="a"),)}, "last of behaviors"),
            ({"behaviors": (Behavior(), Behavior(path_pattern="a"))}, "last of behaviors"),
            ({"behaviors": (Behavior(), Behavior())}, "last of behaviors"),
            ({"behaviors": (Behavior(trusted_key_groups=("nobody",)),)}, "nobody"),
        ],
    )
    def test_refuses(self, options: dict[str, Any], message: str) -> None:
        """Refuse a distribution that could not work, and name the argument."""
        arguments: dict[str, Any] = {"domain_names": (HOST,), "origin": echo_origin} | options
        with pytest.raises(ValueError, match=message):
            Distribution(**arguments)

    def test_missing_group_of_callable(self, make_client: MakeClient, signer: Signer) -> None:
        """Trust nobody where a key group is not there any more."""
        client = make_client(key_groups=dict)
        response = client.get(signer.sign_url(IMAGE, date_less_than=EXPIRES))
        assert response.error_code == "InvalidKey"


class TestForeignOrigin:
    BEHAVIORS = (
        Behavior(path_pattern="app/*", foreign_origin="app.example.com"),
        Behavior(path_pattern="*", trusted_key_groups=("group",), foreign_origin="files.example"),
    )

    def test_nothing_is_served(self, make_client: MakeClient, signer: Signer) -> None:
        """Say in the log what CloudFront would ask, and ask nobody."""
        client = make_client(behaviors=self.BEHAVIORS)
        opened = client.get(f"{BASE}/app/")
        signed = client.get(signer.sign_url(IMAGE, date_less_than=EXPIRES))
        assert (opened.status, signed.status) == (502, 502)
        assert opened.reason == "the behavior app/* reads app.example.com"
        assert signed.reason == "the behavior * reads files.example"

    def test_signature_comes_first(self, make_client: MakeClient) -> None:
        """Refuse who has no signature before the origin counts."""
        assert make_client(behaviors=self.BEHAVIORS).get(IMAGE).error_code == "MissingKey"


class TestHost:
    def test_unknown_host(self, client: EdgeClient) -> None:
        """Refuse a host that is no domain name of the distribution, and log those that are."""
        response = client.get("https://localhost:8001/image.jpg")
        assert response.status == 403
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.reason == (
            f"the viewer asked for the host 'localhost:8001', and this edge serves {HOST}"
        )

    def test_case_of_host(self, client: EdgeClient, signer: Signer) -> None:
        """Serve whatever the case of the host."""
        url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
        assert client.get(url.replace(HOST, HOST.upper())).status == 200

    def test_port_counts(self, client: EdgeClient) -> None:
        """Tell a host with a port from the one without."""
        assert client.get(f"{BASE}:8001/image.jpg").error_code is None


class TestMethod:
    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get"])
    def test_not_allowed(self, client: EdgeClient, method: str) -> None:
        """Refuse with 403 and a page what the behavior does not allow, before any signature."""
        response = client.request(method, IMAGE)
        assert response.status == 403
        assert response.headers["X-Cache"] == "Error from cloudfront"
        assert response.body.startswith(b"<!DOCTYPE html>")
        assert response.reason == "the behavior * allows GET, HEAD"

    @pytest.mark.parametrize(
        "environ", [{"CONTENT_LENGTH": "3"}, {"HTTP_TRANSFER_ENCODING": "chunked"}]
    )
    def test_body(self, make_client: MakeClient, environ: dict[str, str]) -> None:
        """Refuse a GET request that comes with a body."""
        distribution = make_client(behaviors=OPEN).distribution
        status, _, body = call(distribution, RAW_URI="/a", **environ)
        assert status == "403 Forbidden"
        assert b"has no body" in body


class TestTarget:
    def test_longest_url(self, make_client: MakeClient) -> None:
        """Serve a URL of 8,192 bytes and answer 413 to a longer one."""
        client = make_client(behaviors=OPEN)
        longest = IMAGE + "?" + "a" * (8192 - len(IMAGE) - 1)
        assert client.get(longest).status == 200
        response = client.get(longest + "a")
        assert response.status == 413
        assert "8193 bytes" in response.reason

    @pytest.mark.parametrize("target", ["/ü", "/a b", "/a\x1b[31m", "*", "http://other/a"])
    def test_bad_target(self, make_client: MakeClient, target: str) -> None:
        """Answer 400 to a target that is not a path in visible ASCII."""
        status, _, _ = call(make_client(behaviors=OPEN).distribution, RAW_URI=target)
        assert status == "400 Bad Request"

    @pytest.mark.parametrize(
        "name",
        [
            "a%2Fb.jpg",
            "a%2fb.jpg",
            "%7Euser.jpg",
            "~user.jpg",
            "a%2Bb.jpg",
            "it's.jpg",
            "%ED%95%9C%EA%B8%80.pdf",
            "a//b.jpg",
            "a.jpg?x=a+b",
            "a.jpg?x=%27&y=%2F",
        ],
    )
    def test_compared_as_sent(self, client: EdgeClient, signer: Signer, name: str) -> None:
        """Verify the target as it was sent, and hand it on as it was sent."""
        url = signer.sign_url(f"{BASE}/{name}", date_less_than=EXPIRES)
        assert url.startswith(f"{BASE}/{name}")
        seen = seen_by_origin(client.get(url))
        assert seen["RAW_URI"] == f"/{name}"

    @pytest.mark.parametrize(
        ("signed", "sent"),
        [("a%2Fb", "a/b"), ("a%2Fb", "a%2fb"), ("~a", "%7Ea"), ("a%2Bb", "a+b"), ("a", "%61")],
    )
    def test_other_spelling(
        self, client: EdgeClient, signer: Signer, signed: str, sent: str
    ) -> None:
        """Refuse another spelling of the same path: the bytes on the wire count."""
        url = signer.sign_url(f"{BASE}/{signed}", date_less_than=EXPIRES)
        assert client.get(url).status == 200
        response = client.get(url.replace(f"/{signed}", f"/{sent}"))
        assert response.error_code == "AccessDenied"


class TestOrigin:
    def test_reserved_parameters_stripped(self, client: EdgeClient, signer: Signer) -> None:
        """Keep CloudFront's five parameters from the origin, and leave all others as they were."""
        url = signer.sign_url(f"{IMAGE}?size=large&x=a+b", date_less_than=EXPIRES)
        assert "Hash-Algorithm" in url
        seen = seen_by_origin(client.get(url))
        assert seen["QUERY_STRING"] == "size=large&x=a+b"
        assert seen["RAW_URI"] == seen["REQUEST_URI"] == "/image.jpg?size=large&x=a+b"

    def test_open_behavior_forwards_all(self, make_client: MakeClient, signer: Signer) -> None:
        """Forward every parameter where the behavior trusts no key group."""
        url = signer.sign_url(f"{IMAGE}?size=large", date_less_than=EXPIRES)
        seen = seen_by_origin(make_client(behaviors=OPEN).get(url))
        assert seen["QUERY_STRING"] == url.partition("?")[2]

    def test_bearer_credentials_kept_back(self, client: EdgeClient, signer: Signer) -> None:
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

    def test_error_of_origin(
        self, make_client: MakeClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Pass an origin's own error on, mark it, and log the sentence that the origin left."""

        def origin(environ, start_response):  # type: ignore[no-untyped-def]
            environ["cfsigned.reason"] = "nobody has this file"
            start_response("403 Forbidden", [("Server", "AmazonS3"), ("Content-Length", "2")])
            return [b"no"]

        with caplog.at_level(logging.INFO, "cfsigned_django.edge"):
            response = make_client(behaviors=OPEN, origin=origin).get(IMAGE)
        assert (response.status, response.body) == (403, b"no")
        assert response.headers.get_all("Server") == ["AmazonS3"]
        assert response.headers["X-Cache"] == "Error from cloudfront"
        assert response.reason == "nobody has this file"
        assert caplog.messages == ["403 from the origin /image.jpg: nobody has this file"]

    def test_headers_of_an_edge(self, make_client: MakeClient) -> None:
        """Add to each answer the headers that show an edge."""
        headers = dict(make_client(behaviors=OPEN).get(IMAGE).headers.items())
        assert headers["X-Cache"] == "Miss from cloudfront"
        assert headers["Via"].startswith("1.1 ")
        assert headers["Via"].endswith("(CloudFront)")
        assert headers["X-Amz-Cf-Pop"]
        assert len(headers["X-Amz-Cf-Id"]) == 57
        assert headers["Server"] == "CloudFront"

    def test_refusal_has_no_cors_headers(self, client: EdgeClient) -> None:
        """Leave CORS headers out of a refusal, which browsers then report as a CORS error."""
        response = client.get(IMAGE, headers={"Origin": "https://app.example.com"})
        assert response.status == 403
        assert "access-control" not in str(response.headers).lower()

    def test_viewer_scheme(self, make_client: MakeClient, signer: Signer) -> None:
        """Verify https URLs behind something that ends TLS, where the server sees http."""
        client = make_client(viewer_scheme="https")
        url = signer.sign_url(IMAGE, date_less_than=EXPIRES)
        assert client.get(url.replace("https://", "http://")).status == 200
        assert make_client().get(url.replace("https://", "http://")).status == 403
