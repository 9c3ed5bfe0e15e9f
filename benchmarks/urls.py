"""Measure one URL of each kind of name, all contenders in turns."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks.sites import (
    ECDSA,
    FOLDER_NAME,
    KINDS,
    RESOURCE,
    RSA,
    STEP,
    bare_signature,
    messages,
    names,
    of_key_group,
    ours,
    theirs,
)
from cfsigned_django.shortcuts import signed_urls

UNSIGNED = "django-storages, unsigned"
SIGNED = "django-storages, RSA"
BARE_RSA = "RSA signature alone"
OURS_RSA = "RSA"
BARE_ECDSA = "ECDSA signature alone"
OURS_ECDSA = "ECDSA"
KNOWN = "stable URL, known"
OF_GROUP = "of a key group"
FOLDER = "`folder=`"
PATTERN = "`resource=`"
BLOCK = "in a block"

#: How many times as many names the quick ones get, so that the clock can tell them apart.
QUICK = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One column: `work` is timed for each of the things that `given` makes of a round's names."""

    title: str
    work: Callable[[Any], object]
    is_quick: bool = True
    given: Callable[[list[str]], Sequence[Any]] = list
    #: What is open around the work.
    around: AbstractContextManager[Any] = field(default_factory=nullcontext)


def contenders() -> list[Contender]:
    """Return the columns; a signature stands beside what is compared with it."""
    stable, one, page = (ours(RSA, expire_step=STEP) for _ in range(3))
    rotating = of_key_group(RSA, expire_step=STEP)
    block = signed_urls(folder=FOLDER_NAME, storage=page)
    return [
        Contender(title=UNSIGNED, work=theirs(None).url),
        Contender(title=KNOWN, work=stable.url, given=partial(make_known, stable)),
        Contender(title=OF_GROUP, work=rotating.url, given=partial(make_known, rotating)),
        Contender(title=FOLDER, work=partial(one.url, folder=FOLDER_NAME)),
        Contender(title=PATTERN, work=partial(one.url, resource=RESOURCE)),
        Contender(title=BLOCK, work=page.url, around=block),
        Contender(title=BARE_ECDSA, work=bare_signature(ECDSA), given=messages),
        Contender(title=OURS_ECDSA, work=ours(ECDSA).url),
        Contender(title=SIGNED, work=theirs(RSA).url, is_quick=False),
        Contender(title=BARE_RSA, work=bare_signature(RSA), is_quick=False, given=messages),
        Contender(title=OURS_RSA, work=ours(RSA).url, is_quick=False),
    ]


def make_known(storage: Any, given: list[str]) -> list[str]:
    """Ask for a few names now, and return them ten times: a page that is visited again.

    Each time they are new strings, as those that a site reads from its database.
    """
    few = given[: max(1, len(given) // QUICK)]
    for name in few:
        storage.url(name)
    return [name.encode().decode() for _ in range(QUICK) for name in few]


def measure(*, rounds: int, count: int) -> dict[str, dict[str, list[float]]]:
    """Return the mean microseconds of each round, by kind of name and by contender.

    Each round has new names, and begins with another contender. The first one does not count.
    The clock is that of this process, so other programs count as little as possible.
    """
    found: dict[str, dict[str, list[float]]] = {kind: {} for kind in KINDS}
    order = contenders()
    gc.disable()
    try:
        for number in range(rounds + 1):
            for kind in KINDS:
                for each in order:
                    many = count * QUICK if each.is_quick else count
                    things = each.given(names(kind, number * count * QUICK, many))
                    with each.around:
                        spent = time_of(each.work, things)
                    if number:
                        found[kind].setdefault(each.title, []).append(spent)
            order.append(order.pop(0))
            gc.collect()
    finally:
        gc.enable()
    return found


def time_of(work: Callable[[Any], object], things: Sequence[Any]) -> float:
    began = time.process_time_ns()
    for thing in things:
        work(thing)
    return (time.process_time_ns() - began) / len(things) / 1000


def ratio(first: Iterable[float], second: Iterable[float]) -> float:
    """Return how many times the second the first takes: the median of the ratios of all rounds."""
    return statistics.median(a / b for a, b in zip(first, second, strict=True))
