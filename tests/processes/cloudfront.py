"""Stand between a site and the emulator of AWS's API; run two edges that learn late.

The edges learn of each change of the key group from the calls.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import is_hop_by_hop

import pytest

from cfsigned_django.signing import PublicKey
from cfsigned_django.tools.edge import Behavior, Distribution, EdgeServer
from tests.background import free_port
from tests.core.aws import Account
from tests.ministack_server import MinistackHere
from tests.simulation.edges import Edges
from tests.simulation.strict_cloudfront import Listener


class Api:
    """Hand calls on to the emulator, one after the other, in the account of the site."""

    account = "111111111111"

    def __init__(self, emulator: MinistackHere) -> None:
        #: What a person does in the account.
        self.by_hand = Account(api=emulator.client("cloudfront", account=self.account))
        self.key_group_id = ""
        #: Called at each moment at which a process may die: before a call and after it.
        self.at_each_moment: Callable[[], None] = lambda: None
        #: When the key group was changed last: what is taken out is missed at an edge then.
        self.changed_at = 0.0
        #: What was sent and answered.
        self.seen: list[bytes] = []
        self._emulator = emulator
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

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
        listed = self.by_hand.api.list_public_keys()["PublicKeyList"].get("Items", [])
        return {each["Id"]: each["EncodedKey"] for each in listed}

    def __call__(self, environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        """Call the emulator, and inform the edges if that changed the key group."""
        method, path = environ["REQUEST_METHOD"], environ["RAW_URI"]
        url = f"{self._emulator.endpoint_url}{path}"
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        names = {"Authorization": "HTTP_AUTHORIZATION", "If-Match": "HTTP_IF_MATCH"}
        headers = {name: environ[key] for name, key in names.items() if key in environ}
        self.at_each_moment()
        with self._lock:
            moment = time.time()
            status, answered, body = self._emulator.ask(method, url, headers, sent)
            self.seen += [sent, body]
            if (method, status) == ("PUT", HTTPStatus.OK) and "/key-group/" in path:
                self.changed_at = moment
                for listener in self._listeners:
                    listener(self.key_group_id, self.trusted_keys(self.key_group_id))
        self.at_each_moment()
        respond(f"{status} -", [each for each in answered.items() if not is_hop_by_hop(each[0])])
        return [body]


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
