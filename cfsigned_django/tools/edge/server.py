"""Serve a distribution on a socket, one thread for each connection.

This server is for development, and must not be exposed to a network. It is the
one of the standard library, except that it also passes the request target on as
it was sent, in RAW_URI: signatures cover that, and wsgiref decodes the path and
joins its slashes.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

logger: Final = logging.getLogger("cfsigned_django.tools.edge")


class EdgeServer(ThreadingMixIn, WSGIServer):
    """Serves a WSGI application on ``host`` and ``port`` (0: any free port)."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, application: WSGIApplication, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__((host, port), _ViewerRequestHandler)
        self.set_app(application)

    @property
    def port(self) -> int:
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

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log an error outside of a request, unless the viewer closed the connection."""
        if not isinstance(sys.exception(), OSError):
            logger.exception("The connection from %s failed.", client_address[0])


class _ViewerRequestHandler(WSGIRequestHandler):
    """Responds to the one request of a connection."""

    # Seconds for which a viewer may stay silent.
    timeout = 60

    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), "RAW_URI": self.requestline.split()[1]}

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Log nothing: the distribution logs each request, without its signature."""

    def log_error(self, format: str, *args: Any) -> None:
        """Log that a request is not valid HTTP, but not the request line, which is in ``args``."""
        logger.warning("400 BadRequest: the request from %s is not valid", self.client_address[0])
