"""Print what is to be pasted, and the command that goes on."""

from __future__ import annotations

import re
import shlex
from typing import Any

from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.tools.setup.stack_report import (
    STATEMENTS,
    command_line,
    settings_text,
    storages_as_text,
)
from cfsigned_django.tools.stack.template import read_template
from tests.pages import DOCS, read
from tests.storage_cases import FILE_BACKEND, S3_BACKEND


def test_storages_to_paste(settings: Any) -> None:
    """Print what names a storage that signs, unless the site has one; leave others as they are."""
    without_storages = storages_as_text()
    settings.STORAGES = {"default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    with_others = storages_as_text()
    for backend in (S3_BACKEND, FILE_BACKEND):
        settings.STORAGES = {**settings.STORAGES, "private": {"BACKEND": backend}}
        assert storages_as_text() == ""

    assert without_storages.startswith("STORAGES = {")
    assert without_storages in read(DOCS / "how-to" / "install.md")
    assert with_others == f'STORAGES["default"] = {{"BACKEND": "{S3_BACKEND}"}}'


def test_settings_that_the_site_has(settings: Any) -> None:
    """Ask for nothing to be pasted if the site has all of it."""
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = "group"

    assert not re.search("paste", settings_text({"AWS_CLOUDFRONT_KEY_GROUP_ID": "group"}))
    assert re.search("paste", settings_text({"AWS_CLOUDFRONT_KEY_GROUP_ID": "another"}))


def test_statements() -> None:
    """Know each statement that the template leaves to a person, to print it."""
    outputs = re.findall(r"^  (\w+Statement):", read_template(), re.MULTILINE)
    assert set(outputs) == STATEMENTS.keys()


def test_command_to_run_later() -> None:
    """Repeat the options that were given, quoted for a shell, and no default."""
    parser = cfsigned_setup.Command().create_parser("manage.py", "cfsigned_setup")
    given = "--stack media --cors-origin https://a.example.com --public-path 'static/*' --apply"
    other_settings = f"--settings mysite.production {given}"

    for each in (given, other_settings):
        options = vars(parser.parse_args(shlex.split(each)))
        assert command_line(options) == f"manage.py cfsigned_setup {each}"
