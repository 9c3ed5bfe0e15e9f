"""Play the same cases with the first edition and with this code, and compare what they answer.

usage: python -m tests.differential.compare [--urls N] [--accounts N] [--schedules N] [--seed N]

The first edition is unpacked from git into .cache/ and gets an environment of its own. A difference
that the design asks for has a rule below, and is counted; any other one is shown, and the exit
status is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from tests.ministack_server import run_ministack

COMMIT = "9fc0551"
ROOT = Path(__file__).parents[2]
FIRST = ROOT / ".cache" / "first-edition"
#: How many differences without a rule are shown.
SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A difference that the design asks for: ``applies`` gets a case and both answers."""

    name: str
    applies: Callable[[str, Any, Any], bool]


RULES: dict[str, tuple[Rule, ...]] = {
    "urls": (
        Rule(
            name="a resource with nothing before its first * needs allow_any_resource",
            applies=lambda case, before, now: now == "ValueError" and "'resource': '*" in case,
        ),
        Rule(
            name="an option may only lower AWS_CLOUDFRONT_MAX_EXPIRE",
            applies=lambda case, before, now: (
                now == "ImproperlyConfigured" and "'max_expire'" in case
            ),
        ),
        Rule(
            name="an option expire_step lets no URL outlive AWS_CLOUDFRONT_MAX_EXPIRE and its step",
            applies=lambda case, before, now: (
                now in ("ImproperlyConfigured", "ValueError")
                and "'AWS_CLOUDFRONT_MAX_EXPIRE': 600" in case
            ),
        ),
        Rule(
            name="a pickle holds what the constructor was given, and nothing that was assigned",
            applies=lambda case, before, now: "'pickled': True" in case,
        ),
    ),
    "plans": (),
    "schedules": (),
}


def unpack_first_edition() -> Path:
    """Return the folder of the first edition, with its environment; make both if needed."""
    python = FIRST / ".venv" / "bin" / "python"
    if not python.exists():
        FIRST.mkdir(parents=True, exist_ok=True)
        archive = subprocess.Popen(["git", "archive", COMMIT], cwd=ROOT, stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", FIRST], stdin=archive.stdout, check=True)
        if archive.wait():
            raise SystemExit(f"Commit {COMMIT} is not in this clone; fetch the whole history.")
        subprocess.run(["scripts/venv.sh", "--group", "test"], cwd=FIRST, check=True)
    return python


def play(player: str, *words: str, with_emulator: bool = False) -> tuple[list[Any], list[Any]]:
    """Return what the first edition and this code answer, played side by side."""
    script = str(ROOT / "tests" / "differential" / f"{player}.py")
    answers: list[list[Any]] = []
    with ExitStack() as stack:
        running = []
        for python, folder in ((unpack_first_edition(), FIRST), (Path(sys.executable), ROOT)):
            extra: list[str] = []
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            if with_emulator:
                extra = [stack.enter_context(run_ministack(directory)).endpoint_url]
            output = stack.enter_context((directory / "answers").open("w+"))
            process = subprocess.Popen(
                [str(python), script, *words[:2], *extra, *words[2:]],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(folder)},
                stdout=output,
                stderr=subprocess.DEVNULL,
            )
            running.append((process, output))
        for process, output in running:
            if process.wait():
                raise SystemExit(f"{player} ended with {process.returncode}")
            output.seek(0)
            answers.append([json.loads(line) for line in output])
    return answers[0], answers[1]


def differences(before: list[Any], now: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield each case with the two answers, where these differ."""
    if len(before) != len(now):
        raise SystemExit(f"{len(before)} answers of the first edition, {len(now)} of this code")
    for one, other in zip(before, now, strict=True):
        if one["answer"] != other["answer"]:
            yield one["case"], one["answer"], other["answer"]


def compare(kind: str, before: list[Any], now: list[Any]) -> int:
    """Print how the answers differ; return how many do so without a rule."""
    counted: Counter[str] = Counter()
    unexpected = []
    for case, one, other in differences(before, now):
        for rule in RULES[kind]:
            if rule.applies(case, one, other):
                counted[rule.name] += 1
                break
        else:
            unexpected.append((case, one, other))
    print(f"{kind}: {len(before)} compared, {len(unexpected)} differ without a rule")
    for name, count in counted.items():
        print(f"  {count} by rule: {name}")
    for case, one, other in unexpected[:SHOWN]:
        place = _first_difference(one, other)
        print(f"  {case}, place {place}")
        print(f"    first edition: {one[max(0, place - 2) :]!s:.400}")
        print(f"    this code:     {other[max(0, place - 2) :]!s:.400}")
    return len(unexpected)


def _first_difference(one: Any, other: Any) -> int:
    """Return the number of the first letter, or the first event, in which the answers differ."""
    pairs = enumerate(zip(one, other, strict=False))
    shorter = min(len(one), len(other))
    return next((number for number, (left, right) in pairs if left != right), shorter)


def main() -> int:
    """Compare URLs, plans and schedules."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--urls", type=int, default=100_000)
    parser.add_argument("--accounts", type=int, default=60)
    parser.add_argument("--schedules", type=int, default=500)
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    found = 0
    with tempfile.TemporaryDirectory() as directory:
        key_file = Path(directory) / "key.pem"
        key_file.write_bytes(PrivateKey.generate(KeyAlgorithm.RSA_2048).to_pem())
        seed, key = options.seed, str(key_file)
        found += compare("urls", *play("play_urls", str(options.urls), seed, key))
        plans = play("play_plans", str(options.accounts), seed, key, with_emulator=True)
        found += compare("plans", *plans)
        found += compare("schedules", *play("play_schedules", str(options.schedules), seed))
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
