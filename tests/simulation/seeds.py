"""Remember for each mutation the seed of a schedule that shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

_FILE = Path(__file__).with_name("seeds.json")


def read_seeds() -> dict[str, int]:
    """Return the seeds by the names of their mutations."""
    seeds: dict[str, int] = json.loads(_FILE.read_text(encoding="utf-8"))
    return seeds


def write_seeds(seeds: Mapping[str, int]) -> None:
    """Write them all."""
    _FILE.write_text(json.dumps(seeds, indent=2, sort_keys=True) + "\n", encoding="utf-8")
