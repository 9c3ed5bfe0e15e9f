"""Read the pages of the documentation: their texts, code blocks and tables."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import django
import pytest
from django.conf import global_settings, settings
from django.db.models import FileField, Model
from django.db.models.fields.files import FieldFile
from django.test import override_settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
#: What `make docs` writes.
BUILT = DOCS / "_build" / "html"
KOREAN = [ROOT / "README.ko.md", *sorted((DOCS / "ko").rglob("*.md"))]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(
        page
        for page in sorted(DOCS.rglob("*.md"))
        if page not in KOREAN and BUILT not in page.parents
    ),
]
HOW_TO = DOCS / "how-to"
#: The pages that rotate a key by commands, in the order in which a site does it.
ROTATION = [
    HOW_TO / "rotate-keys.md",
    HOW_TO / "rotate-by-command.md",
    HOW_TO / "rotate-by-scheduler.md",
    HOW_TO / "change-encryption-keys.md",
]
SCHEDULER = HOW_TO / "rotate-by-scheduler.md"
DEPLOY = HOW_TO / "deploy.md"
#: What the package says to people, as its Korean catalog has it.
CATALOG = ROOT / "cfsigned_django" / "locale" / "ko" / "LC_MESSAGES"
#: Roles of Python that is only compiled: what has the role "task" test_docs_rotation.py runs, "zip"
#: tests/libraries, "browser" tests/e2e, and the others are parts of files, for test_tutorial.py, or
#: about a model, for test_docs_recipes.py.
NOT_RUN = {
    *("browser", "compiles", "task", "link", "owner", "zip", "append", "cut", "paste", "write"),
}
#: All that a block of settings consists of.
_OF_SETTINGS = {ast.Assign, ast.AugAssign, ast.Import, ast.ImportFrom}
SNIPPET = re.compile(
    r"^(?:<!-- (?P<role>[a-z]+)(?: (?P<subject>[\w/.]+))? -->\n)?"
    r"```(?P<language>\S+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A code block, with the role that a comment before it gives it, and what that is about."""

    role: str | None
    subject: str | None
    language: str
    code: str


@functools.cache
def snippets(doc: Path) -> tuple[Snippet, ...]:
    """Return the code blocks of a page, in their order."""
    return tuple(Snippet(**found.groupdict()) for found in SNIPPET.finditer(read(doc)))


@contextmanager
def site_of(doc: Path, folder: Path = ROOT) -> Iterator[dict[str, Any]]:
    """Run the Python of a page as a site, under the settings and URLs that the page shows.

    Its settings stand below those that every project has, as in a file of settings in a folder.
    Yield what the page defines, while settings and URLs are in force.
    """
    apps = [each for each in settings.INSTALLED_APPS if each != "cfsigned_django"]
    lists = {name: getattr(settings, name) for name in ("MIDDLEWARE", "TEMPLATES")}
    given = {"BASE_DIR": folder, "INSTALLED_APPS": apps, **lists}
    names: dict[str, Any] = {"__name__": "page", **deepcopy(given)}
    with ExitStack() as stack:
        for snippet in snippets(doc):
            if snippet.language != "python" or snippet.role in NOT_RUN:
                continue
            exec(compile(snippet.code, doc.name, "exec"), names)  # noqa: S102 - our own pages
            if snippet.role == "settings":
                shown = {
                    name: value
                    for name, value in names.items()
                    if name.isupper() and value != given.get(name)
                }
                stack.enter_context(override_settings(**shown))
            if "urlpatterns" in names:
                urls = tuple(names["urlpatterns"])
                stack.enter_context(override_settings(ROOT_URLCONF=urls))
        yield names


def started_project() -> dict[str, Any]:
    """Return the settings that Django's startproject writes, by their names."""
    template = Path(django.__file__).parent / "conf" / "project_template" / "project_name"
    names: dict[str, Any] = {"__file__": str(ROOT / "mysite" / "settings.py")}
    exec((template / "settings.py-tpl").read_text("utf-8"), names)  # noqa: S102 - Django's own
    return names


def paste(block: str, names: dict[str, Any]) -> None:
    """Add a block to the end of settings, and assert that it takes nothing away from a list."""
    before = _lists(names)
    exec(compile(block, "settings", "exec"), names)  # noqa: S102 - our own pages
    after = _lists(names)
    kept = {name: [each for each in after[name] if each in before[name]] for name in before}
    assert kept == before, block


def _lists(names: dict[str, Any]) -> dict[str, list[str]]:
    """Return what a project needs as startproject has it, in this order, whatever comes to it."""
    storages = global_settings.STORAGES
    return {
        "INSTALLED_APPS": [*names["INSTALLED_APPS"]],
        "MIDDLEWARE": [*names["MIDDLEWARE"]],
        "TEMPLATES": [each["BACKEND"] for each in names["TEMPLATES"]],
        "STORAGES": [each for each in storages if each in names.get("STORAGES", storages)],
    }


def page_context() -> dict[str, Any]:
    """Return what the templates of the pages show."""
    field, instance = FileField(), cast("Model", None)

    def file(name: str) -> FieldFile:
        return FieldFile(instance, field, name)

    photo = SimpleNamespace(image=file("albums/42/001.jpg"), thumb=file("thumbs/1.jpg"))
    return {
        "article": SimpleNamespace(body='<img src="https://media.example.com/articles/1.jpg">'),
        "photo": photo,
        "photos": [photo],
        "album": SimpleNamespace(slug="42", photos=[photo]),
        "document": SimpleNamespace(file=file("report.pdf")),
        "course": SimpleNamespace(video=file("courses/42/all.mp4")),
    }


def settings_blocks(doc: Path) -> list[str]:
    """Return the Python that a page adds to settings, in its order."""
    found = []
    for snippet in snippets(doc):
        if snippet.language == "python" and snippet.role != "write":
            body = ast.parse(snippet.code).body
            if {type(each) for each in body} <= _OF_SETTINGS and re.search(
                r"^[A-Z_]+\b.* \+?= ", snippet.code, re.MULTILINE
            ):
                found.append(snippet.code)
    return found


def table(doc: Path, first_heading: str) -> list[list[str]]:
    """Read the cells of the table whose first column has this heading."""
    text = doc.read_text(encoding="utf-8")
    _, found, rest = text.partition(f"| {first_heading} |")
    assert found, f"{doc.name} has no table that begins with {first_heading}"
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def entries(po: str) -> list[tuple[str, str]]:
    """Return the originals and translations of a catalog's source."""
    found = re.findall(
        r'^msgid "(.+)"\n(?:msgid_plural ".*"\n)?msgstr(?:\[0\])? "(.*)"$', po, re.MULTILINE
    )
    return [(_unquoted(original), _unquoted(text)) for original, text in found]


def _unquoted(text: str) -> str:
    return text.replace('\\"', '"').replace("\\n", "\n")


def read(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


def each_of(pages: Sequence[Path]) -> pytest.MarkDecorator:
    """Run a test once for each page."""
    return pytest.mark.parametrize("doc", pages, ids=name_of)


def name_of(doc: Path) -> str:
    """Return the id of a page's cases."""
    return str(doc.relative_to(ROOT)).replace("/", "-")


def prose(doc: Path) -> str:
    """Return a page without its code blocks."""
    return SNIPPET.sub("", read(doc))
