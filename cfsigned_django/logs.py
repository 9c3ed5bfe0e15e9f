"""Log what many requests would repeat."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from typing import Any


@functools.lru_cache(maxsize=1000)
def log_once(log: Callable[..., None], *message: Any) -> None:
    """Log a message by a method of a logger, once: until a thousand others have been logged."""
    log(*message, stacklevel=2)


def log_first(subject: Hashable, log: Callable[..., None], *message: Any) -> None:
    """Log a message once for a subject, whatever it says; see :func:`log_once`."""
    logged = _logged_about(subject)
    if not logged:
        logged.append(log)
        log(*message, stacklevel=2)


@functools.lru_cache(maxsize=1000)
def _logged_about(subject: Hashable) -> list[Any]:
    return []
