"""Measure this package beside django-storages, for each kind of name that users have.

Prints what it found, says which figures are missed, and writes what users feel into
docs/benchmarks.md. Exits with 1 if a figure is missed.
"""

from __future__ import annotations

import math
import os
import platform
import statistics
import sys
import warnings
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from textwrap import fill
from typing import Any

from benchmarks import (
    classes,
    first_url,
    lists,
    playlists,
    rich_text,
    sites,
    urls,
    whole,
)
from cfsigned_django.rich_text import MAX_LENGTH

DOCS_PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
#: The page is written anew from here on; what stands before it was written by a person.
MARK = "<!-- Written by make bench from here on. -->\n"
#: The longest line of prose on a page, as scripts/english.py has it.
WIDTH = 100
#: How many times as many rounds, each so many times shorter, measure one URL. A signature and a
#: bare one differ by a hundredth: what the machine does meanwhile must hit both.
SHORTER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The tables that are printed, those of them for the page, and the figures that are missed."""

    printed: list[str] = field(default_factory=list)
    page: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def table(
        self, title: str, text: str, rows: Sequence[Sequence[str]], *, on_page: bool = False
    ) -> None:
        """Add a heading, what the table shows, and the table; its first row is the head."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        lines = [
            "| "
            + " | ".join(
                cell.rjust(width) if number else cell.ljust(width)
                for number, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            + " |"
            for row in (rows[0], rule, *rows[1:])
        ]
        part = "\n\n".join((f"## {title}", fill(text, WIDTH), "\n".join(lines)))
        self.printed.append(part)
        if on_page:
            self.page.append(part)

    def judge(self, what: str, shown: str, is_reached: bool, wanted: str) -> str:
        """Return the cell; note and mark it if it misses its figure."""
        if is_reached:
            return shown
        self.missed.append(f"{what}: {shown}, should be {wanted}")
        return f"**{shown}** missed"

    def text(self) -> str:
        """Return the tables for the page as Markdown, the missed figures of all before them."""
        points = (fill(f"- {each}", WIDTH, subsequent_indent="  ") for each in self.missed)
        missed = "\n".join(points)
        return "\n\n".join((*([f"## Missed figures\n\n{missed}"] if missed else []), *self.page))


def report_urls(report: Report, times: dict[str, dict[str, list[float]]]) -> None:
    """Add the time of one URL, and how it compares, for each kind of name."""
    titles = [each.title for each in urls.contenders()]
    rows = [["µs", *titles]]
    for kind, found in times.items():
        rows.append([kind, *(_microseconds(statistics.median(found[each])) for each in titles)])
    report.table(
        "One URL",
        "Median over all rounds. The columns of others are named; the rest is this package.",
        rows,
    )
    report_costs(report, times)


def report_costs(report: Report, times: dict[str, dict[str, list[float]]]) -> None:
    """Add what a URL costs beside an unsigned one, and a signature beside a bare one."""
    limits = {
        urls.KNOWN: 1.0,
        urls.OF_GROUP: 1.0,
        urls.FOLDER: 1.0,
        urls.PATTERN: 1.0,
        urls.BLOCK: 1.1,
    }
    rows = [["Times unsigned", *(f"{title} ({limit:.2f})" for title, limit in limits.items())]]
    for kind, found in times.items():
        row = [kind]
        for title, limit in limits.items():
            cost = urls.ratio(found[title], found[urls.UNSIGNED])
            case = f"{title}, {kind} names, beside an unsigned URL"
            shown = f"{math.ceil(cost * 100) / 100:.2f}"
            row.append(report.judge(case, shown, cost <= limit, f"at most {limit:.2f}"))
        rows.append(row)
    report.table(
        "A URL without a new signature",
        "How many times the *unsigned* `url()` of django-storages it takes. The figure to keep is "
        "in parentheses. A cell is the median of the ratios of all rounds.",
        rows,
    )
    least = {
        urls.OURS_ECDSA: (urls.BARE_ECDSA, 0.75),
        urls.OURS_RSA: (urls.BARE_RSA, 0.97),
    }
    rows = [
        ["Share of the bare rate", *(f"{who} ({part:.2f})" for who, (_, part) in least.items())]
    ]
    for kind, found in times.items():
        row = [kind]
        for who, (bare, part) in least.items():
            share = urls.ratio(found[bare], found[who])
            case = f"{who}, {kind} names, beside {bare}"
            shown = f"{math.floor(share * 100) / 100:.2f}"
            row.append(report.judge(case, shown, share >= part, f"at least {part:.2f}"))
        rows.append(row)
    report.table(
        "A URL with a new signature",
        "How many URLs are signed in the time of one bare signature of cryptography; that of ECDSA "
        "is deterministic, too. The figure to keep is in parentheses.",
        rows,
    )


def report_classes(report: Report, found: dict[str, dict[str, float]], *, names: int) -> None:
    """Add storage classes with a property, and with their own paths."""
    head = ["Class with", "unsigned, µs", "known, µs", "times unsigned"]
    rows = [[*head, f"signatures for {names:,} names, twice"]]
    for title, each in found.items():
        shown, signatures = f"{each['ratio']:.2f}", f"{each['signatures']:,.0f}"
        if title == classes.PROPERTY:
            shown = report.judge(f"a class with {title}", shown, each["ratio"] <= 2, "at most 2.00")
        is_least = each["signatures"] <= found[classes.FIXED]["signatures"]
        case = f"a class with {title}, signatures"
        signatures = report.judge(case, signatures, is_least, "as many as of others")
        costs = (_microseconds(each[which]) for which in ("unsigned", "known"))
        rows.append([title, *costs, shown, signatures])
    report.table(
        "Other storage classes",
        "A stable URL that is known, with Korean names, beside this package's `unsigned_url()` of "
        "the same class: of a class with a property, each call resolves its options again. The "
        "figures to keep are twice that, and no more signatures than with fixed options.",
        rows,
    )


def report_first(report: Report, found: dict[str, dict[str, Any]]) -> None:
    """Add the first URL of a process, for each kind of name."""
    rows = [
        [
            "First URL",
            "django-storages, RSA",
            "RSA",
            "ECDSA",
            "calls (58)",
            "files (12)",
            "next URL: calls (10)",
            "files (6)",
        ]
    ]
    for kind, each in found.items():
        row = [kind, *(f"{each[who] / 1000:.1f} ms" for who in ("theirs", "RSA", "ECDSA"))]
        limits = (("first", (58, 12)), ("next", (10, 6)))
        for which, most in limits:
            for number, limit, what in zip(each[which], most, ("calls", "files"), strict=True):
                case = f"{which} url(), {kind} names, {what}"
                row.append(report.judge(case, str(number), number <= limit, f"at most {limit}"))
        rows.append(row)
    report.table(
        "The first URL of a process, by kind of name",
        "Calls and files are those of this package, in `url()` alone, with an RSA key; the figure "
        "to keep is in parentheses.",
        rows,
    )
    who = {"django-storages, RSA": "theirs", "RSA": "RSA", "ECDSA": "ECDSA"}
    medians = {
        title: statistics.median(each[key] for each in found.values()) for title, key in who.items()
    }
    report.table(
        "The first URL of a process",
        "After the imports, in a fork, as a preforking server makes its workers. Most of the time "
        "is for reading the key.",
        [["First URL", "ms"], *([title, f"{us / 1000:.1f}"] for title, us in medians.items())],
        on_page=True,
    )


def report_playlists(report: Report, found: dict[str, dict[str, float]], *, segments: int) -> None:
    """Add what the playlist of a video takes."""
    rows = [[f"Playlist with {segments:,} segments", "ms", "signatures", "bytes"]]
    for title, each in found.items():
        shown, signatures = f"{each['ms']:.1f}", f"{each['signatures']:,.0f}"
        if playlists.EACH not in title:
            case = f"a playlist, {title}"
            is_one = each["signatures"] == 1
            signatures = report.judge(f"{case}, signatures", signatures, is_one, "1")
        if "plain" in title:
            shown = report.judge(case, f"{shown} ms", each["ms"] < 5, "under 5 ms")
        rows.append([title, shown.removesuffix(" ms"), signatures, f"{each['bytes']:,.0f}"])
    report.table(
        "A playlist",
        "`SignedPlaylistView`, from the request to the response, with the playlist on disk. A "
        "signature for each segment is `url(name)` in a loop.",
        rows,
        on_page=True,
    )


def report_rich_text(report: Report, found: dict[str, tuple[float, float]], *, length: int) -> None:
    """Add what it takes to sign the text of an editor: an article, and the slowest of the rest."""
    rows = [[f"Text of {length / 2**20:.2g} MB", "ms", "times half of it"]]
    slowest = sorted(found, key=lambda title: found[title], reverse=True)
    for title in (rich_text.ARTICLE, *[each for each in slowest if each != rich_text.ARTICLE][:4]):
        spent, of_half = found[title]
        shown = report.judge(f"text, {title}", f"{spent:.0f} ms", spent <= 200, "at most 200 ms")
        growth = report.judge(
            f"text, {title}, growth", f"{spent / of_half:.1f}", spent < 3 * of_half, "under 3"
        )
        rows.append([title, shown.removesuffix(" ms"), growth])
    report.table(
        "The text of an editor",
        "`sign_html()` with an ECDSA key: an article with as many pictures as are signed, and the "
        f"four slowest of {len(found) - 1} texts in which a hostile author repeats something. The "
        "figures to keep are 200 ms, and three times what half of the text takes.",
        rows,
    )


def report_lists(
    report: Report, found: dict[str, dict[str, dict[str, float]]], *, files: int
) -> None:
    """Add the lists and pages, and how they compare with unsigned URLs."""
    kinds = [*found[lists.UNSIGNED]]
    head = [f"{files:,} files, Korean names"]
    for kind in kinds:
        head += [f"{kind}, ms", "times unsigned"]
    rows = [head]
    for title, answers in found.items():
        row = [title]
        for kind, each in answers.items():
            shown = f"{each['ratio']:.2f}"
            if title == lists.WITH_CALLS and kind == lists.LIST:
                is_reached = each["ratio"] <= 1.2
                shown = report.judge(f"a list, {title}", shown, is_reached, "at most 1.20")
            row += [f"{each['ms']:,.1f}", shown]
        rows.append(row)
    report.table(
        "Lists and pages",
        "A list of Django REST framework with its JSON, and a page of Django's and of Jinja2's "
        "templates. Serializer and templates know nothing of this package, except in the last row. "
        "The figure to keep is 1.2 times the list with unsigned URLs, for a list with "
        "`signed_url()` in a block. A serializer that knows nothing of this package takes "
        "longer, as the second row shows: not to sign, but since the URLs are longer, and REST "
        "framework makes each absolute once more.",
        rows,
    )


def report_pages(report: Report, found: dict[str, dict[str, float]], *, images: int) -> None:
    """Add the page."""
    page = f"Page with {images:,} images"
    rows = [[page, "ms", "times as fast", "bytes", "bytes with gzip"]]
    for who, each in found.items():
        times = _times_as_fast(each["ratio"])
        rows.append([who, f"{each['ms']:,.1f}", times, f"{each['bytes']:,}", f"{each['gzip']:,}"])
    report.table(
        "A whole page",
        "A template with an `<img>` for each name: plain, Korean, long, with spaces and signs. The "
        "first three rows are `{{ photo.image.url }}`, the last one is `{% signed_url %}` within "
        "`{% signed_urls %}`.",
        rows,
        on_page=True,
    )


def _microseconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _times_as_fast(value: float) -> str:
    """Write a ratio rounded down, so that a figure that is just missed is not written as one."""
    places = 100 if value < 100 else 1
    return f"{int(value * places) / places:,.{2 if places == 100 else 0}f}"


def machine() -> str:
    """Return the day (UTC), the processor and the versions, as a list."""
    packages = ("django", "django-storages", "boto3", "cryptography")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    cores = os.cpu_count()
    return (
        f"- {datetime.now(UTC):%Y-%m-%d}, {_processor()}, {cores} cores, {platform.system()}\n"
        f"- Python {platform.python_version()}, {versions}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def measure(*, rounds: int, count: int, say: Callable[[str], object]) -> Report:
    """Measure everything; takes minutes at full scale."""
    report = Report()
    say("one URL of each kind of name ...")
    times = urls.measure(rounds=rounds * SHORTER, count=max(1, count // SHORTER))
    say("the first URL of a process ...")
    first = _first_urls(starts=max(1, rounds // 4))
    say("pages ...")
    images = count * 10
    pages = whole.measure_pages(rounds=max(1, rounds // 4), images=images)
    report_pages(report, pages, images=images)
    report_urls(report, times)
    names = count * 10
    report_classes(report, classes.measure(rounds=rounds, count=names), names=names)
    report_first(report, first)
    report_playlists(report, playlists.measure(rounds=rounds, segments=images), segments=images)
    length = min(MAX_LENGTH, count * MAX_LENGTH // 100)
    texts = rich_text.measure(rounds=min(rounds, 3), length=length)
    report_rich_text(report, texts, length=length)
    report_lists(report, lists.measure(rounds=max(1, rounds // 2), files=images), files=images)
    return report


def _first_urls(*, starts: int) -> dict[str, dict[str, Any]]:
    """Return the median time of a first URL, and calls and files of the first and the next."""
    names = {kind: sites.names(kind, 0, 2) for kind in sites.KINDS}
    ours, theirs = "cfsigned_django.storage.CloudFrontS3Storage", "storages.backends.s3.S3Storage"
    who = {"theirs": (sites.RSA, theirs), "RSA": (sites.RSA, ours), "ECDSA": (sites.ECDSA, ours)}
    times: dict[str, dict[str, list[float]]] = {kind: {each: [] for each in who} for kind in names}
    for _ in range(starts):
        for each, (key, backend) in who.items():
            found = first_url.measure(sites.settings_for(key), backend=backend, names=names)
            for kind in names:
                times[kind][each].append(found[kind]["first"])
    counted = first_url.measure(
        sites.settings_for(sites.RSA), backend=ours, names=names, counts=True
    )
    return {
        kind: {each: statistics.median(spent) for each, spent in times[kind].items()}
        | {"first": counted[kind]["first"], "next": counted[kind]["next"]}
        for kind in names
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the page; return 1 if a figure is missed."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="default: %(default)s")
    parser.add_argument("--names", type=int, default=100, help="per round; default: %(default)s")
    parser.add_argument("--no-write", action="store_true", help="leave docs/benchmarks.md as it is")
    options = parser.parse_args(arguments)
    # django-storages calls utcnow(), which is deprecated; printing that takes time.
    warnings.simplefilter("ignore", DeprecationWarning)
    report = measure(rounds=options.rounds, count=options.names, say=print)
    rounds, names = options.rounds, options.names
    scale = (
        f"- {rounds} rounds of {names} names; for one URL, {rounds * SHORTER} of "
        f"{names // SHORTER}, ten times as many of the quick"
    )
    print("", *report.printed, sep="\n\n")
    print("", *(f"missed: {each}" for each in report.missed), sep="\n")
    if not options.no_write:
        page = DOCS_PAGE.read_text(encoding="utf-8")
        written = f"{MARK}\n{machine()}\n{scale}\n\n{report.text()}\n"
        DOCS_PAGE.write_text(page.partition(MARK)[0] + written, encoding="utf-8")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
