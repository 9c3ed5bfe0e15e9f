"""Ask a site for links all the time, and judge whether each of them works until it ends."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.background import fetch, repeating
from tests.simulation.edges import Edges
from tests.simulation.oracle import IssuedUrl
from tests.storage_cases import expiry_of, parameters_of

#: The longest lifetime of a link, in seconds.
MAX_EXPIRE = 4


class Load:
    """Clients of a site, and what they saw; each fault has a story."""

    def __init__(self, address: str, edges: Edges, *, seed: int) -> None:
        self.links: list[IssuedUrl] = []
        #: Which processes of the site signed them.
        self.processes = set[int]()
        self.not_signed: list[str] = []
        self.not_served: list[str] = []
        self._address = address
        self._edges = edges
        self._chance = random.Random(seed)

    @contextmanager
    def running(self) -> Iterator[Load]:
        """Run three clients, of two links a second each, for the duration of the block."""
        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(repeating(self._issue, every=0.5))
            yield self

    def lost(self) -> list[str]:
        """Return the story of each link that an edge had to refuse before its end, until now."""
        now = time.time()
        return [
            f"{link}: edge {edge} knew its key in {self._edges.times_known(edge, link.key_pair_id)}"
            for link in list(self.links)
            for edge in range(2)
            if not self._edges.knows(edge, link.key_pair_id, link.issued_at, min(now, link.expires))
        ]

    def _issue(self) -> None:
        """Ask the site for a link, and request it once."""
        expire = self._chance.randint(2, MAX_EXPIRE)
        path = f"/sign/?name=albums/{self._chance.randrange(10**6)}.jpg&expire={expire}"
        asked_at = time.time()
        status, body = _get(self._address + path)
        if status != 200:
            self.not_signed.append(f"{asked_at:.2f} to {time.time():.2f}: {status} {body[:300]!r}")
            return
        answer = json.loads(body)
        url = answer["url"]
        key_pair_id = parameters_of(url)["Key-Pair-Id"]
        link = IssuedUrl(url, key_pair_id, time.time(), expiry_of(url))
        self.links.append(link)
        self.processes.add(answer["process"])
        status, body = _get(url)
        if status != 200 and time.time() < link.expires:
            self.not_served.append(f"{link}: {status} {body[:300]!r}")


def _get(url: str) -> tuple[int, bytes]:
    """Return status and body; 0 and the error if there is no answer."""
    try:
        return fetch(url)
    except OSError as error:
        return 0, repr(error).encode()
