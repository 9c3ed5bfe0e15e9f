"""Write migrations of file fields whose storage holds a key, for real."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import models
from django.db.migrations.writer import MigrationWriter

from cfsigned_django.signing import HashAlgorithm, PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from tests.leaks import fragments
from tests.projects import Project
from tests.storage_cases import KEY_ID, SECRET_KEY, options_for

_MODELS = f'''
import os
from django.db import models
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
    image = models.FileField(storage=CloudFrontS3Storage(cloudfront_key=PEM.encode()))
    draft = models.FileField(storage=CloudFrontFileSystemStorage(
        "drafts", "/drafts/", cloudfront_key=PEM, cloudfront_key_id="{KEY_ID}"
    ))
    late = models.FileField(storage=late)
'''


@pytest.fixture
def project(tmp_path: Path, ec_key: PrivateKey) -> Project:
    """Return a project with an app that has such fields."""
    project = Project(folder=tmp_path, key=ec_key)
    project.settings('INSTALLED_APPS = ["cfsigned_django", "reports"]')
    project.write("reports/__init__.py", "")
    project.write("reports/models.py", _MODELS)
    return project


def assert_hides(text: str, key: PrivateKey) -> None:
    """Fail if the text contains a line of the key, or AWS's secrets."""
    found = [each for each in (*fragments(key), SECRET_KEY, "a-token") if each in text]
    assert found == []
    assert "PRIVATE KEY" not in text


def test_makemigrations(project: Project) -> None:
    """Write a migration without a secret, complete, and which applies where no key is set."""
    done = project.manage("makemigrations", "reports")
    assert done.returncode == 0, done.stderr
    migration = (project.folder / "reports/migrations/0001_initial.py").read_text()
    assert "cfsigned_django.storage.CloudFrontS3Storage(location='reports')" in migration
    assert_hides(migration + done.stdout + done.stderr, project.key)
    done = project.run(
        "from django.core.management import call_command\n"
        "call_command('makemigrations', '--check', '--dry-run', '-v', '3')\n"
        "call_command('sqlmigrate', 'reports', '0001')"
    )
    assert done.returncode == 0, done.stdout
    assert "CREATE TABLE" in done.stdout
    assert_hides(done.stdout + done.stderr, project.key)
    project.settings(
        'INSTALLED_APPS = ["cfsigned_django", "reports"]',
        'AWS_CLOUDFRONT_KEY = AWS_CLOUDFRONT_KEY_ID = ""',
    )
    project.write("reports/models.py", "late = None\n")
    done = project.manage("migrate")
    assert "Applying reports.0001_initial... OK" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("storage_class", "options"),
    [
        (CloudFrontS3Storage, {"location": "a", "expire_step": timedelta(minutes=15)}),
        (CloudFrontS3Storage, {"hash_algorithm": HashAlgorithm.SHA256, "bucket_name": "b"}),
        (CloudFrontFileSystemStorage, {"location": "a", "base_url": "/a/", "max_expire": 60}),
    ],
    ids=["timedelta", "enum", "files"],
)
def test_written_options(
    storage_class: Any, options: dict[str, Any], site: Any, ec_key: PrivateKey
) -> None:
    """Write all options that are no secrets, in a form that Python reads back."""
    keys = {name: options_for(ec_key)[name] for name in ("cloudfront_key", "cloudfront_key_id")}
    field = models.FileField(storage=storage_class(**options, **keys))
    text, imports = MigrationWriter.serialize(field)
    names: dict[str, Any] = {}
    exec("\n".join(imports), names)  # noqa: S102 - Django wrote it
    again = eval(text, names)  # noqa: S307 - Django wrote it
    assert again.storage.deconstruct() == (
        f"cfsigned_django.storage.{storage_class.__name__}",
        (),
        options,
    )
    assert_hides(text, ec_key)
