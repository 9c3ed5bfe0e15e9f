"""Say why a call failed and what to do next: one row of the tables of explanations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: What to do where nothing but time is needed.
AGAIN: Final = "Try again in a minute: what was done is found, not done twice."


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a call failed and what to do next.

    ``{permission}``, ``{code}``, ``{host}`` and ``{detail}`` are filled in.
    ``is_temporary``: waiting alone may help. ``shows_detail``: AWS's own text
    helps, and repeats no secret.
    """

    reason: str
    next_step: str
    is_temporary: bool = False
    shows_detail: bool = False
