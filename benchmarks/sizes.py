"""Count what a browser has to fetch: the length of a URL, and the weight of a page of them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.contenders import BOTOCORE, PRESIGNED, signing_turns
from benchmarks.keys import HIT, OURS, OURS_ECDSA, REUSE, THEIRS, Keys, names_of_round


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Hold the length of one URL and the weight of a page of links, in bytes."""

    url: int
    page: int
    compressed: int


def measure_sizes(keys: Keys, *, links: int) -> dict[str, Size]:
    """Return the sizes by who signs, for the same names."""
    signers: dict[str, Callable[[str], Any]] = {
        turn.title: turn.work for turn in signing_turns(keys, names=1)
    }
    wanted = (THEIRS, BOTOCORE, PRESIGNED, OURS, OURS_ECDSA, REUSE, HIT)
    return {title: _size(signers[title], links) for title in wanted}


def _size(url: Callable[[str], str], links: int) -> Size:
    urls = [url(name) for name in names_of_round(0, links)]
    page = "".join(f'<img src="{each.replace("&", "&amp;")}" alt="">\n' for each in urls).encode()
    return Size(url=len(urls[0]), page=len(page), compressed=len(gzip.compress(page, 6)))
