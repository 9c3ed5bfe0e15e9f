"""Serve until somebody says stop, log to the terminal, and find out whom to trust."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from cfsigned_django.aws.client import make_client
from cfsigned_django.aws.trusted_keys import KeyGroupReader
from cfsigned_django.edge import EdgeServer
from cfsigned_django.edge.key_group_watch import KeyGroupWatch


def watch_key_group(
    key_group_id: str, *, propagation: float, profile: str | None = None
) -> KeyGroupWatch:
    """Return a watch that asks CloudFront's API, as boto3 is configured or as the profile.

    Raise :exc:`cfsigned_django.aws.client.AwsError` where the group cannot be read now.
    """
    client = make_client("cloudfront", profile_name=profile)
    return KeyGroupWatch(KeyGroupReader(client, key_group_id).read, propagation=propagation)


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
