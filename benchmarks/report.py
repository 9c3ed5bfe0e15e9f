"""Compare the times with what was promised, and print both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.rounds import Times


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """State how fast one contender shall be, measured by another.

    ``at_least`` is for how many times as fast it is, ``at_most`` for how much
    longer it takes, as a share.
    """

    contender: str
    than: str
    at_least: float | None = None
    at_most: float | None = None

    def describe(self, times: Mapping[str, Times]) -> tuple[str, str, bool]:
        """Return the target and the measured value in words, and whether it is reached."""
        longer = times[self.contender].ratio_to(times[self.than])
        if self.at_most is not None:
            share = longer - 1
            return f"at most +{self.at_most:.1%}", f"{share:+.1%}", share <= self.at_most
        assert self.at_least is not None
        faster = times[self.than].ratio_to(times[self.contender])
        return f"at least {self.at_least:.2f}x", f"{faster:.2f}x", faster >= self.at_least


def times_table(times: Mapping[str, Times]) -> str:
    """Return the median of each contender, and between which values half of its rounds lie."""
    rows = [("one URL", "median", "half of all rounds", "per second")]
    for title, each in times.items():
        low, high = each.spread
        rows.append(
            (
                title,
                f"{each.median:.1f} us",
                f"{low:.1f} - {high:.1f} us",
                f"{1e6 / each.median:,.0f}",
            )
        )
    return _table(rows)


def targets_table(times: Mapping[str, Times], targets: Sequence[Target]) -> tuple[str, bool]:
    """Return the table of targets, and whether all of them are reached."""
    rows = [("compared", "with", "target", "measured", "reached")]
    all_reached = True
    for target in targets:
        wanted, measured, is_reached = target.describe(times)
        answer = "yes" if is_reached else "NO"
        rows.append((target.contender, target.than, wanted, measured, answer))
        all_reached &= is_reached
    return _table(rows), all_reached


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows with their columns in line, the first row underlined."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_lines(rows, widths))


def _lines(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterator[str]:
    for number, row in enumerate(rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)
