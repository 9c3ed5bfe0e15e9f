"""Serve a distribution on a socket, one thread for each connection.

This server is for development, and must not be exposed to a network. Signatures
cover the request target as it was sent, so the server passes the target on in
RAW_URI. It does not use http.server and wsgiref: they decode the path or join
its slashes, have other limits than CloudFront, and close each connection.
"""

from __future__ import annotations

import logging
import re
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate
from io import BufferedIOBase, BytesIO
from socketserver import StreamRequestHandler, TCPServer, ThreadingMixIn
from threading import Thread
from typing import Any, cast
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication, WSGIEnvironment

from cfsigned_django.edge import responses
from cfsigned_django.edge.requests import path_for_log
from cfsigned_django.edge.responses import MAX_REQUEST_LENGTH, ExcInfo, Refusal

logger = logging.getLogger("cfsigned_django.edge")

# For how many seconds and bytes a connection is still read after a refusal, so
# that a viewer that is still sending receives the response.
_LINGER_SECONDS = 1
_LINGER_BYTES = 1024 * 1024


class EdgeServer(ThreadingMixIn, TCPServer):
    """Serves a WSGI application on ``host`` and ``port`` (0: any free port)."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, application: WSGIApplication, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.application = application
        self._connections: set[socket.socket] = set()
        super().__init__((host, port), _ViewerConnection)

    @property
    def port(self) -> int:
        """Return the port that the server listens on."""
        return int(self.server_address[1])

    @contextmanager
    def running(self) -> Iterator[EdgeServer]:
        """Serve in a thread while the ``with`` block runs."""
        thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            thread.join()
            self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection and handle it in a new thread."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that has been handled."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log an error outside of a request, unless the viewer closed the connection."""
        if not isinstance(sys.exception(), OSError):
            logger.exception("The connection from %s failed.", client_address[0])

    def server_close(self) -> None:
        """Stop listening, and close the connections that viewers keep open."""
        super().server_close()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _ViewerLeftError(Exception):
    """Raised if the viewer has closed the connection, which is not a failure of the edge."""


class _ViewerConnection(StreamRequestHandler):
    """Responds to the requests of one connection, one after another."""

    # Seconds for which a viewer may stay silent.
    timeout = 60
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with suppress(_ViewerLeftError):
            while self._handle_request():
                pass

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()

    def _handle_request(self) -> bool:
        """Respond to one request; return whether the connection may carry another."""
        try:
            head = read_head(self.rfile, MAX_REQUEST_LENGTH)
        except OSError as error:
            raise _ViewerLeftError from error
        except RequestTooLong:
            reason = (
                f"request line and headers exceed {MAX_REQUEST_LENGTH} bytes, CloudFront's quota"
            )
            return self._refuse(responses.page("RequestTooLong", reason))
        except BadRequest as error:
            return self._refuse(responses.page("BadRequest", str(error)))
        if head is None:
            return False
        may_keep_alive = self._run(head)
        if head.has_body:
            self._linger()
        return may_keep_alive

    def _run(self, head: RequestHead) -> bool:
        """Let the application respond; return whether the connection may be kept."""
        is_head_request = head.method == "HEAD"
        response = WsgiResponse(
            self._send, is_head_request=is_head_request, keep_alive=head.keeps_alive
        )
        environ = self._environ(head)
        try:
            self._pass_on(environ, response)
        except _ViewerLeftError:
            raise
        except Exception:
            logger.exception("500 InternalError %s", path_for_log(head.target))
            if not response.is_on_the_wire:
                response = WsgiResponse(
                    self._send, is_head_request=is_head_request, keep_alive=False
                )
                failure = responses.page("InternalError", "")
                response.send_body(failure(environ, response.start))
            return False
        return response.may_keep_alive

    def _pass_on(self, environ: WSGIEnvironment, response: WsgiResponse) -> None:
        body = cast("EdgeServer", self.server).application(environ, response.start)
        try:
            response.send_body(body)
        finally:
            if close := getattr(body, "close", None):
                close()

    def _environ(self, head: RequestHead) -> WSGIEnvironment:
        server_host, server_port = self.request.getsockname()[:2]
        return {
            **head.environ(),
            "SERVER_NAME": server_host,
            "SERVER_PORT": str(server_port),
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_PORT": str(self.client_address[1]),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }

    def _refuse(self, refusal: Refusal) -> bool:
        """Refuse a request that is not valid, and close the connection."""
        logger.warning("%s %s: %s", refusal.status[:3], refusal.code, refusal.reason)
        response = WsgiResponse(self._send, is_head_request=False, keep_alive=False)
        response.send_body(refusal({"REQUEST_METHOD": "GET"}, response.start))
        self._linger()
        return False

    def _send(self, data: bytes) -> None:
        try:
            self.request.sendall(data)
        except OSError as error:
            raise _ViewerLeftError from error

    def _linger(self) -> None:
        """Read what the viewer is still sending, since unread bytes would reset the connection."""
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_WR)
            self.request.settimeout(_LINGER_SECONDS)
            remaining = _LINGER_BYTES
            while remaining > 0 and (data := self.rfile.read1(remaining)):
                remaining -= len(data)


_REQUEST_LINE = re.compile(r"([A-Z]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")


class BadRequest(Exception):
    """Raised for a request that is not valid HTTP/1.1 (400)."""


class RequestTooLong(Exception):
    """Raised for a request line and headers that exceed the limit (413)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """A request line and the header fields, in order, with names in lowercase."""

    method: str
    target: str
    minor_version: int
    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """Return the value of a field, joined if the name appears several times, or None."""
        values = [value for field, value in self.fields if field == name]
        return ("; " if name == "cookie" else ", ").join(values) if values else None

    @property
    def has_body(self) -> bool:
        """Return whether a body follows the head."""
        return self.get("transfer-encoding") is not None or self.get("content-length") not in (
            None,
            "0",
        )

    @property
    def keeps_alive(self) -> bool:
        """Return whether the connection may carry another request."""
        options = {option.strip().lower() for option in (self.get("connection") or "").split(",")}
        if self.has_body or "close" in options:
            return False
        return self.minor_version == 1 or "keep-alive" in options

    def environ(self) -> WSGIEnvironment:
        """Return the part of a WSGI environ that comes from the request."""
        path, _, query = self.target.partition("?")
        names = dict.fromkeys(name for name, _ in self.fields)
        # A name with an underscore would become the same variable as the name with
        # a hyphen: a viewer must not be able to send one in place of the other.
        headers = {
            f"HTTP_{name.upper().replace('-', '_')}": self.get(name)
            for name in names
            if "_" not in name and name not in ("content-length", "content-type")
        }
        return {
            **headers,
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": self.target,
            "CONTENT_TYPE": self.get("content-type") or "",
            "CONTENT_LENGTH": self.get("content-length") or "",
            "SERVER_PROTOCOL": f"HTTP/1.{self.minor_version}",
        }


def read_head(stream: BufferedIOBase, limit: int) -> RequestHead | None:
    """Return the next request line and header fields, or None if the viewer has hung up.

    Raise :exc:`BadRequest` or :exc:`RequestTooLong` (more than ``limit`` bytes).
    """
    lines = list(_read_lines(stream, limit))
    if not lines:
        return None
    request_line = _REQUEST_LINE.fullmatch(lines[0])
    if request_line is None:
        raise BadRequest("the request line is not valid HTTP/1.1")
    fields = []
    for line in lines[1:]:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise BadRequest("a header line does not have the form name: value")
        fields.append((field[1].lower(), field[2]))
    names = [name for name, _ in fields]
    if names.count("host") > 1 or names.count("content-length") > 1:
        raise BadRequest("Host or Content-Length appears twice")
    return RequestHead(
        method=request_line[1],
        target=request_line[2],
        minor_version=int(request_line[3]),
        fields=tuple(fields),
    )


def _read_lines(stream: BufferedIOBase, limit: int) -> Iterator[str]:
    """Yield the lines up to the empty one that ends the head, without their line ends."""
    count = 0
    while True:
        line = stream.readline(limit - count + 1)
        count += len(line)
        if count > limit:
            raise RequestTooLong
        if not line:
            if count:
                raise BadRequest("the connection ended in the headers")
            return
        text = line.decode("latin-1").removesuffix("\n").removesuffix("\r")
        if not text and count == len(line):
            # RFC 9112, 2.2: an empty line before the request line is ignored.
            continue
        if not text:
            return
        yield text


_CONTROL_CHARACTERS = frozenset(map(chr, [*range(0x20), 0x7F]))
_WITHOUT_BODY = ("204", "304")


class WsgiResponse:
    """Sends one response through ``send``, and counts the bytes that it announced.

    After :meth:`send_body`, ``may_keep_alive`` says whether the viewer knows
    where the response ended.
    """

    def __init__(
        self, send: Callable[[bytes], object], *, is_head_request: bool, keep_alive: bool
    ) -> None:
        self._send = send
        self._is_head_request = is_head_request
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._remaining: int | None = None
        self.is_on_the_wire = False
        self.may_keep_alive = keep_alive

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """Accept status and headers, as start_response does (PEP 3333), and return ``write``."""
        if self._status and exc_info is None:
            raise RuntimeError("start_response was called twice without exc_info.")
        if self.is_on_the_wire and exc_info is not None and exc_info[1] is not None:
            raise exc_info[1]
        for text in (status, *(text for header in headers for text in header)):
            if not _CONTROL_CHARACTERS.isdisjoint(text):
                raise ValueError("A status or header contains a control character.")
        self._status, self._headers = status, headers
        length = next((value for name, value in headers if name.lower() == "content-length"), None)
        self._remaining = None if length is None else int(length)
        return self._write

    def send_body(self, body: Iterable[bytes]) -> None:
        """Send the head, and then the body, unless the request or the status excludes one."""
        for chunk in body:
            if chunk:
                self._write(chunk)
        if not self.is_on_the_wire:
            self._send_head()
        if self._remaining and self._has_body:
            # The body is shorter than announced. Only closing the connection shows this.
            self.may_keep_alive = False

    @property
    def _has_body(self) -> bool:
        return not self._is_head_request and not self._status.startswith(_WITHOUT_BODY)

    def _write(self, chunk: bytes) -> None:
        if not self.is_on_the_wire:
            self._send_head()
        if not self._has_body:
            return
        if self._remaining is not None:
            chunk = chunk[: self._remaining]
            self._remaining -= len(chunk)
        self._send(chunk)

    def _send_head(self) -> None:
        if not self._status:
            raise RuntimeError("The application sent a body before it called start_response.")
        if self._has_body and self._remaining is None:
            # Without a length, closing the connection ends the body.
            self.may_keep_alive = False
        headers = [*self._headers, ("Connection", "keep-alive" if self.may_keep_alive else "close")]
        if not any(name.lower() == "date" for name, _ in headers):
            headers.append(("Date", formatdate(usegmt=True)))
        lines = [f"HTTP/1.1 {self._status}", *(f"{name}: {value}" for name, value in headers)]
        self.is_on_the_wire = True
        self._send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
