"""Measure what this package adds to the start of a process: importing a storage, and the app.

Each start is a process of its own, with compiled modules at hand. Processor time and loaded modules
count; the starts of all take turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]

_APPS = ("admin", "auth", "contenttypes", "messages", "sessions")
_SITE = """
from django.conf import settings
settings.configure(INSTALLED_APPS={apps}, SECRET_KEY="benchmark" * 6)
import django
django.setup()
"""
_DJANGO = [f"django.contrib.{each}" for each in _APPS]
_TIMED = """
import sys, time
began = time.process_time_ns()
{work}
print((time.process_time_ns() - began) / 1e6, len(sys.modules))
"""
THEIR_STORAGE = "import storages.backends.s3"
OUR_STORAGE = "from cfsigned_django.storage import CloudFrontS3Storage"
WITHOUT_APP = "django.setup() with django.contrib.admin"
WITH_APP = "... and with cfsigned_django"
WORK = {
    THEIR_STORAGE: _SITE.format(apps=[]) + THEIR_STORAGE,
    OUR_STORAGE: _SITE.format(apps=[]) + OUR_STORAGE,
    WITHOUT_APP: _SITE.format(apps=_DJANGO),
    WITH_APP: _SITE.format(apps=[*_DJANGO, "cfsigned_django"]),
}


def measure(*, starts: int) -> dict[str, list[tuple[float, int]]]:
    """Return the milliseconds and the loaded modules of each start, by its kind."""
    found: dict[str, list[tuple[float, int]]] = {title: [] for title in WORK}
    for title in (OUR_STORAGE, WITH_APP):  # They import all that the others do, and compile it.
        _start(WORK[title])
    for _ in range(starts):
        for title, work in WORK.items():
            found[title].append(_start(work))
    return found


def compare(
    found: dict[str, list[tuple[float, int]]],
    ours: str,
    theirs: str,
    by: Callable[[float, float], float],
) -> float:
    """Return the median of what compares two starts that followed one another."""
    pairs = zip(found[ours], found[theirs], strict=True)
    return statistics.median(by(a, b) for (a, _), (b, _) in pairs)


def _start(work: str) -> tuple[float, int]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", _TIMED.format(work=work)],
        stdout=subprocess.PIPE,
        check=True,
        env=environment,
        encoding="utf-8",
    )
    spent, modules = done.stdout.split()
    return float(spent), int(modules)
