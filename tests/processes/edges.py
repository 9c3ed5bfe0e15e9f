"""Run two edges of CloudFront that learn of each change of the key group late."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from cfsigned_django.edge import Behavior, Distribution, EdgeServer
from tests.edge_command import free_port
from tests.processes.api import Members

#: After how many seconds each edge knows of a change. Probes go to the first one: only the wait
#: that follows a good probe keeps links from the other one until it knows the key as well.
DELAYS = (0.0, 3.6)

_BODY = b"a private file"


class Edge:
    """One edge, with the states of the key group that have reached it or are on their way."""

    def __init__(self, delay: float, members: Members) -> None:
        self._delay = delay
        self._states: list[tuple[float, Members]] = [(0, members)]
        self._lock = threading.Lock()
        self.port = 0

    def learn(self, moment: float, members: Members) -> None:
        """Take a change that the API made at a moment, in Unix seconds."""
        with self._lock:
            self._states.append((moment + self._delay, members))

    def members(self, now: float) -> Members:
        """Return the keys that the edge trusts at a moment.

        Worked out when it is asked: a busy machine makes no edge slower.
        """
        with self._lock:
            return next(keys for since, keys in reversed(self._states) if since <= now)

    @property
    def history(self) -> list[str]:
        """Return since when the edge trusted which keys."""
        with self._lock:
            return [f"{since:.2f} {sorted(keys)}" for since, keys in self._states]


@contextmanager
def run_edges(members: Members, log: Path) -> Iterator[tuple[Edge, ...]]:
    """Serve the edges for the duration of the block; links name the first one."""
    edges = tuple(Edge(delay, members) for delay in DELAYS)
    # Both serve the domain that links name; whose port it has is up to who asks.
    domain = f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        stack.enter_context(_log_into(log))
        for edge, port in zip(edges, (int(domain.rpartition(":")[2]), 0), strict=True):
            server = EdgeServer(_make_distribution(edge, domain), port=port)
            stack.enter_context(server.running())
            edge.port = server.port
        yield edges


def _make_distribution(edge: Edge, domain: str) -> Distribution:
    return Distribution(
        domain_names=(domain,),
        behaviors=(Behavior(trusted_key_groups=("group",)),),
        key_groups=lambda: {"group": edge.members(time.time())},
        origin=_origin,
    )


def _origin(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(_BODY)))])
    return [_BODY]


@contextmanager
def _log_into(path: Path) -> Iterator[None]:
    """Keep the log of the edges in a file, and out of the report of a failure."""
    logger = logging.getLogger("cfsigned_django.edge")
    handler = logging.FileHandler(path)
    before = logger.propagate, logger.level
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel("DEBUG")
    try:
        yield
    finally:
        logger.propagate = before[0]
        logger.setLevel(before[1])
        logger.removeHandler(handler)
        handler.close()
