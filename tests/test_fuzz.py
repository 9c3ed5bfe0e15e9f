"""Run the targets of fuzz/ without Atheris: over their seeds, and over random inputs.

Modules: rich_text.py
"""

from __future__ import annotations

import importlib
import random
from pathlib import Path

import pytest

CORPUS = Path(__file__).parent.parent / "fuzz" / "corpus"


@pytest.mark.parametrize("folder", sorted(CORPUS.iterdir()), ids=lambda folder: folder.name)
def test_targets(folder: Path) -> None:
    """Each invariant holds for each seed, and for 100 random inputs."""
    check = importlib.import_module(f"fuzz.{folder.name}").check
    chosen = random.Random(folder.name)
    for data in [seed.read_bytes() for seed in sorted(folder.iterdir())]:
        check(data)
        for _ in range(25):
            check(data[: chosen.randrange(len(data))] + chosen.randbytes(40) + data)
