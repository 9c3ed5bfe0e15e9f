"""The benchmarks measure each kind of name, and say which figures are missed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import __main__ as program, sites, urls

TABLES = ("One URL", "How it compares", "The first URL of a process")


def rows(text: str, title: str) -> dict[str, list[str]]:
    """Return the cells of the table below a heading, by the first cell of each row."""
    table = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {first: rest for first, *rest in cells}


def test_a_short_run_has_every_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Measure every kind of name, print it and write it below what a person wrote."""
    page = tmp_path / "benchmarks.md"
    page.write_text(f"# By hand\n\n{program.MARK}\nold figures\n", encoding="utf-8")
    monkeypatch.setattr(program, "DOCS_PAGE", page)
    status = program.main(["--rounds", "1", "--names", "3"])
    printed, written = capsys.readouterr().out, page.read_text(encoding="utf-8")
    assert written.startswith(f"# By hand\n\n{program.MARK}")
    assert "old figures" not in written
    for title in TABLES:
        assert set(sites.KINDS) < set(rows(printed, title))
        assert rows(printed, title) == rows(written, title)
        assert all(all(cells) for cells in rows(printed, title).values())
    contenders = [each.title for each in urls.contenders()]
    assert rows(printed, "One URL")["µs"] == contenders
    assert "one signature for all" in rows(printed, "A whole page")
    assert len(rows(printed, "Threads and memory")) == 6
    assert ("missed: " in printed) == ("missed |" in printed) == bool(status)


def test_a_missed_figure_is_said() -> None:
    """Name the figure, the kind of name, what was measured and what it should be."""
    titles = [each.title for each in urls.contenders()]
    times = {kind: {title: [100.0, 100.0] for title in titles} for kind in sites.KINDS}
    for found in times.values():
        found[urls.ONE_SIGNATURE] = found[urls.KNOWN] = [0.1, 0.1]
    times["Korean"][urls.OURS_ECDSA] = [150.0, 160.0]
    report = program.Report()
    program.report_urls(report, times)
    assert report.missed == [
        "ECDSA, Korean names, beside ECDSA signature alone: 0.64, should be at least 0.70"
    ]
    assert report.missed[0] in report.text()
    cells = rows(report.text(), "How it compares")
    assert [kind for kind, row in cells.items() if "**0.64** missed" in row] == ["Korean"]


def test_contenders_sign_the_same_names() -> None:
    """Give each contender the same names, and have each sign for the same address."""
    for kind in sites.KINDS:
        (name,) = sites.names(kind, 7, 1)
        signed = {
            each.title: str(each.work(name))
            for each in urls.contenders()
            if "alone" not in each.title
        }
        assert len({url.partition("?")[0] for url in signed.values()}) == 1
        unsigned = [title for title, url in signed.items() if not re.search("Signature=", url)]
        assert unsigned == [urls.UNSIGNED]
        (message,) = sites.messages([name])
        assert signed[urls.UNSIGNED].encode() in message
        assert len(sites.bare_signature(sites.RSA)(message)) == 256


def test_ratios_compare_round_by_round() -> None:
    """Let a slow moment of the machine count for nobody, and round no ratio up to a figure."""
    assert urls.ratio([20, 2000, 20], [10, 1000, 10]) == 2
    assert program._times_as_fast(0.6999) == "0.69"
    assert program._times_as_fast(799.9) == "799"
