"""Measure the first URL of a process: its time, and the calls and files of ours that it takes.

Run as a program, this file starts as a site does, and asks for two URLs in a fork of itself for
each kind of name. Standard input is JSON with the settings, the backend, two names for each kind,
and whether to count; standard output is JSON with the URL, `first` and `next` for each kind: in
microseconds, or [calls, files].
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[1]
# Before Python 3.12, a comprehension is a function of its own.
NOT_CALLS = ("<module>", "<listcomp>", "<dictcomp>", "<setcomp>")


def measure(
    settings: Mapping[str, Any],
    *,
    backend: str,
    names: Mapping[str, Sequence[str]],
    counts: bool = False,
) -> dict[str, dict[str, Any]]:
    """Start a process that signs two names of each kind; return what it says, by kind."""
    more = {
        "USE_TZ": True,
        "INSTALLED_APPS": ["cfsigned_django"] if backend.startswith("cfsigned") else [],
        "STORAGES": {"default": {"BACKEND": backend}},
    }
    asked = {"settings": {**settings, **more}, "backend": backend, "names": names, "counts": counts}
    done = subprocess.run(
        [sys.executable, "-P", __file__],
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        encoding="utf-8",
    )
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    assert all("Signature=" in each["url"] for each in found.values())
    return found


def main() -> None:
    """Import what a site imports, then ask for two URLs of each kind."""
    given = json.load(sys.stdin)
    warnings.simplefilter("ignore")
    import django
    from django.conf import settings
    from django.utils.module_loading import import_string

    settings.configure(**given["settings"])
    django.setup()
    import_string(given["backend"])
    found = {kind: _in_a_fork(names, given["counts"]) for kind, names in given["names"].items()}
    print(json.dumps(found))


def _in_a_fork(names: Sequence[str], counts: bool) -> Any:
    """Return what a fork finds, which has never made a URL before."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(writing, "w") as file:
            json.dump(_two_urls(names, counts), file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        answer = file.read()
    os.waitpid(child, 0)
    return json.loads(answer)


def _two_urls(names: Sequence[str], counts: bool) -> dict[str, Any]:
    from django.core.files.storage import storages

    # A fork copies each page of memory when it first writes to it: here, and not while it is timed.
    gc.collect()
    look: Callable[[Callable[[], str]], tuple[str, Any]] = _count if counts else _time
    if counts:
        storages["default"]  # what url() does is counted, not what makes the storage
        # Both URLs in one second, in which the site signs for the same moment.
        time.sleep(1.01 - time.time() % 1)
    url, first = look(lambda: storages["default"].url(names[0]))
    _, following = look(lambda: storages["default"].url(names[1]))
    return {"url": url, "first": first, "next": following}


def _time(work: Callable[[], str]) -> tuple[str, float]:
    began = time.process_time_ns()
    url = work()
    return url, (time.process_time_ns() - began) / 1000


def _count(work: Callable[[], str]) -> tuple[str, list[int]]:
    """Count the calls of functions of this package, and the files that they are in."""
    package = str(ROOT / "cfsigned_django") + os.sep
    files: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        is_call = event == "call" and code.co_name not in NOT_CALLS
        if is_call and code.co_filename.startswith(package):
            files.append(code.co_filename)

    sys.setprofile(note)
    try:
        url = work()
    finally:
        sys.setprofile(None)
    return url, [len(files), len(set(files))]


if __name__ == "__main__":
    main()
