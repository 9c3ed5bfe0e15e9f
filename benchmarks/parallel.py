"""Let threads and processes sign at once, and measure by the clock on the wall."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from benchmarks import worker
from benchmarks.contenders import BARE_RSA, bare_signature
from benchmarks.keys import OURS, THEIRS, Keys, names_of_round, our_storage, their_storage
from benchmarks.rounds import Turn

THREADS = (1, 2, 16)

Work = Callable[[Any], object]


def in_threads(who: str, count: int) -> str:
    """Return the title of so many threads."""
    return f"{who}: {count} thread{'s' if count > 1 else ''}"


@contextmanager
def thread_turns(keys: Keys, *, names: int) -> Iterator[list[Turn]]:
    """Return turns that last as long as the block: each number of threads signs the same names."""
    theirs: Any = their_storage(keys.rsa)
    sign = bare_signature(keys.rsa)
    contenders: dict[str, Work] = {
        THEIRS: theirs.url,
        BARE_RSA: lambda name: sign(name.encode()),
        OURS: our_storage(keys.rsa).url,
    }
    with ThreadPoolExecutor(max(THREADS)) as pool:
        yield [
            _turn(in_threads(who, count), pool, work, count, names)
            for who, work in contenders.items()
            for count in THREADS
        ]


def _turn(title: str, pool: ThreadPoolExecutor, work: Work, count: int, names: int) -> Turn:
    def turn(number: int) -> dict[str, float]:
        given = names_of_round(number, names)
        barrier = threading.Barrier(count + 1)
        parts = [given[part::count] for part in range(count)]
        running = [pool.submit(_sign_all, work, part, barrier) for part in parts]
        start = time.perf_counter_ns()
        barrier.wait()
        for each in running:
            each.result()
        return {title: (time.perf_counter_ns() - start) / names / 1000}

    return turn


def _sign_all(work: Work, names: Sequence[str], barrier: threading.Barrier) -> None:
    barrier.wait()
    for name in names:
        work(name)


@contextmanager
def process_turns(keys: Keys, *, names: int) -> Iterator[list[Turn]]:
    """Return turns that last as long as the block: one process signs, or two do.

    They begin together and take the time themselves, so that it does not
    count how long the names are on their way to them.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(2, worker.begin, (keys.rsa.to_pem(), context.Barrier(2))) as pool:

        def turn_of(count: int) -> Turn:
            title = f"{OURS}: {count} process{'es' if count > 1 else ''}"

            def turn(number: int) -> dict[str, float]:
                given = names_of_round(number, names)
                parts = [(given[part::count], count > 1) for part in range(count)]
                starts, ends = zip(*pool.starmap(worker.sign, parts, chunksize=1), strict=True)
                return {title: (max(ends) - min(starts)) / names / 1000}

            return turn

        yield [turn_of(1), turn_of(2)]
