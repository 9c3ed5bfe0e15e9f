"""A tiny cache in front of a bucket: it keeps the first answer for each key, as an edge does.

An edge that has no Origin in its cache key replays to everybody what the first
viewer got: CORS headers of another origin, or none.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

_REFUSED = b"<Error><Code>%s</Code><Message>-</Message></Error>"


class CachingHandler(BaseHTTPRequestHandler):
    """Check signatures by their presence, expiry and query alone; then answer from the cache."""

    protocol_version = "HTTP/1.1"
    keys_on_origin: ClassVar[bool] = False
    allowed_origins: ClassVar[frozenset[str]] = frozenset()
    now: ClassVar[int] = 0
    cache: ClassVar[dict[tuple[str, str], dict[str, str]]] = {}

    def do_GET(self) -> None:
        """Refuse, or answer one byte with the headers of the copy."""
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if "Key-Pair-Id" not in query:
            self._refuse(b"MissingKey")
        elif "cfsigned" in query or int(query["Expires"]) < self.now:
            self._refuse(b"AccessDenied")
        else:
            self._serve(parts.path)

    def _serve(self, path: str) -> None:
        origin = self.headers.get("Origin", "")
        key = (path, origin if self.keys_on_origin else "")
        hit = "Hit" if key in self.cache else "Miss"
        kept = self.cache.setdefault(key, self._ask_bucket(origin))
        self._answer(206, b"p", {**kept, "X-Cache": f"{hit} from cloudfront"})

    def _ask_bucket(self, origin: str) -> dict[str, str]:
        """Answer as S3 does: CORS headers for those alone who send an Origin that it allows."""
        return {"Access-Control-Allow-Origin": origin} if origin in self.allowed_origins else {}

    def _refuse(self, code: bytes) -> None:
        self._answer(403, _REFUSED % code, {"X-Cache": "Error from cloudfront"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        fields = {"Date": formatdate(self.now, usegmt=True), "Content-Length": str(len(body))}
        for name, value in {**fields, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Print nothing."""


@contextmanager
def caching_server(*, allowed: list[str], keys_on_origin: bool, now: int) -> Iterator[str]:
    """Run the server; return its address."""
    handler = type(
        "Handler",
        (CachingHandler,),
        {
            "allowed_origins": frozenset(allowed),
            "keys_on_origin": keys_on_origin,
            "now": now,
            "cache": {},
        },
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
