"""Honour DEFAULT_FILE_STORAGE, in processes of their own: settings are read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfsigned_django.signing import PrivateKey
from tests.projects import Project
from tests.storage_cases import DOMAIN, FILE_BACKEND, S3_BACKEND

INSPECT = """
from django.core import checks
from django.core.files.storage import default_storage, storages
print(default_storage.url("a.jpg").partition("=")[0])
print(type(storages["default"]).__name__)
print(type(storages["staticfiles"]).__name__ if "staticfiles" in storages.backends else None)
print(*[each.id for each in checks.run_checks()])
"""
APP = 'INSTALLED_APPS = ["cfsigned_django"]'
DEFAULT = 'DEFAULT_FILE_STORAGE = "{}"'.format
STATIC = "StaticFilesStorage"
STORAGES = (
    f'STORAGES = {{"default": {{"BACKEND": "{S3_BACKEND}"}}, "staticfiles": '
    f'{{"BACKEND": "django.contrib.staticfiles.storage.{STATIC}"}}}}'
)
SIGNED = f"https://{DOMAIN}/a.jpg?Expires"
LOCAL = "/media/a.jpg"

#: What happens -> the settings, the URL, the classes of both storages, and what the checks find.
CASES: dict[str, tuple[list[str], list[str]]] = {
    "STORAGES alone": ([APP, STORAGES], [SIGNED, "CloudFrontS3Storage", STATIC, ""]),
    "honored": (
        [APP, DEFAULT(S3_BACKEND)],
        [SIGNED, "CloudFrontS3Storage", STATIC, "cfsigned.W003"],
    ),
    "honored, files on disk": (
        [APP, DEFAULT(FILE_BACKEND)],
        [SIGNED, "CloudFrontFileSystemStorage", STATIC, "cfsigned.W003"],
    ),
    "honored beside other storages": (
        [APP, DEFAULT(S3_BACKEND), STORAGES.replace('"default"', '"other"')],
        [SIGNED, "CloudFrontS3Storage", STATIC, "cfsigned.W003"],
    ),
    "STORAGES wins": (
        [APP, DEFAULT(FILE_BACKEND), STORAGES],
        [SIGNED, "CloudFrontS3Storage", STATIC, "cfsigned.E021"],
    ),
    "a class of Django": (
        [APP, DEFAULT("django.core.files.storage.InMemoryStorage")],
        [LOCAL, "FileSystemStorage", STATIC, ""],
    ),
    "a class of django-storages": (
        [APP, DEFAULT("storages.backends.s3.S3Storage")],
        [LOCAL, "FileSystemStorage", STATIC, ""],
    ),
    "a class of the site that signs": (
        [APP, DEFAULT("own.Own")],
        [LOCAL, "FileSystemStorage", STATIC, "cfsigned.E022"],
    ),
    "without the app": ([DEFAULT(S3_BACKEND)], [LOCAL, "FileSystemStorage", STATIC, ""]),
}


@pytest.fixture
def project(tmp_path: Path, ec_key: PrivateKey) -> Project:
    """Return a project with a storage of its own."""
    project = Project(folder=tmp_path, key=ec_key)
    project.write(
        "own.py",
        "from cfsigned_django.storage import CloudFrontS3Storage\n"
        "class Own(CloudFrontS3Storage):\n    location = 'x'\n",
    )
    return project


@pytest.mark.parametrize("case", CASES)
def test_which_storage_is_used(case: str, project: Project) -> None:
    """Honour the setting for a class of this package unless STORAGES names one; leave the rest."""
    lines, expected = CASES[case]
    project.settings(*lines, "MEDIA_URL = '/media/'")
    done = project.run(INSPECT)
    assert done.stdout.splitlines() == expected
    assert done.stderr == ""


def test_storage_that_a_model_asks_for_first(project: Project) -> None:
    """Be honored before the models of apps are imported, even those before this app."""
    project.write("early/__init__.py", "")
    project.write(
        "early/models.py",
        "from django.core.files.storage import default_storage\n"
        "from django.db import models\n"
        "URL = default_storage.url('a.jpg')\n"
        "class Report(models.Model):\n"
        "    file = models.FileField()\n",
    )
    project.settings('INSTALLED_APPS = ["early", "cfsigned_django"]', DEFAULT(S3_BACKEND))
    done = project.run(
        "from early.models import URL, Report\n"
        "print(URL.partition('=')[0], Report(file='b.jpg').file.url.partition('?')[0])"
    )
    assert done.stdout.split() == [SIGNED, f"https://{DOMAIN}/b.jpg"], done.stderr


def test_class_that_does_not_exist(project: Project) -> None:
    """Fail with Django's own error if the setting names a class that is not there."""
    project.settings(APP, DEFAULT("cfsigned_django.storage.NoSuchStorage"))
    done = project.run(INSPECT)
    assert done.returncode == 1
    assert "NoSuchStorage" in done.stderr
    assert "InvalidStorageError" in done.stderr
