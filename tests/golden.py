"""Compare what people read with the transcripts in tests/golden/, and with nothing else.

Tests hold on to ids, states and exit codes; only a transcript holds on to
words. To change words, rewrite the transcripts and read the difference.
"""

from __future__ import annotations

import os
from difflib import unified_diff
from pathlib import Path

import pytest

DIRECTORY = Path(__file__).parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """Fail, with the difference, if a text is not the transcript of that name.

    UPDATE_GOLDEN=1 writes the transcript instead. The caller replaces what
    differs between runs: ids, dates, ports, signatures.
    """
    __tracebackhide__ = True
    path = DIRECTORY / f"{name}.txt"
    text = text.rstrip("\n") + "\n"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        DIRECTORY.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    if text != expected:
        before, now = expected.splitlines(), text.splitlines()
        changes = "\n".join(unified_diff(before, now, path.name, "now", lineterm="", n=2))
        test = os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0]
        command = f"UPDATE_GOLDEN=1 .venv/bin/python -m pytest '{test}'"
        pytest.fail(f"{changes}\n\nTo accept these words:\n{command}", pytrace=False)
