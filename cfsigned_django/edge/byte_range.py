"""Read the Range header as S3 does: one range of bytes, or the whole object."""

from __future__ import annotations

import re
from dataclasses import dataclass

# No object has a size of more than 18 digits, and Python reads no number of more than 4300.
_SINGLE_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII)


class NotSatisfiable(Exception):
    """Report a range that begins behind the end of the object (416)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteRange:
    """Name the bytes from ``first`` to ``last``, both included, as HTTP counts them."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Return the number of bytes."""
        return self.last - self.first + 1

    def content_range(self, size: int) -> str:
        """Return the value of Content-Range for an object of ``size`` bytes."""
        return f"bytes {self.first}-{self.last}/{size}"


def parse_range(header: str, size: int) -> ByteRange | None:
    """Return the range that a viewer asked for; None stands for the whole object.

    A header that is not understood is ignored, and so is one with several
    ranges: "Amazon S3 doesn't support retrieving multiple ranges of data per
    GET request" (API_GetObject). Raise :exc:`NotSatisfiable` where no byte of
    the object is in the range.
    """
    match = _SINGLE_RANGE.fullmatch(header)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        suffix = min(int(match[2]), size)
        first, last = size - suffix, size - 1
    else:
        first, last = int(match[1]), int(match[2] or size - 1)
        if match[2] and last < first:
            return None
    if first >= size:
        raise NotSatisfiable
    return ByteRange(first=first, last=min(last, size - 1))
