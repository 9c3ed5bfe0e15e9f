"""The tests of a module are where a reader looks for them first, or say which module they test."""

from __future__ import annotations

import re
from pathlib import Path

from tests.pages import ROOT, read

TESTS, PACKAGE = ROOT / "tests", ROOT / "cfsigned_django"
#: What is told across modules, in the rooms of the package; folders without a room are stories.
STORIES = {"admin/test_translation.py"}


def modules_of(path: Path) -> set[str]:
    """Return what a file tests: the module of its name, and those of its docstring."""
    mirrored = path.relative_to(TESTS).with_name(path.name.removeprefix("test_"))
    own = {str(mirrored)} if (PACKAGE / mirrored).is_file() else set()
    named = re.match(r'""".*?^Modules:(.*?)"""', read(path), re.DOTALL | re.MULTILINE)
    return own | set(re.findall(r"[^\s,]+", named[1]) if named else ())


def test_each_module_has_tests() -> None:
    """Each module has a file of its name, or one whose docstring names it at its end."""
    files = {path.relative_to(TESTS): modules_of(path) for path in TESTS.rglob("test_*.py")}
    tested = set().union(*files.values())
    modules = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py" and path.parent.name != "migrations"
    }
    in_rooms = {
        str(name) for name in files if len(name.parts) > 1 and (PACKAGE / name.parts[0]).is_dir()
    }

    assert modules - tested == set(), "Name them in the docstring of a test file."
    assert [each for each in tested if not (PACKAGE / each).exists()] == []
    assert {name for name in in_rooms if not files[Path(name)]} == STORIES
