"""Read a viewer's request from a WSGI environ, exactly as it was sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from wsgiref.types import WSGIEnvironment

from cfsigned_django.signing.encoding import encode_path, split_query

#: CloudFront's quota "Maximum length of a request, including headers and query strings, but not
#: including the body content", in bytes (AWS page "Quotas").
MAX_REQUEST_LENGTH = 20_480

# Longer names are cut off in the log: a mangled URL can have a signature there.
_LONGEST_LOGGED_NAME = 40
# The shortest real secret, an ECDSA signature, has 92 characters.
_SHORTEST_SECRET = 32
# A link that lost its question mark, or has it encoded, carries its signature in the path.
_SECRET_IN_PATH = re.compile(r"((?:Signature|Policy)(?:=|%3D)).+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerRequest:
    """One request of a viewer.

    ``target`` is the path and the query of the request line, still
    percent-encoded. ``cookies`` has the name and the value of each cookie, in
    the order in which they came. ``viewer_ip`` is the other end of the TCP
    connection: CloudFront does not use X-Forwarded-For. ``length`` is that of
    the request line and the headers, ``cookie_length`` that of the cookies, in
    bytes. ``origin`` is the header Origin, with which a browser names the site
    of the page, empty without one.
    """

    method: str
    scheme: str
    host: str
    target: str
    viewer_ip: str | None
    cookies: tuple[tuple[str, str], ...] = ()
    has_body: bool = False
    length: int = 0
    cookie_length: int = 0
    origin: str = ""

    @classmethod
    def from_environ(cls, environ: WSGIEnvironment, *, scheme: str | None = None) -> ViewerRequest:
        """Return the request; ``scheme`` overrides that of the server."""
        method, target = environ["REQUEST_METHOD"], raw_target(environ)
        # WSGI has joined headers of one name: of those, only the values count.
        lines = [f"{method} {target} HTTP/1.1"]
        lines += [f"{name[5:]}: {value}" for name, value in environ.items() if name[:5] == "HTTP_"]
        return cls(
            method=method,
            scheme=scheme or environ["wsgi.url_scheme"],
            host=environ.get("HTTP_HOST", ""),
            target=target,
            viewer_ip=environ.get("REMOTE_ADDR") or None,
            cookies=tuple(_split_cookies(environ.get("HTTP_COOKIE", ""))),
            has_body=environ.get("CONTENT_LENGTH", "") not in ("", "0")
            or "HTTP_TRANSFER_ENCODING" in environ,
            length=sum(len(line) + 2 for line in [*lines, ""]),
            cookie_length=len(environ.get("HTTP_COOKIE", "")),
            origin=environ.get("HTTP_ORIGIN", ""),
        )

    @property
    def url(self) -> str:
        """Return the absolute URL that a signature must cover."""
        return f"{self.scheme}://{self.host}{self.target}"

    @property
    def path(self) -> str:
        """Return the path, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """Return the query, still percent-encoded, without the question mark."""
        return self.target.partition("?")[2]

    def describe(self) -> str:
        """Return the path and the names of the parameters, which a log may contain.

        Anyone with the values of a signed URL can open the file.
        """
        names = [_shorten(segment.partition("=")[0]) for segment in self.query.split("&")]
        path = _SECRET_IN_PATH.sub(r"\1...", self.path)
        return f"{path}?{'&'.join(names)}" if self.query else path

    def conceal(self, text: str) -> str:
        """Return the text for the log, without the signatures and policies of this request."""
        segments = (segment.partition("=") for segment in split_query(self.query)[0])
        shown = [(name, value) for name, _, value in segments]
        shown += [(name.removeprefix("CloudFront-"), value) for name, value in self.cookies]
        for name, value in shown:
            if name in ("Signature", "Policy") and len(value) >= _SHORTEST_SECRET:
                text = text.replace(value, "...")
        return text


def raw_target(environ: WSGIEnvironment) -> str:
    """Return the request target before any percent-decoding.

    The server of this package and gunicorn pass it as RAW_URI, uWSGI and
    mod_wsgi as REQUEST_URI. WSGI itself has only the decoded path. Behind other
    servers, this function encodes the path again as the signer does, so a URL
    that was signed in another spelling (``%7E``, ``%2F``) is refused.
    """
    for key in ("RAW_URI", "REQUEST_URI"):
        if key in environ:
            return str(environ[key])
    decoded = (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1")
    path = encode_path(decoded.decode(errors="replace").replace("%", "%25"))
    query = environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def _split_cookies(header: str) -> list[tuple[str, str]]:
    pairs = (part.partition("=") for part in header.split(";"))
    return [(name.strip(), value.strip()) for name, separator, value in pairs if separator]


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST_LOGGED_NAME else f"{name[:_LONGEST_LOGGED_NAME]}..."
