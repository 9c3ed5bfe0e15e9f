"""Stand between a site and the emulator of AWS's API; run two edges that learn late.

The calls are watched. The edges learn of each change
of the key group from those calls.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from cfsigned_django.signing import PublicKey
from cfsigned_django.tools.edge import Behavior, Distribution, EdgeServer
from tests.aws import Account
from tests.background import free_port
from tests.ministack_server import Ministack
from tests.processes.evidence import Evidence
from tests.simulation.edges import Edges
from tests.simulation.strict_cloudfront import Listener

#: What belongs to one connection only, and is not handed on.
_OF_A_CONNECTION = {"connection", "content-length", "keep-alive", "server", "transfer-encoding"}


class Api:
    """Hand calls on to the emulator, one after the other, in the account of the site."""

    account = "111111111111"

    def __init__(self, ministack: Ministack, evidence: Evidence) -> None:
        self.client: Any = ministack.client("cloudfront", account=self.account)
        #: What a person does in the account.
        self.by_hand = Account(api=self.client)
        self.key_group_id = ""
        #: Called at each moment at which a process may die: before a call and after it.
        self.at_each_moment: Callable[[], None] = lambda: None
        #: When the key group was changed last: what is taken out is missed at an edge then.
        self.changed_at = 0.0
        #: Method and path of each call that reached the emulator.
        self.calls: list[str] = []
        self._listeners: list[Listener] = []
        self._evidence = evidence
        self._host = urlsplit(ministack.endpoint_url).netloc
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Call)
        self._server.api = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def listen(self, listener: Listener) -> None:
        """Report each change of the key group."""
        self._listeners.append(listener)

    def trusted_keys(self, key_group_id: str) -> dict[str, PublicKey]:
        """Return the keys of the key group, as the emulator has it."""
        known = self.public_keys()
        members = self.by_hand.group_config(key_group_id)["Items"]
        return {name: PublicKey.load(known[name]) for name in members}

    def public_keys(self) -> dict[str, str]:
        """Return the PEM text of each public key of the account, by its id."""
        listed = self.client.list_public_keys()["PublicKeyList"].get("Items", [])
        return {each["Id"]: each["EncodedKey"] for each in listed}

    @contextmanager
    def running(self) -> Iterator[Api]:
        """Serve for the duration of the block."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def hand_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Call the emulator, and inform the edges if that changed the key group."""
        with self._lock:
            moment = time.time()
            connection = HTTPConnection(self._host, timeout=30)
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                found = answer.status, answer.getheaders(), answer.read()
            finally:
                connection.close()
            self.calls.append(f"{method} {urlsplit(path).path}")
            self._evidence.add("call of the API", body)
            self._evidence.add("answer of the API", found[2])
            if method == "PUT" and "/key-group/" in path and found[0] == 200:
                self.changed_at = moment
                for listener in self._listeners:
                    listener(self.key_group_id, self.trusted_keys(self.key_group_id))
            return found


class _Server(ThreadingHTTPServer):
    # A process that is killed leaves its connection: nobody waits for the thread.
    daemon_threads = True
    api: Api

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing if the caller is gone."""


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def handle_one_request(self) -> None:
        """Answer one call."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        api = cast("_Server", self.server).api
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        api.at_each_moment()
        answer = api.hand_on(self.command, self.path, dict(self.headers), body)
        api.at_each_moment()
        self._answer(*answer)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _OF_A_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


#: After how many seconds each edge knows of a change. Probes go to the first one: only the wait
#: that follows a good probe keeps links from the other one until it knows the key as well.
_DELAYS = (0.0, 3.6)


@contextmanager
def run_edges(api: Api) -> Iterator[tuple[Edges, str]]:
    """Run two edges for the duration of the block; the first one is served, at a domain."""
    edges = Edges(
        api,
        api.key_group_id,
        count=len(_DELAYS),
        delay=_DELAYS.__getitem__,
        clock=lambda: api.changed_at,
    )
    port = free_port()
    distribution = Distribution(
        domain_names=(domain := f"127.0.0.1:{port}",),
        behaviors=(Behavior(trusted_key_groups=("group",)),),
        # Worked out when it is asked: a busy machine makes no edge slower.
        key_groups=lambda: {"group": edges.edge_keys(0, time.time())},
        origin=_origin,
    )
    with pytest.MonkeyPatch.context() as patch, EdgeServer(distribution, port=port).running():
        # What it refuses as it must is not for the report of a failure.
        patch.setattr(logging.getLogger("cfsigned_django.tools.edge"), "disabled", True)
        yield edges, domain


def _origin(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Length", "4")])
    return [b"file"]
