"""Honour DEFAULT_FILE_STORAGE, in processes of their own: settings are read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfsigned_django.signing import PrivateKey
from tests.projects import Project
from tests.storage_cases import DOMAIN, FILE_BACKEND, S3_BACKEND

PRINT_URL = """
from django.core.files.storage import default_storage, storages
print(default_storage.url("a.jpg").partition("=")[0])
print(type(storages["default"]).__name__, type(storages["staticfiles"]).__name__)
"""
APP = 'INSTALLED_APPS = ["cfsigned_django"]'
OURS = f'DEFAULT_FILE_STORAGE = "{S3_BACKEND}"'
STORAGES = f'STORAGES = {{"default": {{"BACKEND": "{S3_BACKEND}"}}, "staticfiles": {{"BACKEND": '
STORAGES += '"django.contrib.staticfiles.storage.StaticFilesStorage"}}'
SIGNED = f"https://{DOMAIN}/a.jpg?Expires"


@pytest.fixture
def project(tmp_path: Path, ec_key: PrivateKey) -> Project:
    """Return an empty project."""
    return Project(folder=tmp_path, key=ec_key)


def test_storages(project: Project) -> None:
    """Sign where STORAGES names the class, and say nothing."""
    project.settings(APP, STORAGES)
    assert project.run(PRINT_URL).stdout.split() == [
        SIGNED,
        "CloudFrontS3Storage",
        "StaticFilesStorage",
    ]
    assert "no issues" in project.manage("check").stdout


@pytest.mark.parametrize("backend", [S3_BACKEND, FILE_BACKEND])
def test_default_file_storage(backend: str, project: Project) -> None:
    """Sign where only DEFAULT_FILE_STORAGE names a class, leave static files, and recommend."""
    project.settings(APP, f'DEFAULT_FILE_STORAGE = "{backend}"')
    done = project.run(PRINT_URL)
    assert done.stdout.split() == [SIGNED, backend.rsplit(".")[-1], "StaticFilesStorage"]
    assert done.stderr == ""
    checked = project.manage("check")
    assert checked.returncode == 0
    assert "cfsigned.W003" in checked.stderr


def test_storage_that_a_model_asks_for_first(project: Project) -> None:
    """Be honoured before the models of apps are imported, even those before this app."""
    project.write("early/__init__.py", "")
    project.write(
        "early/models.py",
        "from django.core.files.storage import default_storage\n"
        "from django.db import models\n"
        "URL = default_storage.url('a.jpg')\n"
        "class Report(models.Model):\n"
        "    file = models.FileField()\n",
    )
    project.settings('INSTALLED_APPS = ["early", "cfsigned_django"]', OURS)
    done = project.run(
        "from early.models import URL, Report\n"
        "print(URL.partition('=')[0], Report(file='b.jpg').file.url.partition('?')[0])"
    )
    assert done.stdout.split() == [SIGNED, f"https://{DOMAIN}/b.jpg"], done.stderr


def test_both(project: Project) -> None:
    """Let STORAGES win where both are set, and fail the check."""
    project.settings(APP, f'DEFAULT_FILE_STORAGE = "{FILE_BACKEND}"', STORAGES)
    assert "CloudFrontS3Storage" in project.run(PRINT_URL).stdout
    checked = project.manage("check")
    assert checked.returncode == 1
    assert "cfsigned.E021" in checked.stderr


def test_storages_without_a_default(project: Project) -> None:
    """Be honoured where STORAGES is set and leaves the default alone."""
    lines = STORAGES.replace('"default"', '"other"')
    project.settings(APP, OURS, lines)
    done = project.run(PRINT_URL)
    assert done.stdout.split()[0] == SIGNED, done.stderr


@pytest.mark.parametrize(
    "backend", ["django.core.files.storage.InMemoryStorage", "storages.backends.s3.S3Storage"]
)
def test_other_classes(backend: str, project: Project) -> None:
    """Leave it to Django, which ignores the setting, where it names a class of others."""
    project.settings(APP, f'DEFAULT_FILE_STORAGE = "{backend}"', "MEDIA_URL = '/media/'")
    assert project.run(PRINT_URL).stdout.split()[:2] == ["/media/a.jpg", "FileSystemStorage"]
    assert "no issues" in project.manage("check").stdout


def test_class_of_the_site(project: Project) -> None:
    """Fail the check where the setting names a class that signs and nothing reads it."""
    project.write(
        "own.py",
        "from cfsigned_django.storage import CloudFrontS3Storage\n"
        "class Own(CloudFrontS3Storage):\n    location = 'x'\n",
    )
    project.settings(APP, 'DEFAULT_FILE_STORAGE = "own.Own"')
    checked = project.manage("check")
    assert checked.returncode == 1
    assert "cfsigned.E022" in checked.stderr


def test_without_the_app(project: Project) -> None:
    """Do nothing where the app is not installed, which the documentation says."""
    project.settings(OURS, "MEDIA_URL = '/media/'")
    assert "FileSystemStorage" in project.run(PRINT_URL).stdout


def test_class_that_does_not_exist(project: Project) -> None:
    """Fail with Django's own error where the setting names what is not there."""
    project.settings(APP, 'DEFAULT_FILE_STORAGE = "cfsigned_django.storage.NoSuchStorage"')
    done = project.run(PRINT_URL)
    assert done.returncode == 1
    assert "NoSuchStorage" in done.stderr
    assert "InvalidStorageError" in done.stderr
