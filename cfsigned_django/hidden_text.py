"""Keep a secret out of sight that other code needs as text."""

from __future__ import annotations

from typing import Any, Self


class HiddenText(str):
    """Hold a secret that AWS's code needs as text; a repr shows nothing of it.

    A copy of a storage keeps it. A pickle does not: None comes out.
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


def _forget() -> None:
    """Stand in a pickle for what it shall not hold."""
