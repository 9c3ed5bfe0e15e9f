"""Run two edges of CloudFront that learn of each change of the key group late."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from cfsigned_django.edge import Behavior, Distribution, EdgeServer
from tests.background import free_port
from tests.processes.api import Api
from tests.simulation.edges import Edges

#: After how many seconds each edge knows of a change. Probes go to the first one: only the wait
#: that follows a good probe keeps links from the other one until it knows the key as well.
_DELAYS = (0.0, 3.6)

_BODY = b"a private file"


@contextmanager
def run_edges(api: Api, log: Path) -> Iterator[tuple[Edges, list[int]]]:
    """Serve the edges for the duration of the block, each at its port; links name the first one."""
    edges = Edges(
        api,
        api.key_group_id,
        count=len(_DELAYS),
        delay=_DELAYS.__getitem__,
        clock=lambda: api.changed_at,
    )
    # Both serve the domain that links name; whose port it has is up to who asks.
    first = free_port()
    with ExitStack() as stack:
        stack.enter_context(_log_into(log))
        ports = []
        for number, port in enumerate((first, 0)):
            application = _make_distribution(edges, number, f"127.0.0.1:{first}")
            server = EdgeServer(application, port=port)
            stack.enter_context(server.running())
            ports.append(server.port)
        yield edges, ports


def _make_distribution(edges: Edges, number: int, domain: str) -> Distribution:
    return Distribution(
        domain_names=(domain,),
        behaviors=(Behavior(trusted_key_groups=("group",)),),
        # Worked out when it is asked: a busy machine makes no edge slower.
        key_groups=lambda: {"group": edges.edge_keys(number, time.time())},
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
