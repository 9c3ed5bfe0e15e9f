"""Serve an application on a free port, and talk to it in plain bytes."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias
from wsgiref.types import WSGIApplication

from cfsigned_django.edge import EdgeServer

Send: TypeAlias = Callable[[str], bytes]
SIMPLE = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@contextmanager
def run(application: WSGIApplication) -> Iterator[tuple[EdgeServer, Send]]:
    """Serve on a free port, with a function that sends text and reads until the end."""
    with EdgeServer(application).running() as server:

        def send(text: str) -> bytes:
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
                connection.sendall(text.encode("latin-1"))
                with connection.makefile("rb") as answer:
                    return answer.read()

        yield server, send
