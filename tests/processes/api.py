"""Stand between a site and the emulator of AWS's API: watch the calls, and let them fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit

from cfsigned_django.signing import PublicKey
from tests.aws.api import Account
from tests.ministack_server import Ministack
from tests.processes.evidence import Evidence
from tests.simulation.strict_cloudfront import Listener

#: What belongs to one connection only, and is not handed on.
_OF_A_CONNECTION = {"connection", "content-length", "keep-alive", "server", "transfer-encoding"}


class Outage(Enum):
    """Name a way in which the API fails."""

    NO_ANSWER = "the connection is closed"
    NOT_AVAILABLE = "503"


class Api:
    """Hand calls on to the emulator, one after the other, in the account of the site."""

    account = "111111111111"

    def __init__(self, ministack: Ministack, evidence: Evidence) -> None:
        self.client: Any = ministack.client("cloudfront", account=self.account)
        #: What a person does in the account.
        self.by_hand = Account(api=self.client)
        self.key_group_id = ""
        self.outage: Outage | None = None
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
        """Tell of each change of the key group."""
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

    def leftovers(self) -> list[int]:
        """Count what else is in the account: key groups, distributions, access controls."""
        return [
            self.client.list_key_groups()["KeyGroupList"]["Quantity"],
            self.client.list_distributions()["DistributionList"]["Quantity"],
            self.client.list_origin_access_controls()["OriginAccessControlList"]["Quantity"],
        ]

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

    @contextmanager
    def failing(self, outage: Outage) -> Iterator[None]:
        """Answer nothing useful for the duration of the block."""
        self.outage = outage
        try:
            yield
        finally:
            self.outage = None

    def hand_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Call the emulator, and tell the edges where that changed the key group."""
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
        """Say nothing where the caller is gone."""


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def handle_one_request(self) -> None:
        """Answer one call, unless the API is down."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        api = cast("_Server", self.server).api
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if api.outage is Outage.NO_ANSWER:
            self.close_connection = True
            return
        if api.outage is Outage.NOT_AVAILABLE:
            self._answer(503, [], b"")
            return
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
