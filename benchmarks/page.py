"""Write the figures into the documentation, between comments that say which goes where."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import plot, report
from benchmarks.results import Results

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "benchmarks.md"
PLOT = DOCS / "images" / "benchmarks.svg"

_BLOCK = re.compile(r"<!-- measured: ([a-z]+) -->\n.*?<!-- end -->", re.DOTALL)


def fill(text: str, blocks: Mapping[str, str]) -> str:
    """Return the page with these blocks in it; others stay as they are.

    Raise :exc:`KeyError` where the page has no place for one of them.
    """
    missing = blocks.keys() - set(_BLOCK.findall(text))
    if missing:
        raise KeyError(f"The page has no place for {', '.join(sorted(missing))}.")

    def block(found: re.Match[str]) -> str:
        key = found[1]
        if key not in blocks:
            return found[0]
        return f"<!-- measured: {key} -->\n{blocks[key]}\n<!-- end -->"

    return _BLOCK.sub(block, text)


def blocks_of(
    tables: Sequence[tuple[str, str, report.Rows]], machine: Sequence[str]
) -> dict[str, str]:
    """Return what goes into the page, by the names of its places."""
    blocks = {key: f"\n**{title}**\n\n{report.as_markdown(rows)}\n" for key, title, rows in tables}
    return blocks | {"machine": "\n" + "\n".join(f"- {line}" for line in machine) + "\n"}


def write(
    results: Results, tables: Sequence[tuple[str, str, report.Rows]], machine: Sequence[str]
) -> None:
    """Write the tables and the plot."""
    write_blocks(blocks_of(tables, machine))
    PLOT.write_text(plot.draw(results), encoding="utf-8")


def write_blocks(blocks: Mapping[str, str]) -> None:
    """Write some of the blocks into the page."""
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), blocks), encoding="utf-8")
