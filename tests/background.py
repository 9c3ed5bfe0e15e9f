"""Run programs beside the tests, and stop them by their process ids."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import urllib3

#: How long anything may take before a test fails, in seconds: far longer than it does.
PATIENCE = 90.0


def free_port() -> int:
    """Return a port that nothing listens on."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return different free ports; all are held until the last one is found."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def listens(port: int) -> bool:
    """Return whether something listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def opens(url: str) -> bool:
    """Return whether a server has a page at the URL."""
    try:
        return fetch(url)[0] == 200
    except OSError:
        return False


def fetch(url: str) -> tuple[int, bytes]:
    """Return status and body, of errors as well."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def send_to(method: str, url: str, **content: Any) -> urllib3.BaseHTTPResponse:
    """Send fields or a body as a browser does, and return the answer."""
    return urllib3.request(method, url, **content, retries=False, timeout=PATIENCE)


def wait_until(is_so: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Return as soon as something is so; fail with ``what`` was awaited at the deadline."""
    deadline = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience:.0f} s in vain: {what}")
        time.sleep(0.05)


@contextmanager
def running(
    command: Sequence[str],
    *,
    is_ready: Callable[[], object],
    log: Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    user: int | None = None,
    stop_with: signal.Signals = signal.SIGTERM,
) -> Iterator[None]:
    """Run a server for the duration of the block, as another user if one is given."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user,
            extra_groups=None if user is None else [],
        )
    try:
        wait_until(lambda: process.poll() is not None or is_ready(), command[0])
        if process.poll() is not None:
            raise RuntimeError(f"{command} ended:\n{log.read_text(errors='replace')[-2000:]}")
        yield
    finally:
        process.send_signal(stop_with)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def repeating(action: Callable[[], object], *, every: float) -> Iterator[None]:
    """Do something again and again, beside the block, with a pause in seconds before each time."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(every):
            action()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def plain_environment() -> dict[str, str]:
    """Return this process's variables without the AWS and Django settings of this machine."""
    hidden = ("AWS_", "DJANGO_", "CFSIGNED_", "PYTEST_", "GUNICORN_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
