"""Keep what the documentation says equal to what the code does."""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.files.storage import default_storage
from django.core.management import find_commands, load_command_class
from django.core.management.base import CommandParser
from django.template import Context, Template
from django.test import override_settings

from cfsigned_django.core import validation
from cfsigned_django.management.commands import cfsigned_rotate
from cfsigned_django.signing import HashAlgorithm, PrivateKey, Signer
from cfsigned_django.templatetags.cfsigned import register
from docs.entries import SETTINGS, print_findings, print_settings
from tests.golden import DIRECTORY as GOLDEN
from tests.pages import (
    DEPLOY,
    DOCS,
    HOW_TO,
    KOREAN,
    NOT_RUN,
    PAGES,
    ROOT,
    SCHEDULER,
    Snippet,
    each_of,
    page_context,
    paste,
    prose,
    read,
    settings_blocks,
    site_of,
    snippets,
    started_project,
    table,
)
from tests.signing.cases import BODIES, MESSAGES
from tests.storage_cases import KEY_ID, S3_BACKEND

ARCHITECTURE = DOCS / "architecture.md"
REFUSED = DOCS / "problems" / "403.md"
FINDINGS = DOCS / "problems" / "findings.md"
WITH_KOREAN = [*PAGES, *KOREAN]


each_page = each_of(PAGES)
each_page_with_korean = each_of(WITH_KOREAN)


def pages_in(language: str) -> pytest.MarkDecorator:
    """Run a test once for each page with code in the language that runs."""
    found = [
        doc
        for doc in PAGES
        if any(each.language == language and each.role not in NOT_RUN for each in snippets(doc))
    ]
    return each_of(found)


# Code


@pytest.fixture
def signing_site(site: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set what the pages take for granted: a site that signs, its key in environment and folder."""
    monkeypatch.setenv("CLOUDFRONT_PRIVATE_KEY", site.AWS_CLOUDFRONT_KEY)
    key_file = tmp_path / "cloudfront.pem"
    key_file.write_text(site.AWS_CLOUDFRONT_KEY)
    key_file.chmod(0o600)
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}


@pages_in("python")
@pytest.mark.django_db  # A storage with a key group asks the database for its key.
def test_python_of_a_page_runs(doc: Path, signing_site: None, tmp_path: Path) -> None:
    """The Python of a page runs under the settings that the page shows, its tests included."""
    with site_of(doc, tmp_path) as names:
        for name, value in names.items():
            if name.startswith("test_"):
                value()
    assert names


@each_of([each for each in WITH_KOREAN if settings_blocks(each)])
def test_settings_of_a_page_can_be_pasted(doc: Path) -> None:
    """At the end of the settings of a new project, they take nothing away that Django needs."""
    asked = re.findall(r"os\.environ\[\"(\w+)\"\]", read(doc))
    with mock.patch.dict(os.environ, dict.fromkeys(asked, "from the environment")):
        names = started_project()
        for block in settings_blocks(doc):
            paste(block, names)


def test_settings_to_paste_are_those_of_one_page() -> None:
    """What the README says to paste is what the page about the installation says, in both."""
    install, *readmes = (
        ast.dump(ast.parse(settings_blocks(doc)[0].replace("ap-northeast-2", "eu-central-1")))
        for doc in (HOW_TO / "install.md", ROOT / "README.md", ROOT / "README.ko.md")
    )
    assert readmes == [install, install]


@each_of([HOW_TO / "install.md", ROOT / "README.md", ROOT / "README.ko.md"])
def test_a_page_uploads_the_file_that_it_opens(doc: Path) -> None:
    """The first file that a reader opens is there: the page has a command that saves it."""
    [check] = [each.code for each in snippets(doc) if "cfsigned_sign" in each.code]
    [code] = re.findall(r'shell -c "([^"]+)"', check.replace("\n> ", "\n"))
    [name] = re.findall(r"cfsigned_sign (\S+)\)", check)
    in_memory = {"BACKEND": "cfsigned_django.testing.InMemorySignedStorage"}
    with override_settings(STORAGES={"default": in_memory}):
        exec(code)  # noqa: S102 - our own pages
        assert default_storage.exists(name)


@pages_in("html+django")
@override_settings(ROOT_URLCONF="tests.cookies.test_middleware")
def test_templates_of_a_page_sign(doc: Path, signing_site: None) -> None:
    """Each template of a page renders, with a URL in it, which is signed if its tag says so."""
    for snippet in snippets(doc):
        if snippet.language == "html+django":
            text = Template(snippet.code).render(Context(page_context()))
            assert "https://" in text or "/media/refresh/" in text
            assert ("Signature=" in text) == bool(re.search("signed_(url|html)", snippet.code))


@each_page
def test_what_is_to_be_copied_can_be_read(doc: Path) -> None:
    """JSON and unit files parse, and Python that is not run compiles, also that after a diff."""
    for snippet in snippets(doc):
        if snippet.language == "json":
            json.loads(snippet.code)
        elif snippet.language == "ini":
            assert read_unit(snippet).sections()
        elif snippet.language == "diff":
            kept = [line[1:] for line in snippet.code.splitlines() if line[:1] != "-"]
            compile("\n".join(kept), doc.name, "exec")
        elif snippet.language == "python" and snippet.role in NOT_RUN:
            compile(snippet.code, doc.name, "exec")


def read_unit(snippet: Snippet) -> RawConfigParser:
    """Read a unit file; two equal keys in it are an error."""
    unit = RawConfigParser(delimiters=["="])
    unit.read_string(snippet.code)
    return unit


def test_systemd_knows_that_75_is_no_failure() -> None:
    """The unit runs the command, and takes its exit code for "not yet" as success."""
    service, timer = (read_unit(each) for each in snippets(SCHEDULER) if each.language == "ini")
    assert service["Service"]["ExecStart"].endswith("manage.py cfsigned_rotate --max-age 90d")
    assert service["Service"]["SuccessExitStatus"] == str(cfsigned_rotate.NOT_YET)
    assert timer["Timer"]["OnCalendar"]


@pytest.mark.parametrize(
    ("doc", "command", "code", "mail"),
    [
        (SCHEDULER, "cfsigned_rotate --max-age", 0, ""),
        (SCHEDULER, "cfsigned_rotate --max-age", 75, ""),
        (SCHEDULER, "cfsigned_rotate --max-age", 1, "cfsigned_rotate failed: see"),
        (DEPLOY, "cfsigned_doctor --object", 0, ""),
        (DEPLOY, "cfsigned_doctor --object", 1, "cfsigned_doctor found an error: see"),
    ],
)
def test_cron_mails_only_failures(
    tmp_path: Path, doc: Path, command: str, code: int, mail: str
) -> None:
    """The job of a page has the environment of the site, and prints something if it fails."""
    (line,) = re.findall(r"^ *\*/\d+ \* \* \* \* (.*)$", read(doc), re.MULTILINE)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    asked = f"[ \"$SECRET_KEY $1 $2 $3\" = 'a b$&(# manage.py {command}' ]"
    python.write_text(f"#!/bin/sh\n{asked} || exit 2\nexit {code}\n")
    python.chmod(0o755)
    (tmp_path / "site.env").write_text("SECRET_KEY='a b$&(#'\n")
    for shown, here in (("/srv/site", "."), ("/etc", "."), ("/var/log/site", ".")):
        line = line.replace(shown, str(tmp_path / here))

    done = subprocess.run(
        ["/bin/sh", "-c", line], env={}, capture_output=True, text=True, check=False
    )

    assert (done.stdout[: len(mail)], done.stderr) == (mail, "")
    assert bool(done.stdout) == bool(mail)


# What CloudFront answers, and how long URLs are


def test_answers_are_cloudfronts() -> None:
    """Each code has a heading with CloudFront's words, and a body is CloudFront's to the byte."""
    bodies = set(re.findall(r"^<\?xml.*?</Error>$", "".join(map(read, WITH_KOREAN)), re.MULTILINE))
    headings = re.findall(r"^## (\w+)(?: of CloudFront)?: (.*)$", read(REFUSED), re.MULTILINE)

    assert MESSAGES.items() <= {*headings}
    assert bodies
    assert bodies <= {each.decode() for each in BODIES.values()}


def test_lengths_of_signatures(rsa_key: PrivateKey, ec_key: PrivateKey) -> None:
    """The table has what a signature adds to a URL; with ECDSA, a URL is about half as long."""
    url = "https://media.example.com/albums/42/001.jpg"
    keys, signed = {"RSA 2048": rsa_key, "ECDSA P-256": ec_key}, {}
    for title, lengths in table(DOCS / "explanation" / "how-a-signed-url-works.md", "Key"):
        name, hash_name = title.split(", ")
        hash_algorithm = HashAlgorithm(hash_name.replace("-", ""))
        signer = Signer(key_pair_id=KEY_ID, private_key=keys[name], hash_algorithm=hash_algorithm)
        signed[title] = len(signer.sign_url(url, date_less_than=2_000_000_000))
        assert str(signed[title] - len(url)) in lengths.split(" or ")

    assert len(signed) == 3
    assert 0.4 < signed["ECDSA P-256, SHA-256"] / signed["RSA 2048, SHA-1"] < 0.6


# Entries of settings, checks and commands

#: What cfsigned_setup reads: their defaults are not ours.
OF_DJANGO_STORAGES = {"AWS_STORAGE_BUCKET_NAME", "AWS_S3_REGION_NAME", "AWS_LOCATION"}
COMMANDS = sorted(find_commands(str(ROOT / "cfsigned_django" / "management")))


@functools.cache
def parser_of(command: str) -> CommandParser:
    """Return what reads the arguments of a command."""
    return load_command_class("cfsigned_django", command).create_parser("manage.py", command)


def test_settings_are_what_conf_reads() -> None:
    """Each setting and option has one entry, which ends in the default of its row."""
    page = DOCS / "reference" / "settings.md"
    entries = re.findall(r"^:+\{confval\} (\w+)$", print_settings(read(page)), re.MULTILINE)

    missing = [each for each in SETTINGS if entries.count(each) != 1]
    assert missing == [], f"Give each one entry in {page.relative_to(ROOT)}."
    assert {*entries} - {*SETTINGS} == OF_DJANGO_STORAGES
    assert ":default: '`\"https:\"`'\n:option: 'url_protocol'\n" in print_settings(read(page))


def of_reference(name: str, pattern: str) -> list[str]:
    """Return what a pattern finds on a page of the reference, in order of the alphabet."""
    return sorted(re.findall(pattern, read(DOCS / "reference" / f"{name}.md"), re.MULTILINE))


def test_pages_of_the_reference_leave_nothing_out() -> None:
    """They have each check, each command with its options, each tag and each logger, once."""
    sources = "".join(map(read, (ROOT / "cfsigned_django").rglob("*.py")))
    loggers = {*re.findall(r'getLogger\("(.*?)"\)', sources)}

    for page, pattern, there in (
        ("checks", r"^### (.+)$", validation.TABLE),
        ("commands", r"^## `(\w+)`$", COMMANDS),
        ("commands", r"^```\{options\} (\w+)$", COMMANDS),
        ("templates", r"^\| `\{% (\w+) %\}` \|", register.tags),
        ("loggers", r"^\| `([\w.]+)` \|", loggers),
    ):
        found = of_reference(page, pattern)
        assert found == sorted(there), f"Edit docs/reference/{page}.md: one line for each."


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_an_example(command: str) -> None:
    """The help of each command ends with arguments that the command takes."""
    parser = parser_of(command)
    example = " ".join(parser.format_help().rpartition("example: ")[2].split())
    program, _, arguments = example.partition(f" {command} ")

    assert program == "manage.py"
    assert vars(parser.parse_args(shlex.split(arguments)))


@each_page
def test_options_that_are_named_exist(doc: Path) -> None:
    """Each option that a page passes to a command exists; a setup that asks AWS names its stack."""
    text = re.sub(r" *\\\n *", " ", read(doc))  # each command on one line
    for command, rest in re.findall(r"(cfsigned_[a-z]+)((?: [^`\n|>#]*)?)", text):
        if command in COMMANDS:
            known = parser_of(command)._option_string_actions
            named = re.findall(r"(?<=\s)--[a-z][a-z-]*", rest)
            assert [each for each in named if each not in known] == []
    setups = re.findall(r"^ *\$ python manage\.py cfsigned_setup (.*)$", text, re.MULTILINE)
    assert [each for each in setups if "--stack" not in each and "--template" not in each] == []


# The Python API

PYTHON = DOCS / "reference" / "python.md"


#: What users import from: these hand on names of the modules in which they are written.
DOORS = ("cookies", "http", "models", "signing", "storage", "testing", "tools/edge", "views")


def handed_on(door: str) -> Iterator[str]:
    """Yield the names that a door imports for others: ``from x import Name as Name``."""
    package = ROOT / "cfsigned_django"
    path = package / door
    path = path / "__init__.py" if path.is_dir() else package / f"{door}.py"
    for name in re.findall(r"\b(\w+) as \1\b", read(path)):
        yield f"cfsigned_django.{door.replace('/', '.')}.{name}"


def imported_by(doc: Path) -> Iterator[str]:
    """Yield the names of the package that the Python of a page imports."""
    for snippet in snippets(doc):
        if snippet.language == "python":
            for node in ast.walk(ast.parse(snippet.code)):
                if isinstance(node, ast.ImportFrom) and "cfsigned_django" in str(node.module):
                    yield from (f"{node.module}.{each.name}" for each in node.names)


def test_python_page_has_what_is_public() -> None:
    """The page has what any page imports, and what users can import from where names belong."""
    module, shown = "", set(re.findall(r"`(cfsigned_django\.[\w.]+\w)`", read(PYTHON)))
    for directive, name in re.findall(r"^\.\. (\w+):: ([\w.]+)", read(PYTHON), re.MULTILINE):
        if directive == "currentmodule":
            module = name
        else:
            shown.add(f"{module}.{name}")
    imported = {name for doc in WITH_KOREAN for name in imported_by(doc)}

    assert imported | {name for door in DOORS for name in handed_on(door)} <= shown, (
        "Add what is public to docs/reference/python.md."
    )


# Links and pictures


@functools.cache
def anchors(doc: Path) -> set[str]:
    """Return the anchors of the headings of a page, with those that are printed into it."""
    text = prose(doc)
    if doc.resolve() == FINDINGS:
        text = print_findings(text)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@each_of([*WITH_KOREAN, *sorted({*ROOT.glob("*.md")} - {*WITH_KOREAN})])
def test_links_lead_somewhere(doc: Path) -> None:
    """A link has a text, names a file that is there, and an anchor that GitHub gives a heading."""
    text = prose(doc)
    files = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)|<img src=\"([^\"]+)\"", text)
    linked = re.findall(r"\]\(([^)#:\s]*\.md)?#([^)]+)\)", text)

    assert re.findall(r"\[\]\([^)]*\)", text) == []  # Sphinx fills in a text, GitHub does not
    assert [each for each in map("".join, files) if not (doc.parent / each).exists()] == []
    assert [
        f"{page}#{anchor}"
        for page, anchor in linked
        if anchor not in anchors(doc.parent / page if page else doc)
    ] == []


@each_page_with_korean
def test_the_package_comes_from_a_checkout(doc: Path) -> None:
    """No page installs the package by its name, which anybody could publish before we do."""
    assert re.findall(r"pip install .*cfsigned-django", read(doc)) == []


# Buttons of the admin

#: In bold, amid a sentence: what begins one is a heading.
BUTTON = re.compile(r"[\w,]\s+\*\*([A-Z][^*:]*)\*\*")


def test_buttons_are_those_of_the_admin() -> None:
    """A reader finds the button that a page names on the pages of the admin, word for word."""
    pages = [*DOCS.glob("how-to/*key*.md"), *DOCS.glob("how-to/rotate-*.md")]
    pages.append(DOCS / "explanation" / "security.md")
    named = {" ".join(each.split()) for page in pages for each in BUTTON.findall(prose(page))}
    seen = "".join(map(read, GOLDEN.glob("admin-*.txt")))
    buttons = re.findall(r"\[\*?([^\],]+)(?:, disabled)?\]|(Revoke…)$", seen, re.MULTILINE)

    assert named >= {"Start rotation", "Retire", "Copy", "Revoke…", "Correct the public key ID"}
    assert named - set(map("".join, buttons)) == set()


# The picture of the architecture

PACKAGES = {path.parent.name for path in (ROOT / "cfsigned_django").glob("*/__init__.py")}


def test_architecture_page_shows_the_import_rule() -> None:
    """The layers on the page are those that import-linter enforces."""
    rules = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    assert "\n".join((*rules[0]["layers"], "")) in {each.code for each in snippets(ARCHITECTURE)}


def test_architecture_page_describes_every_package() -> None:
    """The page names each package, and only folders and files that exist."""
    ours = ["acceptance", "benchmarks", "cfsigned_django", "demo_project", "docs", "fuzz", "tests"]
    found = [each for name in ours for each in (ROOT / name, *(ROOT / name).rglob("*"))]
    there = {f"/{each.relative_to(ROOT)}{'/' * each.is_dir()}" for each in found}
    named = set(re.findall(r"(?<![\w/.-])(?:(?:\w+/)*\w+\.py|(?:\w+/)+(?!\w))", read(ARCHITECTURE)))

    assert {f"{name}/" for name in PACKAGES} <= named
    assert [name for name in named if not any(each.endswith(f"/{name}") for each in there)] == []
