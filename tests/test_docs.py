"""Keep what the documentation says equal to what the code does."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from configparser import RawConfigParser
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.core.management import find_commands, load_command_class
from django.core.management.base import DjangoHelpFormatter
from django.db.models import FileField, Model
from django.db.models.fields.files import FieldFile
from django.template import Context, Template
from django.test import override_settings
from pytest_django import Settings

from cfsigned_django import checks, conf
from cfsigned_django.management.commands import cfsigned_rotate
from cfsigned_django.signing import PrivateKey

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
ROTATE_KEYS = ROOT / "docs" / "rotate-keys.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
COMMANDS = sorted(find_commands(str(ROOT / "cfsigned_django" / "management")))
SNIPPET = re.compile(
    r"^(?:<!-- (?P<role>[a-z]+) -->\n)?```(?P<language>\S+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)

#: Roles of Python that is compiled here; what has the role "task" test_docs_rotation.py runs.
NOT_RUN = {"compiles", "task"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A code block, with the role that a comment before it gives it."""

    role: str | None
    language: str
    code: str


def snippets(doc: Path) -> Iterator[Snippet]:
    """Find the code blocks of a page, in their order."""
    for found in SNIPPET.finditer(doc.read_text(encoding="utf-8")):
        yield Snippet(**found.groupdict())


def table(doc: Path, first_heading: str) -> list[list[str]]:
    """Read the cells of the table whose first column has this heading."""
    text = doc.read_text(encoding="utf-8")
    _, found, rest = text.partition(f"| {first_heading} |")
    assert found, f"{doc.name} has no table that begins with {first_heading}"
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def package_modules() -> set[str]:
    """Name the modules and packages directly under cfsigned_django that hold Python."""
    package = ROOT / "cfsigned_django"
    paths = {path.relative_to(package) for path in package.rglob("*.py")}
    return {path.parts[0].removesuffix(".py") for path in paths} - {"__init__"}


def languages(doc: Path) -> set[str]:
    """Name the languages of a page's code blocks."""
    return {snippet.language for snippet in snippets(doc)}


@pytest.fixture
def site(settings: Settings, monkeypatch: pytest.MonkeyPatch, rsa_key: PrivateKey) -> None:
    """Set what the pages take for granted: a site that signs, and its key in the environment."""
    pem = rsa_key.to_pem().decode()
    monkeypatch.setenv("CLOUDFRONT_PRIVATE_KEY", pem)
    settings.AWS_CLOUDFRONT_KEY = pem
    settings.AWS_CLOUDFRONT_KEY_ID = "K2JCJMDEHXQW5F"
    settings.AWS_S3_CUSTOM_DOMAIN = "media.example.com"
    settings.STORAGES = {"default": {"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}}


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    "doc", [doc for doc in PAGES if "python" in languages(doc)], ids=lambda doc: doc.name
)
def test_python_of_a_page_runs(doc: Path) -> None:
    """The Python of a page runs under the settings that the page shows, its tests included."""
    names: dict[str, Any] = {}
    with ExitStack() as stack:
        for snippet in snippets(doc):
            if snippet.language != "python" or snippet.role in NOT_RUN:
                continue
            exec(compile(snippet.code, doc.name, "exec"), names)  # noqa: S102 - our own pages
            if snippet.role == "settings":
                shown = {name: value for name, value in names.items() if name.isupper()}
                stack.enter_context(override_settings(**shown))
        for name, value in names.items():
            if name.startswith("test_"):
                value()
    assert names


@pytest.mark.parametrize("doc", PAGES, ids=lambda doc: doc.name)
def test_what_is_to_be_copied_can_be_read(doc: Path) -> None:
    """JSON and unit files parse, and Python that is not run compiles."""
    for snippet in snippets(doc):
        if snippet.language == "json":
            json.loads(snippet.code)
        elif snippet.language == "ini":
            assert read_unit(snippet).sections()
        elif snippet.role in NOT_RUN:
            compile(snippet.code, doc.name, "exec")


def read_unit(snippet: Snippet) -> RawConfigParser:
    """Read a unit file; two equal keys in it are an error."""
    unit = RawConfigParser(delimiters=["="])
    unit.read_string(snippet.code)
    return unit


def test_iam_policy_allows_what_is_called() -> None:
    """The policy has the permissions that the code names for its calls, each and no other."""
    shown = next(each.code for each in snippets(ROTATE_KEYS) if each.language == "json")
    (statement,) = json.loads(shown)["Statement"]
    sources = (
        ROOT / "cfsigned_django" / "aws" / name for name in ("public_keys.py", "key_groups.py")
    )
    called = re.findall(r'"(cloudfront:\w+)"', "".join(map(read, sources)))

    assert len(called) == len(statement["Action"])
    assert set(called) == set(statement["Action"])


def read(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


def test_systemd_knows_that_75_is_no_failure() -> None:
    """The unit runs the command, and takes its exit code for "not yet" as success."""
    service, timer = (read_unit(each) for each in snippets(ROTATE_KEYS) if each.language == "ini")

    assert service["Service"]["ExecStart"].endswith("manage.py cfsigned_rotate --max-age 90d")
    assert service["Service"]["SuccessExitStatus"] == str(cfsigned_rotate.NOT_YET)
    assert timer["Timer"]["OnCalendar"]


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    "doc", [doc for doc in PAGES if "html+django" in languages(doc)], ids=lambda doc: doc.name
)
def test_templates_of_a_page_sign(doc: Path) -> None:
    """Each template of a page renders, with a signed URL in it."""
    field, instance = FileField(), cast("Model", None)
    context = {
        "photo": SimpleNamespace(image=FieldFile(instance, field, "albums/42/001.jpg")),
        "document": SimpleNamespace(file=FieldFile(instance, field, "report.pdf")),
    }

    rendered = [
        Template(snippet.code).render(Context(context))
        for snippet in snippets(doc)
        if snippet.language == "html+django"
    ]

    assert all("Signature=" in text for text in rendered)


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


def test_readme_is_short() -> None:
    """The README fits in 150 lines; the rest is in the documentation."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("doc", PAGES, ids=lambda doc: doc.name)
def test_links_between_files_lead_somewhere(doc: Path) -> None:
    """Every relative link of a page names a file that is there."""
    text = SNIPPET.sub("", read(doc))
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)|\{image\} (\S+)", text)
    targets = [link or image for link, image in targets]

    assert [target for target in targets if not (doc.parent / target).exists()] == []


def test_every_image_is_shown() -> None:
    """No picture lies in the documentation that no page shows."""
    pages = "".join(map(read, PAGES))
    images = sorted((ROOT / "docs" / "images").iterdir())

    assert [path.name for path in images if f"images/{path.name}" not in pages] == []
