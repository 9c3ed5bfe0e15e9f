"""Keep a secret out of sight that other code needs as text or bytes."""

from __future__ import annotations

from typing import Any, Self


class _Hidden:
    """Show nothing in a repr.

    A copy of a storage keeps the secret. A pickle does not: None comes out.
    """

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _forget, ()

    def __repr__(self) -> str:
        return "<hidden>"


class HiddenText(_Hidden, str):
    """Hold a secret that AWS's code, or django-storages', needs as text."""

    __slots__ = ()


class HiddenBytes(_Hidden, bytes):
    """Hold a secret that they need as bytes; its ``str()`` shows nothing either."""

    __slots__ = ()

    def __str__(self) -> str:
        return repr(self)


def _forget() -> None:
    """Stand in a pickle for what it shall not hold."""
