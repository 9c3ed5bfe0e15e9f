"""Serve until somebody says stop, and log to the terminal."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from cfsigned_django.edge import EdgeServer


@contextmanager
def log_to(stream: Any) -> Iterator[None]:
    """Show a line for each request, unless the project's LOGGING takes care of it."""
    logger = logging.getLogger("cfsigned_django.edge")
    if logger.handlers:
        yield
        return
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


def serve(server: EdgeServer) -> None:
    """Serve until Ctrl-C or SIGTERM, which end it in the same way."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # SIGINT as well: a shell starts what runs in its background with it ignored.
    before = {each: signal.signal(each, interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
