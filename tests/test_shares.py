"""Several workers run every test file, each file once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.plugins_shares import pytest_configure, pytest_ignore_collect

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_each_file_has_one_worker(workers: int) -> None:
    """Each test file is run by one of the workers, and other files are left to pytest."""
    files = [*ROOT.joinpath("tests").rglob("test_*.py")]
    run = Counter[Path]()
    for number in range(workers):
        worker = {"workerid": f"gw{number}", "workercount": workers}
        config: Any = SimpleNamespace(rootpath=ROOT, stash=pytest.Stash(), workerinput=worker)
        pytest_configure(config)
        run.update(path for path in files if not pytest_ignore_collect(path, config))
        assert not pytest_ignore_collect(ROOT / "tests" / "conftest.py", config)

    assert run == Counter(files)
