"""Run programs beside the tests, and stop them by their process ids."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

#: How long anything may take before a test fails, in seconds: far longer than it does.
PATIENCE = 90.0


def wait_until(is_so: Callable[[], object], what: str, *, seconds: float = PATIENCE) -> None:
    """Return as soon as something is so; fail with ``what`` was awaited at the deadline."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.05)


@contextmanager
def running(
    command: Sequence[str],
    *,
    log: Path,
    folder: Path,
    environment: Mapping[str, str],
    user: int | None = None,
    stop_with: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program for the duration of the block, as another user if one is given."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user,
            extra_groups=None if user is None else [],
        )
    try:
        yield process
    finally:
        _stop(process, stop_with)


def _stop(process: subprocess.Popen[bytes], stop_with: signal.Signals) -> None:
    """Ask a process to end, and end it where it does not."""
    process.send_signal(stop_with)
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def plain_environment() -> dict[str, str]:
    """Return this process's variables without the AWS and Django settings of this machine."""
    hidden = ("AWS_", "DJANGO_", "CFSIGNED_", "PYTEST_", "GUNICORN_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
