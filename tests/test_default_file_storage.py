"""Honor DEFAULT_FILE_STORAGE for a class of this package unless STORAGES names one.

Modules: core/conf.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage.handler import StorageHandler

from cfsigned_django.checks import check_storages
from cfsigned_django.core.conf import honor_default_file_storage
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from tests.projects import Project
from tests.storage_cases import FILE_BACKEND, ORIGIN, S3_BACKEND

SIGNED, LOCAL = f"{ORIGIN}/a.jpg?Expires", "/media/a.jpg"
STATIC = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
OURS = {"default": {"BACKEND": S3_BACKEND}, "staticfiles": STATIC}


class Own(CloudFrontS3Storage):
    """A class of the site that signs."""


@pytest.mark.parametrize(
    ("backend", "storages", "url", "cls", "check_id"),
    [
        (None, OURS, SIGNED, "CloudFrontS3Storage", None),
        (S3_BACKEND, None, SIGNED, "CloudFrontS3Storage", "W003"),
        (FILE_BACKEND, None, SIGNED, "CloudFrontFileSystemStorage", "W003"),
        (S3_BACKEND, {"other": OURS["default"]}, SIGNED, "CloudFrontS3Storage", "W003"),
        (FILE_BACKEND, OURS, SIGNED, "CloudFrontS3Storage", "E021"),
        ("django.core.files.storage.InMemoryStorage", None, LOCAL, "FileSystemStorage", "W016"),
        ("storages.backends.s3.S3Storage", None, LOCAL, "FileSystemStorage", "W016"),
        (f"{__name__}.Own", None, LOCAL, "FileSystemStorage", "E022"),
    ],
)
def test_which_storage_is_used(
    backend: str | None, storages: Any, url: str, cls: str, check_id: str | None, site: Any
) -> None:
    """Honor the setting for a class of this package unless STORAGES names one; leave the rest."""
    site.MEDIA_URL, site.MEDIA_ROOT = "/media/", "/srv/media"
    if backend:
        site.DEFAULT_FILE_STORAGE = backend
    if storages:
        site.STORAGES = {"staticfiles": STATIC, **storages}
    honor_default_file_storage()
    used = StorageHandler()
    assert type(used["default"]).__name__ == cls
    assert used["default"].url("a.jpg").partition("=")[0] == url
    assert type(used["staticfiles"]).__name__ == "StaticFilesStorage"
    assert [each.id for each in check_storages()] == ([f"cfsigned.{check_id}"] if check_id else [])


def test_storage_that_a_model_asks_for_first(tmp_path: Path, ec_key: PrivateKey) -> None:
    """Be honored before the models of apps are imported, even those before this app."""
    project = Project(folder=tmp_path, key=ec_key)
    project.write("early/__init__.py", "")
    project.write(
        "early/models.py",
        "from django.core.files.storage import default_storage\n"
        "from django.db import models\n"
        "URL = default_storage.url('a.jpg')\n"
        "class Report(models.Model):\n"
        "    file = models.FileField()\n",
    )
    apps = 'INSTALLED_APPS = ["early", "cfsigned_django"]'
    project.settings(apps, f'DEFAULT_FILE_STORAGE = "{S3_BACKEND}"')
    done = project.run(
        "from django.core import checks\n"
        "from early.models import URL, Report\n"
        "print(URL.partition('=')[0], Report(file='b.jpg').file.url.partition('?')[0])\n"
        "print(*[each.id for each in checks.run_checks()])"
    )
    assert done.stdout.split() == [SIGNED, f"{ORIGIN}/b.jpg", "cfsigned.W003"], done.stderr
    assert done.stderr == ""
