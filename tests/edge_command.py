"""Run ``manage.py cfsigned_edge`` within a test, visit its edge and stop it."""

from __future__ import annotations

import io
import os
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.core.management import call_command

from tests.background import listens, wait_until


def fetch(url: str) -> tuple[int, bytes]:
    """Return status and body, of errors as well."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def run(at: int, visit: Callable[[], Any], **options: Any) -> tuple[Any, str, str]:
    """Run the command, visit its edge, stop it; return the visit's result and the output."""
    stdout, stderr = io.StringIO(), io.StringIO()
    over = threading.Event()

    def visit_and_stop() -> Any:
        wait_until(lambda: over.is_set() or listens(at), f"an edge at {at}")
        assert not over.is_set()
        try:
            return visit()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    # If the command is not there to take the signal, the test must fail, not the whole run.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ThreadPoolExecutor(1) as pool:
            visited: Future[Any] = pool.submit(visit_and_stop)
            try:
                call_command(
                    "cfsigned_edge", insecure=True, stdout=stdout, stderr=stderr, **options
                )
            finally:
                over.set()
        return visited.result(), stdout.getvalue(), stderr.getvalue()
    finally:
        signal.signal(signal.SIGTERM, before)
