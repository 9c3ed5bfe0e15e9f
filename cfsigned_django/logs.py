"""Log what many requests would repeat."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


@functools.lru_cache(maxsize=1000)
def log_once(log: Callable[..., None], *message: Any) -> None:
    """Log a message by a method of a logger, once: until a thousand others have been logged."""
    log(*message, stacklevel=2)
