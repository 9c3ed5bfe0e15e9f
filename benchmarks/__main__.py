"""Print how fast URLs are signed; exit with 1 where a target is not reached.

Names are all different, so nothing can be remembered from one URL to the next.
"""

from __future__ import annotations

import platform
import sys
import warnings
from argparse import ArgumentParser
from importlib.metadata import version

from django.conf import settings

from benchmarks.report import Target, targets_table, times_table
from benchmarks.rounds import measure


def main(arguments: list[str] | None = None) -> int:
    """Measure, print both tables, and return the exit status."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="default: %(default)s")
    parser.add_argument("--names", type=int, default=100, help="in a round; default: %(default)s")
    options = parser.parse_args(arguments)
    if not settings.configured:
        settings.configure(USE_TZ=True)
    # Of utcnow(), which django-storages calls, on Python 3.12 and newer: printing it costs time.
    warnings.simplefilter("ignore", DeprecationWarning)
    from benchmarks import contenders as made  # django-storages reads settings when it is imported

    targets = [
        Target(contender=made.OURS_RSA, than=made.DJANGO_STORAGES, at_least=1.0),
        Target(contender=made.OURS_RSA, than=made.BARE_SIGNATURE, at_most=0.03),
        Target(contender=made.OURS_ECDSA, than=made.DJANGO_STORAGES, at_least=12.0),
    ]
    names = made.plain_names(options.names)
    times = measure(made.make_contenders(names), names, rounds=options.rounds)
    table, all_reached = targets_table(times, targets)
    packages = ("django", "django-storages", "cryptography")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    print(f"Python {platform.python_version()}, {versions}; {platform.machine()}")
    print(f"{options.rounds} rounds of {options.names} names, in turns\n")
    print(f"{times_table(times)}\n\n{table}")
    return 0 if all_reached else 1


if __name__ == "__main__":
    sys.exit(main())
