from __future__ import annotations

import pytest

from cfsigned_django.edge import responses
from cfsigned_django.edge.responses import Refusal
from cfsigned_django.signing import Denied
from tests.edge import call


@pytest.mark.parametrize(
    ("code", "message", "length"),
    [
        ("MissingKey", "Missing Key-Pair-Id query parameter or cookie value", 146),
        ("InvalidKey", "Unknown Key", 106),
        ("AccessDenied", "Access denied", 110),
        ("MalformedPolicy", "Malformed Policy", 116),
        ("MalformedSignature", "Could not unencode Signature", 131),
    ],
)
def test_denied(code: str, message: str, length: int) -> None:
    """Send as many bytes as CloudFront does for each of its codes."""
    status, headers, body = call(responses.denied(Denied(code, message, "a reason")))
    assert status == "403 Forbidden"
    assert len(body) == length
    assert headers["Content-Length"] == str(length)
    assert b"a reason" not in body


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (responses.bad_request("why"), "400 Bad Request"),
        (responses.unknown_host("why"), "403 Forbidden"),
        (responses.method_not_allowed("why"), "403 Forbidden"),
        (responses.body_not_allowed("why"), "403 Forbidden"),
        (responses.url_too_long(9000), "413 Request Entity Too Large"),
        (responses.request_too_long(), "413 Request Entity Too Large"),
        (responses.internal_error(), "500 Internal Server Error"),
    ],
    ids=lambda value: value.code if isinstance(value, Refusal) else "",
)
def test_page(refusal: Refusal, status: str) -> None:
    """Send a page that says whose words it has."""
    sent, headers, body = call(refusal)
    assert sent == status == refusal.status
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Length"] == str(len(body))
    assert headers["X-Cache"] == "Error from cloudfront"
    assert b"CloudFront sends one of its own" in body


def test_ids_differ() -> None:
    """Give each answer an id of its own."""
    first, second = (dict(responses.edge_headers(is_error=False)) for _ in range(2))
    assert first["X-Amz-Cf-Id"] != second["X-Amz-Cf-Id"]
    assert first["X-Cache"] == "Miss from cloudfront"
