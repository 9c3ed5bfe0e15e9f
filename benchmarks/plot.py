"""Draw how many URLs each signs in a second, as an SVG that needs no other file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from html import escape

from benchmarks.keys import THEIRS
from benchmarks.results import Results
from benchmarks.rounds import Times
from benchmarks.targets import as_ratio

WIDTH = 760
#: Where bars begin and end; left of them are the titles, right of them the figures.
LEFT, RIGHT = 280, 630
TOP, ROW, BAR = 64, 30, 18

# A background of its own, and both sets of colours: legible whatever the page looks like.
STYLE = """
  .paper { fill: #ffffff } .ink { fill: #1f2328 } .faint { fill: #59636e }
  .grid { stroke: #d1d9e0 } .ours { fill: #0969da } .others { fill: #8c959f }
  .figure { stroke: #ffffff }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #131416 } .ink { fill: #e6edf3 } .faint { fill: #9da7b3 }
    .grid { stroke: #3d444d } .ours { fill: #4493f8 } .others { fill: #6e7681 }
    .figure { stroke: #131416 }
  }
  text { font: 13px system-ui, sans-serif }
  .figure { paint-order: stroke; stroke-width: 5px }
  .title { font-size: 15px; font-weight: 600 }
"""


def draw(results: Results) -> str:
    """Return the plot of one URL by each contender; the scale is logarithmic."""
    times = results.groups["url"].times
    height = TOP + ROW * len(times) + 36
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="title">',
            '<title id="title">URLs in a second, by who signs them</title>',
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>',
            '<text class="ink title" x="16" y="28">URLs in a second</text>',
            f'<text class="faint" x="16" y="48">on one core, logarithmic; '
            f"in brackets: times as many as {escape(THEIRS)}</text>",
            *_grid(times, height),
            *_bars(times),
            "</svg>\n",
        ]
    )


def _decades(times: Mapping[str, Times]) -> tuple[int, int]:
    rates = [1e6 / each.median for each in times.values()]
    return math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)))


def _place(rate: float, decades: tuple[int, int]) -> float:
    low, high = decades
    return LEFT + (RIGHT - LEFT) * (math.log10(rate) - low) / max(1, high - low)


def _grid(times: Mapping[str, Times], height: int) -> Iterator[str]:
    decades = _decades(times)
    for exponent in range(decades[0], decades[1] + 1):
        x = _place(10**exponent, decades)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{height - 28}"/>'
        yield (
            f'<text class="faint" x="{x:.1f}" y="{height - 12}" text-anchor="middle">'
            f"{_in_words(10**exponent)}</text>"
        )


def _in_words(number: int) -> str:
    # Zeros of a million and of ten millions would run into one another.
    return f"{number:,}" if number < 10**6 else f"{number // 10**6:,} million"


def _bars(times: Mapping[str, Times]) -> Iterator[str]:
    decades, base = _decades(times), times[THEIRS]
    for number, (title, each) in enumerate(times.items()):
        y, rate = TOP + ROW * number + (ROW - BAR) / 2, 1e6 / each.median
        end = _place(rate, decades)
        whose = "ours" if title.startswith("cfsigned_django") else "others"
        label = f"{rate:,.0f} ({as_ratio(base.ratio_to(each))})"
        yield (
            f'<text class="ink" x="{LEFT - 10}" y="{y + 13.5}" text-anchor="end">'
            f"{escape(title)}</text>"
        )
        yield (
            f'<rect class="{whose}" x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" '
            f'height="{BAR}" rx="3"/>'
        )
        yield f'<text class="ink figure" x="{end + 8:.1f}" y="{y + 13.5}">{label}</text>'
