"""A cache before the local edge, as CloudFront has one: an HTTP proxy for the browser of a test.

It keeps what the edge has served for ever, whatever the headers say, under the path and the query
without the signature, until the fake of CloudFront's API has accepted an invalidation.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from cfsigned_django.signing.encoding import split_query
from tests.invalidations import FakeCloudFront

_NOT_PASSED_ON = {"host", "connection", "proxy-connection", "if-none-match", "if-modified-since"}


class CachingFront(ThreadingHTTPServer):
    """Pass requests on; keep what comes from the host of the edge."""

    daemon_threads = True

    def __init__(self, edge: str, cloudfront: FakeCloudFront) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.edge, self.cloudfront = edge, cloudfront
        #: Path and query -> status, headers, body, and how many invalidations there were.
        self.copies: dict[str, tuple[int, list[tuple[str, str]], bytes, int]] = {}

    @property
    def url(self) -> str:
        """The address of the proxy."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, method: str, url: str, headers: Any, body: bytes) -> Any:
        """Return status, headers and body, from the cache if it has a copy."""
        parts = urlsplit(url)
        query = "&".join(split_query(parts.query)[1])
        key = parts.path + (f"?{query}" if query else "")
        is_kept = method == "GET" and parts.netloc == self.edge
        if is_kept and key in self.copies:
            *copy, since = self.copies[key]
            if not self.cloudfront.forgets(key, since=since):
                return copy
            del self.copies[key]
        since = len(self.cloudfront.accepted)
        passed = {name: headers[name] for name in headers if name.lower() not in _NOT_PASSED_ON}
        target = url[url.index(parts.netloc) + len(parts.netloc) :]
        with closing(HTTPConnection(parts.netloc, timeout=120)) as connection:
            connection.request(method, target, body, passed)
            got = connection.getresponse()
            found = got.status, got.getheaders(), got.read()
        if is_kept and got.status == 200:
            self.copies[key] = (*found, since)
        return found


class _Handler(BaseHTTPRequestHandler):
    """One connection of the browser."""

    server: CachingFront

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, content = self.server.answer(self.command, self.path, self.headers, body)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_HEAD = do_OPTIONS = _pass_on

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def caching_front(edge: str, cloudfront: FakeCloudFront) -> Iterator[CachingFront]:
    """Run a cache before the edge at this host and port."""
    with CachingFront(edge, cloudfront) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
