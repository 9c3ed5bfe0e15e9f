"""Test the local edge; names and times are those of AWS's shared signing vectors."""

from __future__ import annotations

from wsgiref.types import WSGIApplication

HOST = "d111111abcdef8.cloudfront.net"
BASE = f"https://{HOST}"
KEY_ID = "K1TESTKEY"
EXPIRES = 1767290400


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
