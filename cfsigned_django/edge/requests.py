"""Read from a WSGI environ what a viewer sent, exactly as it was sent."""

from __future__ import annotations

from dataclasses import dataclass
from wsgiref.types import WSGIEnvironment

from cfsigned_django.signing.encoding import encode_path, split_query

# Longer names are cut in the log: a mangled link can put a signature there.
_LONGEST_LOGGED_NAME = 40
# The shortest real one, an ECDSA signature, has 92 characters.
_SHORTEST_SECRET = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerRequest:
    """Describe one request of a viewer.

    ``target`` is the path and the query of the request line, still
    percent-encoded. ``cookies`` holds the name and the value of each cookie,
    in the order in which they came. ``viewer_ip`` is the other end of the TCP
    connection: CloudFront does not look into X-Forwarded-For for it.
    """

    method: str
    scheme: str
    host: str
    target: str
    viewer_ip: str | None
    cookies: tuple[tuple[str, str], ...] = ()
    has_body: bool = False

    @classmethod
    def from_environ(cls, environ: WSGIEnvironment, *, scheme: str | None = None) -> ViewerRequest:
        """Read the request; ``scheme`` overrides the server's word for http or https."""
        return cls(
            method=environ["REQUEST_METHOD"],
            scheme=scheme or environ["wsgi.url_scheme"],
            host=environ.get("HTTP_HOST", ""),
            target=raw_target(environ),
            viewer_ip=environ.get("REMOTE_ADDR") or None,
            cookies=tuple(_split_cookies(environ.get("HTTP_COOKIE", ""))),
            has_body=environ.get("CONTENT_LENGTH", "") not in ("", "0")
            or "HTTP_TRANSFER_ENCODING" in environ,
        )

    @property
    def url(self) -> str:
        """Return the absolute URL that a signature has to cover."""
        return f"{self.scheme}://{self.host}{self.target}"

    @property
    def path(self) -> str:
        """Return the path, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """Return the query, still percent-encoded, without the question mark."""
        return self.target.partition("?")[2]

    def query_for_origin(self) -> str:
        """Return the query without the parameters that belong to CloudFront.

        AWS page: "Cache content based on query string parameters". It lists
        four of them; that Hash-Algorithm goes as well is not documented.
        """
        return "&".join(split_query(self.query)[1])

    def describe(self) -> str:
        """Return the path and the names of the parameters, which is what a log may hold.

        Who has the values of a signed URL has the file.
        """
        names = [_shorten(segment.partition("=")[0]) for segment in self.query.split("&")]
        return f"{self.path}?{'&'.join(names)}" if self.query else self.path

    def conceal(self, text: str) -> str:
        """Take the signatures and policies of this request out of a text for the log."""
        segments = (segment.partition("=") for segment in split_query(self.query)[0])
        shown = [(name, value) for name, _, value in segments]
        shown += [(name.removeprefix("CloudFront-"), value) for name, value in self.cookies]
        for name, value in shown:
            if name in ("Signature", "Policy") and len(value) >= _SHORTEST_SECRET:
                text = text.replace(value, "...")
        return text


def raw_target(environ: WSGIEnvironment) -> str:
    """Return the request target before any percent-decoding.

    The server of this package and gunicorn hand it on as RAW_URI, uWSGI and
    mod_wsgi as REQUEST_URI. WSGI itself has only the decoded path: behind
    another server the target is encoded anew, as the signer would do it, and
    a link whose author chose another spelling (``%7E``, ``%2F``) is refused.
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
