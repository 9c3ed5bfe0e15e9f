"""Make of the bytes of an input what a target needs: random choices, or a text."""

from __future__ import annotations

import random
from collections.abc import Sequence


class Dice(random.Random):
    """Choices that the bytes take, one after the other, and always the same ones after the last.

    What makes random cases for a test makes them for the fuzzer, too.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._left = iter(data)

    def getrandbits(self, k: int, /) -> int:
        """Return a number of this many bits."""
        number = 0
        for _ in range(0, k, 8):
            byte = next(self._left, None)
            number = number << 8 | (super().getrandbits(8) if byte is None else byte)
        return number & ((1 << k) - 1)

    def random(self) -> float:
        """Return a number from 0 to 1."""
        return self.getrandbits(8) / 256


def spell(data: bytes, tokens: Sequence[str]) -> str:
    """Return a text: a byte of ASCII is itself, and another one a token of the grammar."""
    return "".join(chr(each) if each < 128 else tokens[each % len(tokens)] for each in data)
