"""Make calls to AWS fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tests.simulation.answers import refusal


class Failing:
    """A boto3 client of which some calls, or all, fail."""

    def __init__(self, client: Any, error: Callable[[str], Exception], *calls: str) -> None:
        self._client = client
        self._error = error
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        if name == "meta" or (self._calls and name not in self._calls):
            return getattr(self._client, name)

        def fail(**arguments: Any) -> None:
            raise self._error(name)

        return fail


def denied(name: str) -> ClientError:
    """Return the refusal of a call that the credentials do not allow."""
    return refusal("AccessDenied", name, "not authorized to perform this")
