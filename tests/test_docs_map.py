"""Keep tests/README.md, which says where each module is tested, equal to the test files."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path

from tests.pages import ROOT, read

TESTS = ROOT / "tests"
PACKAGE = ROOT / "cfsigned_django"
MAP = TESTS / "README.md"
HEAD = """\
# Where a test goes

Add it to a file that tests the module. Each row is made from the test files: `tests/a/test_b.py`
tests `a/b.py`, and a line `Modules:` at the end of a file's docstring names what else it tests. To
renew this page: `UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/test_docs_map.py`.

## By module

| Module of `cfsigned_django/` | Test files |
|---|---|
"""
REST = """
## What is tested across modules

| Test file | What it does |
|---|---|
"""
HELPERS = """
## What tests share

Fixtures of all tests are in `conftest.py`, those of a folder in its own `conftest.py`. The package
of a folder (`__init__.py`) may have helpers, too.

| File | What it is for |
|---|---|
"""


def docstring(path: Path) -> str:
    """Return the docstring at the beginning of a file."""
    found = re.match(r'"""(.*?)"""', read(path), re.DOTALL)
    assert found, path
    return found[1].strip()


def modules_of(path: Path) -> list[str]:
    """Return what a test file tests: the module of its name, and those of its docstring."""
    mirrored = path.relative_to(TESTS).with_name(path.name.removeprefix("test_"))
    named = re.search(r"^Modules:((?:.|\n)+)", docstring(path), re.MULTILINE)
    found = re.findall(r"[^\s,]+", named[1]) if named else []
    return [str(mirrored), *found] if (PACKAGE / mirrored).is_file() else found


def is_helper(path: Path) -> bool:
    """Return whether a file holds what tests share."""
    return not path.name.startswith(("test_", "__init__", "conftest"))


def row(path: Path) -> str:
    """Return a row with the first line of a file's docstring."""
    return f"| {link(path)} | {docstring(path).splitlines()[0]} |\n"


def link(path: Path) -> str:
    """Return a link to a file of tests."""
    name = path.relative_to(TESTS)
    return f"[{name}]({name})"


def modules() -> set[str]:
    """Return the modules that must be tested: all but packages and migrations."""
    found = (path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
    return {
        str(each) for each in found if each.name != "__init__.py" and each.parts[0] != "migrations"
    }


def test_map() -> None:
    """Each module has a test file, each name is that of a module, and the page shows both."""
    by_module: dict[str, list[str]] = defaultdict(list)
    rest = ""
    for path in sorted(TESTS.rglob("test_*.py")):
        tested = modules_of(path)
        for module in dict.fromkeys(tested):
            by_module[module].append(link(path))
        if not tested:
            rest += row(path)
    helpers = "".join(row(path) for path in sorted(TESTS.rglob("*.py")) if is_helper(path))

    rows = (f"| `{each}` | {', '.join(by_module[each])} |\n" for each in sorted(by_module))
    page = f"{HEAD}{''.join(rows)}{REST}{rest}{HELPERS}{helpers}"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        MAP.write_text(page, encoding="utf-8")

    assert modules() - by_module.keys() == set(), "Name them in the docstring of a test file."
    assert [each for each in by_module if not (PACKAGE / each).exists()] == []
    assert read(MAP) == page, "Run this test again with UPDATE_GOLDEN=1."
