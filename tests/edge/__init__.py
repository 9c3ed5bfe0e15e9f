"""Test the local edge; names and times are those of AWS's shared signing vectors."""

from __future__ import annotations

from wsgiref.types import WSGIApplication

from cfsigned_django.edge.client import EdgeResponse
from tests.signing.cases import MESSAGES, ORIGIN

HOST = ORIGIN.removeprefix("https://")

#: CloudFront's answer to each refusal, by code.
BODIES = {
    code: f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code>'
    f"<Message>{message}</Message></Error>".encode()
    for code, message in MESSAGES.items()
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
