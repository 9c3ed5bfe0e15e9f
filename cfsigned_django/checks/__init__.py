"""The system checks, one module per subject."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.core.checks import CheckMessage
from django.utils.module_loading import import_string


@cache  # Django registers a function once, also if the app is ready again
def late(path: str) -> Callable[..., list[CheckMessage]]:
    """Return a check of this package, whose module is imported when it runs.

    It needs the storages, which import boto3, and no process should wait for that when it starts.
    """

    def check(**kwargs: Any) -> list[CheckMessage]:
        found: list[CheckMessage] = import_string(f"{__name__}.{path}")(**kwargs)
        return found

    return check
