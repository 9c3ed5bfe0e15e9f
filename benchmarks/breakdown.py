"""Say where the microseconds of one URL go, here and before a change, and write it down."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings

ROOT = Path(__file__).parents[1]
NOW = "now"
#: How many functions are shown: those with the most time of their own.
SHOWN = 12


def main(arguments: Sequence[str] | None = None) -> int:
    """Profile, print the tables, and write them unless told otherwise."""
    parser = ArgumentParser(prog="python -m benchmarks.breakdown", description=__doc__)
    parser.add_argument("--before", metavar="COMMIT", help="also profile the package as of then")
    parser.add_argument("--rounds", type=int, default=20, help="default: %(default)s")
    parser.add_argument("--names", type=int, default=500, help="in a round; default: %(default)s")
    parser.add_argument("--no-write", action="store_true", help="leave the documentation as it is")
    options = parser.parse_args(arguments)
    if not settings.configured:
        settings.configure(USE_TZ=True)
    from benchmarks import machine, page, report  # They read settings when they are imported.

    with _trees(options.before) as trees:
        found = profile(trees, rounds=options.rounds, names=options.names)
    tables = [("Microseconds of one URL", times_rows(found))]
    for when in found:
        title = f"What one RSA URL calls, {'as of ' if when != NOW else ''}{when}"
        tables.append((title, functions_rows(found[when]["RSA"])))
    for title, rows in tables:
        print(f"{title}\n\n{report.as_text(rows)}\n")
    if not options.no_write:
        lines = "\n".join(f"- {line}" for line in machine.describe())
        parts = [lines, *(f"**{title}**\n\n{report.as_markdown(rows)}" for title, rows in tables)]
        page.write_blocks({"profile": "\n" + "\n\n".join(parts) + "\n"})
    return 0


def profile(trees: Mapping[str, Path], *, rounds: int, names: int) -> dict[str, Any]:
    """Return what benchmarks/url_profile.py finds, by the name of the tree, in turns."""
    from benchmarks.keys import Keys

    made = Keys()
    keys = {"RSA": made.rsa.to_pem().decode(), "ECDSA": made.ecdsa.to_pem().decode()}
    turns: dict[str, list[Any]] = {when: [] for when in trees}
    for _ in range(min(rounds, 5)):
        for when, tree in trees.items():
            given = {
                "tree": str(tree),
                "keys": keys,
                "rounds": max(1, rounds // 5),
                "names": names,
            }
            turns[when].append(_run(tree, given))
    return {
        when: {kind: _middle([each[kind] for each in found]) for kind in keys}
        for when, found in turns.items()
    }


def _middle(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the medians of several processes, and the functions of the last one."""
    keys = ("url", "signature", "rest")
    times = {key: statistics.median(each[key] for each in found) for key in keys}
    return {**times, "functions": found[-1]["functions"]}


def _run(tree: Path, given: dict[str, Any]) -> Any:
    """Profile the package in a folder; -P keeps the script's own folder out of the imports."""
    done = subprocess.run(
        [sys.executable, "-P", Path(__file__).with_name("url_profile.py")],
        input=json.dumps(given),
        stdout=subprocess.PIPE,
        check=True,
        env={"PYTHONPATH": str(tree)},
        cwd=tree,
        encoding="utf-8",
    )
    return json.loads(done.stdout)


@contextmanager
def _trees(before: str | None) -> Iterator[dict[str, Path]]:
    """Return the folders to profile, by what they are called; those that are made go afterwards."""
    if before is None:
        yield {NOW: ROOT}
        return
    git = ["git", "-C", str(ROOT)]
    called = subprocess.check_output([*git, "rev-parse", "--short", before], text=True).strip()
    packed = subprocess.check_output([*git, "archive", before, "cfsigned_django"])
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder).resolve()
        with tarfile.open(fileobj=BytesIO(packed)) as archive:
            archive.extractall(tree, filter="data")
        yield {f"commit {called}": tree, NOW: ROOT}


def times_rows(found: Mapping[str, Any]) -> list[Sequence[str]]:
    """Return what a URL takes, and what of that is not the signature."""
    rows: list[Sequence[str]] = [
        ("Microseconds", "url()", "Signature alone", "All the rest", "Calls of functions")
    ]
    for when, kinds in found.items():
        for kind, each in kinds.items():
            calls = sum(function[1] for function in each["functions"])
            figures = [f"{each[key]:.1f}" for key in ("url", "signature", "rest")]
            rows.append([f"{kind}, {when}", *figures, f"{calls:.0f}"])
    return rows


def functions_rows(found: Mapping[str, Any]) -> list[Sequence[str]]:
    """Return the functions with the most time of their own, and the rest in one row."""
    rows: list[Sequence[str]] = [("Function", "Calls", "Own microseconds, profiled")]
    functions = found["functions"]
    for name, calls, own in functions[:SHOWN]:
        rows.append((f"`{name}`", f"{calls:.0f}", f"{own:.2f}"))
    others = functions[SHOWN:]
    if others:
        calls, own = sum(each[1] for each in others), sum(each[2] for each in others)
        rows.append((f"{len(others)} more", f"{calls:.0f}", f"{own:.2f}"))
    return rows


if __name__ == "__main__":
    sys.exit(main())
