"""Keep the tables and the picture of the documentation equal to what the code has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from django.core.management import find_commands, load_command_class
from django.core.management.base import DjangoHelpFormatter

from cfsigned_django import conf, validation as checks
from tests.pages import ARCHITECTURE, PAGES, ROOT, read, snippets, table

COMMANDS = sorted(find_commands(str(ROOT / "cfsigned_django" / "management")))


def package_modules() -> set[str]:
    """Name the modules and packages directly under cfsigned_django that hold Python."""
    package = ROOT / "cfsigned_django"
    paths = {path.relative_to(package) for path in package.rglob("*.py")}
    return {path.parts[0].removesuffix(".py") for path in paths} - {"__init__"}


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


def test_architecture_page_shows_the_import_rule() -> None:
    """The layers on the page are those that are enforced, as far as they exist."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    rule = [
        [name for name in re.findall(r"\w+", layer) if name in package_modules()]
        for layer in layers
    ]

    shown = [snippet.code for snippet in snippets(ARCHITECTURE)]

    assert "".join(" | ".join(names) + "\n" for names in rule if names) in shown


def test_architecture_page_shows_every_module() -> None:
    """The picture names each module and package, and none that is not there."""
    picture = next(snippets(ARCHITECTURE)).code

    assert set(re.findall(r"^  (\w+)", picture, re.MULTILINE)) == package_modules()


def test_architecture_page_names_the_modules_of_the_admin() -> None:
    """What the page says of admin/ names each of its modules."""
    modules = {path.name for path in (ROOT / "cfsigned_django" / "admin").glob("*.py")}

    assert modules - {"__init__.py"} <= set(re.findall(r"`(\w+\.py)`", read(ARCHITECTURE)))
