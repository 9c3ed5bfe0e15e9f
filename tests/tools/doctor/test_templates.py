"""Find templates that make URLs of private files without a signature."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cfsigned_django.tools.doctor.templates import check_templates
from cfsigned_django.tools.findings import Level
from tests.storage_cases import DOMAIN, S3_BACKEND

#: A line of a template, and whether it joins MEDIA_URL and a name.
LINES = {
    '<img src="{{ MEDIA_URL }}{{ photo.image }}">': True,
    '<img src="{{MEDIA_URL}}{{ photo.image }}">': True,
    '<img src="{{ MEDIA_URL|default:"/" }}avatars/{{ user.pk }}.png">': True,
    '{% load static %}<img src="{% get_media_prefix %}{{ user.avatar }}">': True,
    '<img src="{%- get_media_prefix -%}{% firstof a b %}">': True,
    '<img src="{{ photo.image.url }}">': False,
    '<script>const media = "{{ MEDIA_URL }}";</script>': False,
    "The files are on {{ MEDIA_URL }} today.": False,
    "{% get_media_prefix as prefix %}": False,
    '<img src="{{ STATIC_URL }}logo.png">': False,
}


@pytest.fixture
def folder(site: Any, tmp_path: Path) -> Path:
    """Return the folder of the templates of a site whose MEDIA_URL needs signatures."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    site.MEDIA_URL = f"https://{DOMAIN}/media/"
    backend = "django.template.backends.django.DjangoTemplates"
    site.TEMPLATES = [{"BACKEND": backend, "DIRS": [tmp_path], "APP_DIRS": True}]
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    """Write a template."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_joins(folder: Path) -> None:
    """Name the template and the line of each join, and nothing else."""
    write(folder, "photos/album.html", "\n".join(LINES))

    [warning] = check_templates()

    assert (warning.id, warning.level) == ("media-url-joined", Level.WARNING)
    assert DOMAIN in warning.what
    for number, joins in enumerate(LINES.values(), 1):
        assert (f"photos/album.html (line {number})" in warning.what) is joins


def test_many_joins(folder: Path) -> None:
    """Name some of them, and count the rest."""
    for count, end in ((5, "(line 4), a.html (line 5)."), (7, "(line 5), and 2 more.")):
        write(folder, "a.html", "{{ MEDIA_URL }}{{ a }}\n" * count)
        [warning] = check_templates()
        assert warning.what.endswith(end)


def test_templates_of_others(folder: Path) -> None:
    """Read neither the templates of other packages nor files that are not templates."""
    text = "{{ MEDIA_URL }}{{ a }}"
    for name in ("node_modules/a.html", ".git/a.html", "site-packages/x/a.html", "a.png"):
        write(folder, name, text)

    assert list(check_templates()) == []


def test_other_hosts(folder: Path, site: Any) -> None:
    """Say nothing if MEDIA_URL is a path, another host, or that of a storage that does not sign."""
    write(folder, "a.html", "{{ MEDIA_URL }}{{ a }}")
    assert len(list(check_templates())) == 1
    unsigned = {"BACKEND": S3_BACKEND, "OPTIONS": {"querystring_auth": False}}
    for changes in (
        {"MEDIA_URL": "/media/"},
        {"MEDIA_URL": "https://www.example.com/media/"},
        {"MEDIA_URL": f"https://{DOMAIN}/media/", "STORAGES": {"default": unsigned}},
    ):
        for name, value in changes.items():
            setattr(site, name, value)
        assert list(check_templates()) == []


def test_templates_that_cannot_be_read(folder: Path, site: Any) -> None:
    """Say nothing if there is no template engine, or if a template is not text."""
    (folder / "a.html").write_bytes(b"\xff\xfe{{ photo.image.url }}")
    assert list(check_templates()) == []
    site.TEMPLATES = [{"BACKEND": "nowhere.Templates"}]
    assert list(check_templates()) == []
