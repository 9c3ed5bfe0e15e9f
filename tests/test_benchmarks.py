"""The benchmarks measure each kind of name, and say which figures are missed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import __main__ as program, sites


@pytest.mark.package
def test_a_short_run_prints_every_table_and_writes_the_page(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Print every kind of name, and write what users feel below what a person wrote."""
    page = tmp_path / "benchmarks.md"
    page.write_text(f"# By hand\n\n{program.MARK}\nold figures\n", encoding="utf-8")
    monkeypatch.setattr(program, "DOCS_PAGE", page)
    status = program.main(["--rounds", "1", "--names", "3"])
    printed, written = capsys.readouterr().out, page.read_text(encoding="utf-8")
    assert written.startswith(f"# By hand\n\n{program.MARK}")
    assert "old figures" not in written
    for kind in sites.KINDS:
        assert len(re.findall(rf"^\|\s*{re.escape(kind)}\s*\|", printed, re.MULTILINE)) >= 3
    for title in ("A whole page", "The first URL of a process", "A playlist"):
        assert written.count(f"## {title}\n") == printed.count(f"## {title}\n") == 1
    assert ("missed" in printed) == bool(status)
