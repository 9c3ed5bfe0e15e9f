"""Test the local edge; names and times are those of AWS's shared signing vectors."""

from __future__ import annotations

from wsgiref.types import WSGIApplication

from cfsigned_django.edge.client import EdgeResponse

HOST = "d111111abcdef8.cloudfront.net"
BASE = f"https://{HOST}"
KEY_ID = "K1TESTKEY"
EXPIRES = 1767290400
IMAGE = f"{BASE}/image.jpg"

BODIES = {
    "MissingKey": b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>MissingKey</Code><Message>'
    b"Missing Key-Pair-Id query parameter or cookie value</Message></Error>",
    "InvalidKey": b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>InvalidKey</Code><Message>'
    b"Unknown Key</Message></Error>",
    "AccessDenied": b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code>'
    b"<Message>Access denied</Message></Error>",
    "MalformedPolicy": b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>MalformedPolicy</Code>'
    b"<Message>Malformed Policy</Message></Error>",
    "MalformedSignature": b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>MalformedSignature'
    b"</Code><Message>Could not unencode Signature</Message></Error>",
}


def call(application: WSGIApplication, **environ: object) -> tuple[str, dict[str, str], bytes]:
    """Call a WSGI application with a GET request; return status, headers and body."""
    started: list[tuple[str, dict[str, str]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> type:
        started.append((status, dict(headers)))
        return bytes

    request = {"REQUEST_METHOD": "GET", "HTTP_HOST": HOST, "wsgi.url_scheme": "https"}
    body = b"".join(application(request | environ, start_response))
    return *started[0], body


def check_refused(response: EdgeResponse, code: str) -> None:
    """Compare the whole refusal, byte for byte."""
    assert response.status == 403
    assert response.body == BODIES[code]
    assert response.headers["Content-Length"] == str(len(BODIES[code]))
    assert response.headers["Content-Type"] == "text/xml"
    assert response.headers["Server"] == "CloudFront"
    assert response.headers["X-Cache"] == "Error from cloudfront"
    assert response.error_code == code
    assert response.reason
