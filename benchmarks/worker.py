"""Sign in a process of a pool: for benchmarks/parallel.py.

Imports nothing that reads Django's settings before they are there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings

#: After so many seconds a worker no longer waits for one that died.
PATIENCE = 60

_urls: list[Callable[[str], str]] = []
_barriers: list[Any] = []


def begin(pem: bytes, barrier: Any) -> None:
    """Prepare the process to sign with the key; at the barrier all of them begin at once."""
    if not settings.configured:
        settings.configure(USE_TZ=True)
    from benchmarks.keys import our_storage
    from cfsigned_django.signing import PrivateKey

    _urls.append(our_storage(PrivateKey.load(pem)).url)
    _barriers.append(barrier)


def sign(names: Sequence[str], waits: bool) -> tuple[int, int]:
    """Sign each of the names, together with the others or alone; return from when to when.

    In nanoseconds of a clock that all processes of a machine share.
    """
    url = _urls[0]
    if waits:
        _barriers[0].wait(PATIENCE)
    start = time.monotonic_ns()
    for name in names:
        url(name)
    return start, time.monotonic_ns()
