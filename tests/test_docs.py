"""Keep what the documentation says equal to what the code does."""

from __future__ import annotations

import inspect
import json
import re
from configparser import RawConfigParser
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.db.models import FileField, Model
from django.db.models.fields.files import FieldFile
from django.template import Context, Template
from django.test import override_settings
from pytest_django import Settings

from cfsigned_django.aws.key_groups import KeyGroups
from cfsigned_django.management.commands import cfsigned_rotate
from cfsigned_django.signing import PrivateKey
from tests.pages import PAGES, ROOT, ROTATE_KEYS, SNIPPET, Snippet, languages, read, snippets

#: Roles of Python that is compiled here; what has the role "task" test_docs_rotation.py runs.
NOT_RUN = {"compiles", "task"}


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
    sources = map(inspect.getsource, KeyGroups.__mro__[:-1])
    called = re.findall(r'"(cloudfront:\w+)"', "".join(sources))

    assert len(called) == len(statement["Action"])
    assert set(called) == set(statement["Action"])


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


def test_readme_is_short() -> None:
    """The README fits in 150 lines; the rest is in the documentation."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("doc", PAGES, ids=lambda doc: doc.name)
def test_links_between_files_lead_somewhere(doc: Path) -> None:
    """Every relative link of a page names a file that is there."""
    text = SNIPPET.sub("", read(doc))
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)|<img src=\"([^\"]+)\"", text)
    targets = [link or image for link, image in targets]

    assert [target for target in targets if not (doc.parent / target).exists()] == []


def test_every_image_is_shown() -> None:
    """No picture lies in the documentation that no page shows."""
    pages = "".join(map(read, PAGES))
    images = sorted((ROOT / "docs" / "images").iterdir())

    assert [path.name for path in images if f"images/{path.name}" not in pages] == []
