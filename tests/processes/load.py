"""Request links from a site, and what they lead to, for as long as each of them lives."""

from __future__ import annotations

import heapq
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from tests.processes.evidence import Evidence
from tests.processes.site import MAX_EXPIRE
from tests.storage_cases import expiry_of, parameters_of

_THREADS = 3
#: Seconds between two new links of a thread.
_PAUSE = 0.25
#: How long before its end a link is requested for the last time, in seconds.
_LAST = (0.6, 0.3, 0.12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link, as it was issued."""

    url: str
    key_pair_id: str
    #: When it was asked for and when it ends, in Unix seconds.
    issued_at: float
    expires_at: int
    process: int


@dataclass(slots=True, kw_only=True)
class Seen:
    """What the clients saw; each list has a story for each fault."""

    #: Links that an edge refused before their end.
    refused: list[str] = field(default_factory=list)
    #: Links that the site did not sign.
    not_signed: list[str] = field(default_factory=list)
    #: Links that were served after their end.
    outlived: list[str] = field(default_factory=list)
    #: How many links each key and each process of the site signed.
    by_key: Counter[str] = field(default_factory=Counter)
    by_process: Counter[int] = field(default_factory=Counter)
    #: How many requests an edge answered in the last second of a link, and after it.
    last_second: int = 0
    after_the_end: int = 0
    served: int = 0


class Load:
    """Clients of a site; what they see is in ``seen``."""

    def __init__(
        self, address: str, ports: Sequence[int], evidence: Evidence, *, seed: int
    ) -> None:
        self.seen = Seen()
        self._site = urlsplit(address).netloc
        #: Of the edges.
        self._ports = ports
        self._evidence = evidence
        self._seed = seed
        self._over = threading.Event()
        self._lock = threading.Lock()

    @contextmanager
    def running(self) -> Iterator[Load]:
        """Let the clients work for the duration of the block."""
        clients = [threading.Thread(target=self._run, args=(each,)) for each in range(_THREADS)]
        for client in clients:
            client.start()
        try:
            yield self
        finally:
            self._over.set()
            for client in clients:
                client.join()

    def _run(self, number: int) -> None:
        chance = random.Random(self._seed * 100 + number)
        due: list[tuple[float, int, Link, int]] = []
        order = itertools.count()
        next_link = 0.0
        while not self._over.is_set():
            now = time.time()
            if now >= next_link:
                next_link = now + _PAUSE
                link = self._issue(chance)
                if link is not None:
                    for moment, edge in _plan(link, chance):
                        heapq.heappush(due, (moment, next(order), link, edge))
            elif due and due[0][0] <= now:
                _, _, asked, edge = heapq.heappop(due)
                self._request(asked, edge)
            else:
                self._over.wait(max(0.0, min([next_link, *(each[0] for each in due[:1])]) - now))

    def _issue(self, chance: random.Random) -> Link | None:
        """Ask the site for a link; None where it signs none."""
        expire = chance.randint(2, MAX_EXPIRE)
        asked_at = time.time()
        path = f"/sign/?name=albums/{chance.randrange(10**6)}.jpg&expire={expire}"
        status, body = self._get(self._site, path, self._site)
        self._evidence.add("answer of the site", body)
        if status != 200:
            story = f"{asked_at:.2f} to {time.time():.2f}: {status} {body[:300]!r}"
            with self._lock:
                self.seen.not_signed.append(story)
            return None
        answer = json.loads(body)
        link = Link(
            url=answer["url"],
            key_pair_id=parameters_of(answer["url"])["Key-Pair-Id"],
            issued_at=asked_at,
            expires_at=expiry_of(answer["url"]),
            process=answer["process"],
        )
        with self._lock:
            self.seen.by_key[link.key_pair_id] += 1
            self.seen.by_process[link.process] += 1
        return link

    def _request(self, link: Link, number: int) -> None:
        """Request a link at an edge, and judge the answer."""
        parts = urlsplit(link.url)
        sent_at = time.time()
        host = f"127.0.0.1:{self._ports[number]}"
        status, body = self._get(host, f"{parts.path}?{parts.query}", parts.netloc)
        answered_at = time.time()
        self._evidence.add("answer of an edge", body)
        story = (
            f"{link.url}\n  signed by {link.key_pair_id} in process {link.process}, asked for at "
            f"{link.issued_at:.2f}, ends at {link.expires_at}; edge {number} at {sent_at:.2f} to "
            f"{answered_at:.2f}: {status} {body[:300]!r}"
        )
        with self._lock:
            # Between the two nobody knows on which side of its end the edge saw it.
            if answered_at < link.expires_at:
                self.seen.served += 1
                self.seen.last_second += answered_at > link.expires_at - 1
                if status != 200:
                    self.seen.refused.append(story)
            elif sent_at > link.expires_at + 1:
                self.seen.after_the_end += 1
                if status != 403:
                    self.seen.outlived.append(story)

    def _get(self, address: str, path: str, host: str) -> tuple[int, bytes]:
        """Return status and body; 0 and the error where there is no answer."""
        connection = HTTPConnection(address, timeout=30)
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException) as error:
            return 0, repr(error).encode()
        finally:
            connection.close()


def _plan(link: Link, chance: random.Random) -> Iterator[tuple[float, int]]:
    """Return when to request a link at which edge: now, some time later, and at its end."""
    now = time.time()
    for edge in range(2):
        yield now, edge
        yield chance.uniform(now, link.expires_at), edge
        yield link.expires_at - chance.choice(_LAST), edge
    yield link.expires_at + 1.2, chance.randrange(2)
