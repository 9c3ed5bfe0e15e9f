"""The record of a run: what everything that it makes carries, whatever kills it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import pytest

from acceptance.record import BadRecord, begun, opened
from tests.acceptance.conftest import RECORD

RUN = asdict(RECORD)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a run that has ended."""
    with begun(RECORD, tmp_path / "run" / "run.json"):
        pass
    return tmp_path / "run" / "run.json"


def test_is_read_as_it_was_written(path: Path) -> None:
    """Return the run, with its mark in each name; never write over a record, nor open it twice."""
    with opened(path) as record, ExitStack() as stack:
        assert record == RECORD
        with pytest.raises(BadRecord, match="in use"):
            stack.enter_context(opened(path))
        with pytest.raises(FileExistsError):
            stack.enter_context(begun(RECORD, path.parent / "more" / ".." / "run.json"))
    assert all(RECORD.mark in name for place in RECORD.places.items() for name in place)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", '{"a": 1}', "\xff", json.dumps(RUN)[:-1]),
        *(json.dumps({**RUN, "run": run}) for run in ("media", "*" * 32, f"{RECORD.run}0", 5)),
    ],
)
def test_refuses_other_files(path: Path, text: str) -> None:
    """Refuse what is not a record, and a run whose mark something else could carry."""
    path.write_text(text)
    with pytest.raises(BadRecord, match="not the record"), opened(path):
        pass
    assert path.read_text() == text


def test_says_that_there_is_none(tmp_path: Path) -> None:
    """Name a file that is not there."""
    with pytest.raises(BadRecord, match="cannot be opened"), opened(tmp_path / "run.json"):
        pass
