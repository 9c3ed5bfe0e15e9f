"""Request URLs of a distribution in the same process: no socket, no thread, any clock."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote_to_bytes
from wsgiref.headers import Headers
from wsgiref.types import WSGIEnvironment
from wsgiref.util import setup_testing_defaults

from cfsigned_django.tools.edge.local_distribution import REASON_KEY, Distribution
from cfsigned_django.tools.edge.responses import ExcInfo

_URL = re.compile(r"(https?)://([^/?#]+)([^#]*)", re.IGNORECASE)
_ERROR = re.compile(
    rb'<\?xml version="1.0" encoding="UTF-8"\?>'
    rb"<Error><Code>(\w+)</Code><Message>[^<]*</Message></Error>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeResponse:
    """A response of the edge; ``headers`` ignores the case of names.

    ``reason`` says why a request was refused. Viewers never see it.
    """

    status: int
    headers: Headers
    body: bytes = field(repr=False)
    reason: str

    @property
    def error_code(self) -> str | None:
        """Return the code of CloudFront's XML error, such as ``"MissingKey"``; else None.

        S3's errors, which have a RequestId, do not count: the edge accepted those
        requests.
        """
        found = _ERROR.fullmatch(self.body)
        return found[1].decode() if found else None


@dataclass(frozen=True, slots=True)
class EdgeClient:
    """Sends requests to a distribution, as a viewer would."""

    distribution: Distribution

    def get(
        self,
        url: str,
        *,
        now: datetime | int | None = None,
        viewer_ip: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> EdgeResponse:
        """Return the response to a GET request; the arguments are those of :meth:`request`."""
        return self.request(
            "GET", url, now=now, viewer_ip=viewer_ip, headers=headers, cookies=cookies
        )

    def request(
        self,
        method: str,
        url: str,
        *,
        now: datetime | int | None = None,
        viewer_ip: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> EdgeResponse:
        """Return the response to a request.

        ``url`` is absolute and is sent as it is, so it must be percent-
        encoded. ``now`` is the time at the edge: Unix seconds, an aware
        datetime, or None for the clock of the distribution. ``viewer_ip`` is
        the address that the request comes from.
        """
        environ = _environ(method, url, headers or {}, cookies or {})
        environ["REMOTE_ADDR"] = viewer_ip
        started: list[tuple[str, list[tuple[str, str]]]] = []
        written = io.BytesIO()

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            started[:] = [(status, headers)]
            return written.write

        at = self.distribution.clock() if now is None else now
        seconds = int(at.timestamp() if isinstance(at, datetime) else at)
        body = _read(self.distribution.serve(environ, start_response, now=seconds))
        [(status, fields)] = started
        return EdgeResponse(
            status=int(status[:3]),
            headers=Headers(fields),
            body=written.getvalue() + body,
            reason=environ.get(REASON_KEY, ""),
        )


def _environ(
    method: str, url: str, headers: Mapping[str, str], cookies: Mapping[str, str]
) -> WSGIEnvironment:
    address = _URL.fullmatch(url)
    if address is None:
        raise ValueError(f"{url!r} is not a valid URL. Use an absolute http:// or https:// URL.")
    scheme, host, target = address.groups()
    target = target if target.startswith("/") else f"/{target}"
    path, _, query = target.partition("?")
    sent = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in headers.items()}
    if cookies:
        sent["HTTP_COOKIE"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    environ: WSGIEnvironment = {
        "HTTP_HOST": host,
        **sent,
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "wsgi.url_scheme": scheme.lower(),
        "wsgi.errors": sys.stderr,  # which a traceback of the origin must reach
    }
    setup_testing_defaults(environ)
    return environ


def _read(body: Iterable[bytes]) -> bytes:
    try:
        return b"".join(body)
    finally:
        if close := getattr(body, "close", None):
            close()
