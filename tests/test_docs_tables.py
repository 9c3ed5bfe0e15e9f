"""Keep the tables and the picture of the documentation equal to what the code has."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.core.management import find_commands, load_command_class
from django.core.management.base import DjangoHelpFormatter

from cfsigned_django import conf, validation as checks
from tests.pages import ARCHITECTURE, PAGES, ROOT, read, snippets, table

COMMANDS = sorted(find_commands(str(ROOT / "cfsigned_django" / "management")))


#: What lies directly in the package: modules and packages, and the packages among them.
PACKAGES = {path.parent.name for path in (ROOT / "cfsigned_django").glob("*/__init__.py")}
MODULES = PACKAGES | {path.stem for path in (ROOT / "cfsigned_django").glob("*.py")} - {"__init__"}


def test_settings_table_is_what_conf_reads() -> None:
    """The table has one row for each setting, with its option and its default."""
    rows = table(ROOT / "docs" / "settings.md", "Setting")

    shown = {setting: (option, default) for setting, option, default, _ in rows}

    assert shown == {
        f"`{setting}`": (f"`{option}`", f"`{default!r}`".replace("'", '"'))
        for option, (setting, default) in conf.OPTIONS.items()
    }


def test_table_of_rotation_is_what_conf_reads() -> None:
    """The table has the settings in seconds with their defaults, and whatever else conf reads."""
    rows = table(ROOT / "docs" / "settings.md", "Setting of rotation")

    shown = {setting.strip("`"): default.strip("`") for setting, default, _ in rows}
    others = set(re.findall(r"AWS_CLOUDFRONT_\w+", read(ROOT / "cfsigned_django" / "conf.py")))
    others -= {setting for setting, _ in conf.OPTIONS.values()}

    assert conf.ROTATION_SECONDS.items() <= {
        (setting, int(default)) for setting, default in shown.items() if default.isdigit()
    }
    assert set(shown) == others


@pytest.mark.parametrize("doc", PAGES, ids=lambda doc: doc.name)
def test_options_that_are_named_exist(doc: Path) -> None:
    """What a page passes to a command, the command takes."""
    for command, rest in re.findall(r"(cfsigned_[a-z]+)((?: [^`\n|>#]*)?)", read(doc)):
        if command in COMMANDS:
            known = load_command_class("cfsigned_django", command).create_parser("", command)
            named = re.findall(r"(?<=\s)--[a-z][a-z-]*", rest)
            assert [each for each in named if each not in known._option_string_actions] == []


def test_checks_table_is_what_checks_say() -> None:
    """The table has one row for each check id, with the remedy that the check gives."""
    rows = table(ROOT / "docs" / "checks.md", "Id")

    shown = {check_id.strip("`"): remedy for check_id, _, remedy in rows}

    assert shown == checks.TABLE


@pytest.mark.parametrize("command", COMMANDS)
def test_options_are_what_the_command_takes(command: str) -> None:
    """Each command has a table of its arguments, with the texts of its --help."""
    rows = table(ROOT / "docs" / "commands.md", f"`{command}`")
    parser = load_command_class("cfsigned_django", command).create_parser("manage.py", command)
    of_every_command = {"--help", *DjangoHelpFormatter.show_last}
    options = {
        f"{[action.dest, *action.option_strings][-1]} {action.metavar or ''}".strip(): action.help
        for action in parser._actions
        if not of_every_command & set(action.option_strings)
    }

    assert {option.strip("`"): meaning for option, meaning in rows} == options


def layers_of(rows: Iterable[str]) -> list[set[str]]:
    """Return the names in each layer, the top first; planned ones, in parentheses, are left out."""
    names = (
        {name for name in re.findall(r"\w+", row) if name in MODULES or f"({name})" not in row}
        for row in rows
    )
    return [each for each in names if each]


def enforced_layers() -> list[set[str]]:
    """Return the layers that import-linter enforces on what lies directly in the package."""
    project = tomllib.loads(read(ROOT / "pyproject.toml"))
    (contract,) = (
        each
        for each in project["tool"]["importlinter"]["contracts"]
        if each["type"] == "layers" and each.get("containers") == ["cfsigned_django"]
    )
    return layers_of(contract["layers"])


def shown_layers() -> list[set[str]]:
    """Return the layers of the page: those of the one block that holds names, ``|`` and ``>`` only.

    ``>`` or, without it, the end of a line stands between two layers.
    """
    rule = re.compile(r"[\w\s|>()]+\|[\w\s|>()]+")
    (block,) = (each.code for each in snippets(ARCHITECTURE) if rule.fullmatch(each.code))
    return layers_of(block.split(">") if ">" in block else block.splitlines())


def test_architecture_page_shows_the_import_rule() -> None:
    """The layers on the page are those that are enforced, and hold what is there."""
    shown = shown_layers()

    assert shown == enforced_layers()
    assert set().union(*shown) <= MODULES


def test_architecture_page_describes_every_package() -> None:
    """The page names each package, and no folder and no file that is not there."""
    folders = ("benchmarks", "cfsigned_django", "demo_project", "docs", "tests")
    paths = [each for folder in folders for each in (ROOT / folder, *(ROOT / folder).rglob("*"))]
    there = {f"/{path.relative_to(ROOT)}{'/' if path.is_dir() else ''}" for path in paths}
    named = set(re.findall(r"(?<![\w/.-])(?:(?:\w+/)*\w+\.py|(?:\w+/)+(?!\w))", read(ARCHITECTURE)))

    assert {f"{name}/" for name in PACKAGES} <= named
    assert [name for name in named if not any(each.endswith(f"/{name}") for each in there)] == []
