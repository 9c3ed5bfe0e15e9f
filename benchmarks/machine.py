"""Say on what was measured: the machine, the versions, the day."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks import javascript

PACKAGES = (
    *("django", "django-storages", "boto3", "botocore", "cryptography"),
    "cloudfront-signed-cookies",
)


def describe(now: datetime | None = None) -> list[str]:
    """Return lines that name the machine, the versions and the day (UTC)."""
    day = (now or datetime.now(UTC)).strftime("%Y-%m-%d")
    cores = os.cpu_count() or 1
    return [
        f"{day}, {_processor()}, {cores} core{'s' if cores > 1 else ''}, "
        f"{platform.system()} ({platform.machine()})",
        f"{platform.python_implementation()} {platform.python_version()}, {_versions()}",
    ]


def _versions() -> str:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return ", ".join(f"{name} {number}" for name, number in (found | javascript.versions()).items())


def _processor() -> str:
    """Return the name of the processor, which only Linux tells in full."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    for line in text.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "an unknown processor"
