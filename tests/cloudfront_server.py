"""Simulate CloudFront for programs that know nothing of a test: HTTPS at a distribution's name.

The local edge decides, the emulator's data plane serves. Programs get here by
``HTTPS_PROXY``, and trust the certificate by ``SSL_CERT_FILE`` (Python) or
``CURL_CA_BUNDLE``.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any, cast
from wsgiref.types import StartResponse, WSGIEnvironment

from cfsigned_django.tools.account.reader import read_distribution
from cfsigned_django.tools.edge import Distribution, EdgeServer
from demo_project.rules import DistributionReader
from tests.ministack_server import Ministack
from tests.tools.setup.viewers import DataPlane


@contextmanager
def run_cloudfront(aws: Ministack, account: str, folder: Path) -> Iterator[dict[str, str]]:
    """Serve all distributions of an account; yield the variables by which programs find them."""
    cloudfront = aws.client("cloudfront", account=account)

    def application(environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        host = environ["HTTP_HOST"]
        listed = cloudfront.list_distributions()["DistributionList"]["Items"]
        [found_id] = [each["Id"] for each in listed if each["DomainName"] == host]
        found = read_distribution(cloudfront, found_id)
        reader = DistributionReader(cloudfront, found_id)
        rules = reader.read()
        edge = Distribution(
            domain_names=(host,),
            behaviors=rules.behaviors,
            key_groups=rules.key_groups,
            origin=DataPlane(aws, found),
            viewer_scheme="https",
        )
        return edge(environ, respond)

    certificate = _write_certificate(folder / "cloudfront.pem")
    with EdgeServer(application).running() as edge, _Proxy(edge.port, certificate) as proxy:
        Thread(target=proxy.serve_forever, daemon=True).start()
        yield {
            "HTTPS_PROXY": f"http://127.0.0.1:{proxy.server_address[1]}",
            "SSL_CERT_FILE": str(certificate),
            "CURL_CA_BUNDLE": str(certificate),
        }
        proxy.shutdown()


class _Proxy(ThreadingTCPServer):
    """Answer CONNECT to any host as that host, and hand its plain requests to the edge."""

    daemon_threads = True

    def __init__(self, edge_port: int, certificate: Path) -> None:
        self.edge_port = edge_port
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate)
        super().__init__(("127.0.0.1", 0), _Tunnel)


class _Tunnel(StreamRequestHandler):
    """One connection of a program."""

    rbufsize = 0

    def handle(self) -> None:
        while self.rfile.readline().strip():  # CONNECT and its headers
            pass
        self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        server = cast("_Proxy", self.server)
        with (
            suppress(OSError),
            server.tls.wrap_socket(self.connection, server_side=True) as viewer,
            socket.create_connection(("127.0.0.1", server.edge_port)) as edge,
        ):
            back = Thread(target=_pass_on, args=(edge, viewer), daemon=True)
            back.start()
            _pass_on(viewer, edge)
            back.join()


def _pass_on(source: Any, target: Any) -> None:
    """Copy what one side sends until it ends."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _write_certificate(path: Path) -> Path:
    """Write a key and a certificate for every name under cloudfront.net."""
    made = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=tests"
    named = ["-addext", "subjectAltName=DNS:*.cloudfront.net", "-keyout", str(path), "-out", "-"]
    certificate = subprocess.check_output(
        ["openssl", *made.split(), *named], stderr=subprocess.DEVNULL
    )
    path.write_bytes(path.read_bytes() + certificate)
    return path
