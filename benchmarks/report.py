"""Put what was measured into tables, for the terminal and for the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.memory import Memory
from benchmarks.results import Group, Results
from benchmarks.sizes import Size
from benchmarks.targets import Finding, as_ratio

Rows = list[Sequence[str]]


def targets_rows(findings: Sequence[Finding]) -> Rows:
    """Return the targets, and which of them are reached."""
    rows: Rows = [("Case", "Compared with", "Target", "Measured", "Reached")]
    for each in findings:
        answer = "yes" if each.is_reached else "NO"
        rows.append((each.case, each.compared_with, each.wanted, each.measured, answer))
    return rows


def group_rows(group: Group) -> Rows:
    """Return the median of each contender, and between which values half of its rounds lie."""
    head = [f"One {group.thing}", "Median", "Half of all rounds"]
    if group.by_fastest:
        head.append("Fastest round")
    rows: Rows = [[*head, "Per second", f"Times as fast as {group.base}"]]
    for title, each in group.times.items():
        low, high = each.spread
        cells = [title, duration(each.median), f"{duration(low)} to {duration(high)}"]
        if group.by_fastest:
            cells.append(duration(each.fastest))
        per_second = 1e6 / (each.fastest if group.by_fastest else each.median)
        often = f"{per_second:,.0f}" if per_second >= 10 else f"{per_second:.1f}"
        rows.append([*cells, often, as_ratio(group.ratio(group.base, title))])
    empty = [""] * len(head)  # Two more cells than the head has here, and two that are filled.
    rows.extend([title, f"not run: {why}", *empty] for title, why in group.not_run.items())
    return rows


def sizes_rows(sizes: Mapping[str, Size], links: int) -> Rows:
    """Return the length of a URL and the weight of a page, in bytes."""
    page = f"Page of {links:,} links"
    rows: Rows = [("Bytes", "One URL", page, f"{page}, with gzip")]
    for title, each in sizes.items():
        rows.append((title, f"{each.url:,}", f"{each.page:,}", f"{each.compressed:,}"))
    return rows


def memory_rows(memory: Memory) -> Rows:
    """Return what the remembered URLs take, in bytes."""
    return [
        ("Bytes", f"{memory.size:,} remembered URLs"),
        ("a URL, with all that is kept for it", f"{memory.per_url:,.0f}"),
        ("the text of the URL alone", f"{memory.url_length:,.0f}"),
        ("over its own length", f"{memory.over_length:,.0f}"),
        ("all of them", f"{memory.bytes_full:,}"),
        ("after twice as many names", f"{memory.bytes_after:,}"),
        ("a signed resource, over the length of a URL", f"{memory.resource_over_length:,.0f}"),
    ]


def all_tables(results: Results, findings: Sequence[Finding]) -> Iterator[tuple[str, str, Rows]]:
    """Yield key, title and rows of each table."""
    yield "targets", "Targets", targets_rows(findings)
    for key, group in results.groups.items():
        yield key, group.title, group_rows(group)
    yield "sizes", "What a browser fetches", sizes_rows(results.sizes, results.scale.images)
    yield "memory", "What a process remembers", memory_rows(results.memory)


def duration(microseconds: float) -> str:
    """Write a time with three digits or more."""
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{_three_digits(microseconds / size)} {unit}"
    return f"{_three_digits(microseconds)} µs"


def _three_digits(value: float) -> str:
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{decimals}f}"


def as_text(rows: Rows) -> str:
    """Return the rows with their columns in line, the first row underlined."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_lines(rows, widths))


def _lines(rows: Rows, widths: Sequence[int]) -> Iterator[str]:
    for number, row in enumerate(rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


def as_markdown(rows: Rows) -> str:
    """Return the rows as a table of Markdown."""
    head, *others = rows
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *others]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
