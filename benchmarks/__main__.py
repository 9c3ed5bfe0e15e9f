"""Measure this package side by side with what people use today, and compare with the targets.

Everything runs in turns, in one process where it is Python, with the same
names and the same RSA key. Exits with 1 where a target is missed. Writes the
figures into docs/benchmarks.md, and the plot beside it.
"""

from __future__ import annotations

import sys
import warnings
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from benchmarks.targets import Finding


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print all tables, write them unless told otherwise; return the exit status."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="default: %(default)s")
    parser.add_argument("--names", type=int, default=100, help="in a round; default: %(default)s")
    parser.add_argument("--no-write", action="store_true", help="leave the documentation as it is")
    options = parser.parse_args(arguments)
    if not settings.configured:
        settings.configure(USE_TZ=True)
    # Of utcnow(), which django-storages calls, on Python 3.12 and newer: printing it costs time.
    warnings.simplefilter("ignore", DeprecationWarning)
    # django-storages reads settings when it is imported
    from benchmarks import contenders, machine, page, report, results, targets

    found = results.run(results.Scale(rounds=options.rounds, names=options.names))
    findings = targets.find(found)
    tables = list(report.all_tables(found, findings))
    scale = f"{options.rounds} rounds of {options.names} names, in turns"
    quick = f"{options.names * contenders.LOTS} for one URL that takes less than 50 µs"
    lines = [*machine.describe(), f"{scale}; {quick}."]
    print("\n".join(lines))
    for _, title, rows in [*tables[1:], tables[0]]:
        print(f"\n{title}\n\n{report.as_text(rows)}")
    if not options.no_write:
        page.write(found, tables, lines)
    return tell_missed(findings)


def tell_missed(findings: Sequence[Finding]) -> int:
    """Print which targets are missed, and return the exit status."""
    missed = [each for each in findings if not each.is_reached]
    for each in missed:
        print(f"\nmissed: {each.case}: {each.measured}, and it should be {each.wanted}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
