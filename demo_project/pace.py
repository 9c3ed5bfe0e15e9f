"""How long the demo waits where a real site waits for minutes and days.

The rules are those of a real rotation; only the numbers are small, so that one can watch it. What
they must keep: the edge knows a change before a key may sign by it, so `propagation` is longer
than `edge` and the second between two looks of the edge.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Self

LINK_VARIABLE = "CFSIGNED_DEMO_LINK_SECONDS"
# The shortest has room for the links of ten seconds that a file's page makes.
_SHORTEST, _LONGEST = 15, 7 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Waits of the demo, in seconds."""

    #: How long a link lives, at most and by default.
    link: int = 90
    #: How long after a change of the key group the edge goes by it.
    edge: int = 3
    #: How long a key must have worked before it signs.
    propagation: int = 8
    #: How long a process signs with a key before it looks which one is ACTIVE.
    keyring: int = 3
    #: By how much clocks may differ; here there is one.
    clock_skew: int = 1

    @classmethod
    def from_environment(cls) -> Self:
        """Return the pace, with links of `CFSIGNED_DEMO_LINK_SECONDS` where that is set."""
        text = os.environ.get(LINK_VARIABLE, "")
        if not text:
            return cls()
        if not (text.isascii() and text.isdecimal() and _SHORTEST <= int(text) <= _LONGEST):
            raise SystemExit(
                f"{LINK_VARIABLE} is {text!r}: whole seconds from {_SHORTEST} to {_LONGEST} are "
                "wanted."
            )
        return cls(link=int(text))
