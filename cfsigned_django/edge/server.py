"""Serve a distribution on a socket, one thread for each connection.

A server for development, which must not face a network. Signatures cover the
request target as it was sent, so the target is handed on in RAW_URI.
"""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from socketserver import StreamRequestHandler, TCPServer, ThreadingMixIn
from threading import Thread
from typing import Any, cast
from wsgiref.types import WSGIApplication, WSGIEnvironment

from cfsigned_django.edge import responses
from cfsigned_django.edge.http1 import BadRequest, RequestHead, RequestTooLong, read_head
from cfsigned_django.edge.responses import MAX_REQUEST_LENGTH, Refusal
from cfsigned_django.edge.wsgi_response import WsgiResponse

logger = logging.getLogger("cfsigned_django.edge")

# Seconds, and bytes, for which a connection is still read after a refusal, so
# that a viewer who is still sending gets to see the answer.
_LINGER_SECONDS = 1
_LINGER_BYTES = 1024 * 1024


class EdgeServer(ThreadingMixIn, TCPServer):
    """Listen on ``host`` and ``port`` (0: any free one) for a WSGI application."""

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
        """Serve in a thread of its own for the duration of a ``with`` block."""
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
        """Log what went wrong outside of a request, unless the viewer has just left."""
        if not isinstance(sys.exception(), OSError):
            logger.exception("a connection of %s failed", client_address[0])

    def server_close(self) -> None:
        """Stop listening, and end the connections that viewers keep open."""
        super().server_close()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _ViewerLeftError(Exception):
    """Report that the viewer has closed the connection, which is no fault of anyone."""


class _ViewerConnection(StreamRequestHandler):
    """Answer the requests of one connection, one after the other."""

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
        """Answer one request; say whether the connection may carry another."""
        try:
            head = read_head(self.rfile, MAX_REQUEST_LENGTH)
        except OSError as error:
            raise _ViewerLeftError from error
        except RequestTooLong:
            return self._refuse(responses.request_too_long())
        except BadRequest as error:
            return self._refuse(responses.bad_request(str(error)))
        if head is None:
            return False
        may_keep_alive = self._run(head)
        if head.has_body:
            self._linger()
        return may_keep_alive

    def _run(self, head: RequestHead) -> bool:
        """Let the application answer; say whether the connection may be kept."""
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
            logger.exception("500 InternalError %s", head.target.partition("?")[0])
            if not response.is_on_the_wire:
                response = WsgiResponse(
                    self._send, is_head_request=is_head_request, keep_alive=False
                )
                response.send_body(responses.internal_error()(environ, response.start))
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
        """Answer a request that could not be read, and end the connection."""
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
        """Read what the viewer is still sending: unread bytes would reset the connection."""
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_WR)
            self.request.settimeout(_LINGER_SECONDS)
            remaining = _LINGER_BYTES
            while remaining > 0 and (data := self.rfile.read1(remaining)):
                remaining -= len(data)
