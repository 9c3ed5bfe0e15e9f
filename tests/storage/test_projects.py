"""Use the storages in separate processes, as sites do: without the app, and in migrations.

Modules: storage/deconstruction.py, apps.py
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.test import override_settings

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from tests.leaks import fragments
from tests.projects import Project
from tests.storage_cases import DAY, KEY_ID, NOW, S3_BACKEND, SECRET_KEY, at, settings_for

STATIC = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
_MODELS = f'''
import os
from django.db import models
from cfsigned_django.signing import HashAlgorithm
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage

PEM = os.environ["CLOUDFRONT_PRIVATE_KEY"]


def late():
    return CloudFrontS3Storage(cloudfront_key=PEM, cloudfront_key_id="{KEY_ID}")


class Report(models.Model):
    file = models.FileField(storage=CloudFrontS3Storage(
        cloudfront_key=PEM, cloudfront_key_id="{KEY_ID}", location="reports",
        access_key="AKIAEXAMPLE", secret_key="{SECRET_KEY}", security_token="a-token",
        cloudfront_signer=None,
    ))
    image = models.FileField(storage=CloudFrontS3Storage(
        cloudfront_key=PEM.encode(), hash_algorithm=HashAlgorithm.SHA256, gzip_content_types=("a",)
    ))
    draft = models.FileField(storage=CloudFrontFileSystemStorage(
        "drafts", "/drafts/", cloudfront_key=PEM, cloudfront_key_id="{KEY_ID}"
    ))
    late = models.FileField(storage=late)
'''


@pytest.fixture
def project(tmp_path: Path, ec_key: PrivateKey) -> Project:
    """Return an empty project."""
    return Project(folder=tmp_path, key=ec_key)


def test_two_processes(project: Project, rsa_key: PrivateKey, ec_key: PrivateKey) -> None:
    """Sign without the app and its models as another process does that has the same key."""
    project = replace(project, key=rsa_key)
    step = f"AWS_CLOUDFRONT_EXPIRE_STEP = {6 * DAY}"
    project.settings(step, f'STORAGES = {{"default": {{"BACKEND": "{S3_BACKEND}"}}}}')
    done = project.run(
        f"import sys, time; time.time = lambda: {NOW}.5\n"
        "from django.core.files.storage import default_storage\n"
        "from cfsigned_django.storage import CloudFrontS3Storage\n"
        "for each in (default_storage, CloudFrontS3Storage(cloudfront_key=sys.argv[1])):\n"
        "    print(each.url('a b.jpg'), each.url('albums/42/1.jpg', folder='albums/42'))\n"
        "print('django.contrib.auth' in sys.modules)",
        ec_key.to_pem().decode(),
    )
    here = []
    with (
        at(NOW),
        override_settings(**settings_for(project.key, AWS_CLOUDFRONT_EXPIRE_STEP=6 * DAY)),
    ):
        for storage in (CloudFrontS3Storage(), CloudFrontS3Storage(cloudfront_key=ec_key.to_pem())):
            here += [storage.url("a b.jpg"), storage.url("albums/42/1.jpg", folder="albums/42")]
    assert done.stdout.split() == [*here, "False"], done.stderr


def test_makemigrations(project: Project) -> None:
    """Write a complete migration without a secret, which also applies without a key.

    Static files are collected without a key, too, as an image of the site is built.
    """
    project.settings('INSTALLED_APPS = ["cfsigned_django", "reports"]')
    project.write("reports/__init__.py", "")
    project.write("reports/models.py", _MODELS)
    done = project.run(
        "import importlib\n"
        "from django.core.management import call_command\n"
        "call_command('makemigrations', 'reports', skip_checks=False)\n"
        "importlib.invalidate_caches()\n"
        "call_command('makemigrations', '--check', '--dry-run', '-v', '3')\n"
        "call_command('sqlmigrate', 'reports', '0001')"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    migration = (project.folder / "reports/migrations/0001_initial.py").read_text()
    for each in (
        "CloudFrontS3Storage(location='reports')",
        "CloudFrontS3Storage(gzip_content_types=('a',), hash_algorithm="
        "cfsigned_django.signing.algorithms.HashAlgorithm['SHA256'])",
        "CloudFrontFileSystemStorage('drafts', '/drafts/')",
    ):
        assert f"cfsigned_django.storage.{each}" in migration
    assert "CREATE TABLE" in done.stdout
    secrets = (*fragments(project.key), SECRET_KEY, "a-token", "PRIVATE KEY")
    assert [each for each in secrets if each in migration + done.stdout + done.stderr] == []
    project.settings(
        'INSTALLED_APPS = ["cfsigned_django", "django.contrib.staticfiles", "reports"]',
        'AWS_CLOUDFRONT_KEY = AWS_CLOUDFRONT_KEY_ID = ""',
        f'STORAGES = {{"default": {{"BACKEND": "{S3_BACKEND}"}}, "staticfiles": {STATIC}}}',
        'STATIC_ROOT = "static"',
    )
    project.write("reports/models.py", "late = None\n")
    done = project.manage("migrate")
    assert "Applying reports.0001_initial... OK" in done.stdout, done.stderr
    done = project.manage("collectstatic", "--dry-run", "--noinput")
    assert done.returncode == 0, done.stderr
