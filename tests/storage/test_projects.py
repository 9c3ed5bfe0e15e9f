"""Use the storages in separate processes, as sites do: without the app, and in migrations.

Modules: storage/deconstruction.py, apps.py
"""

from __future__ import annotations

import base64
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.test import override_settings

from cfsigned_django.signing import HashAlgorithm, PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from tests.leaks import fragments
from tests.projects import Project
from tests.storage_cases import (
    DAY,
    DOMAIN,
    KEY_ID,
    NOW,
    ORIGIN,
    S3_BACKEND,
    SECRET_KEY,
    at,
    options_for,
    settings_for,
    verify,
)

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


#: Subclasses whose constructors change their options, one of each kind.
_SUBCLASSES = f"""
import os
from cfsigned_django.storage import CloudFrontS3Storage

PEM = os.environ["CLOUDFRONT_PRIVATE_KEY"]


class Before(CloudFrontS3Storage):
    def __init__(self, tenant, internal=False, **options):
        self.custom_domain = f"{{tenant}}.example.com"
        super().__init__(**options)


class After(CloudFrontS3Storage):
    def __init__(self, tenant, internal=False, **options):
        super().__init__(**options)
        self.custom_domain = f"{{tenant}}.example.com"
        self.cloudfront_key = PEM


class Adds(CloudFrontS3Storage):
    def __init__(self, tenant, internal=False):
        super().__init__(
            bucket_name=tenant, custom_domain=f"{{tenant}}.example.com", cloudfront_key=PEM,
            cloudfront_key_id="{KEY_ID}", access_key="AKIAEXAMPLE", secret_key="{SECRET_KEY}",
        )


class Replaces(CloudFrontS3Storage):
    def __init__(self, tenant, **options):
        options.pop("internal")
        options.setdefault("bucket_name", os.uname().nodename)
        super().__init__(**options)


class Secret(CloudFrontS3Storage):
    def __init__(self, pem=None, secret=None):
        super().__init__(secret_key=secret, access_key=secret and "AKIAEXAMPLE")
        self.cloudfront_key = pem or PEM
"""
_SUBCLASS_MODELS = """
from django.db import models
from reports.storages import Adds, After, Before, Replaces


class Report(models.Model):
    before = models.FileField(storage=Before("a", internal=True))
    after = models.FileField(storage=After("a", internal=True))
    adds = models.FileField(storage=Adds("a", internal=True))
    replaces = models.FileField(storage=Replaces("a", internal=True))
"""


#: The storages that pages of the documentation show, of the package and to write.
_DOCUMENTED = """
from contextvars import ContextVar
from django.core.files.storage import InMemoryStorage
from django.db import connection
from cfsigned_django.storage import CloudFrontS3Storage, PermanentLinkStorage, SignedUrlMixin

tenant = ContextVar("tenant", default="none")


class TenantStorage(CloudFrontS3Storage):
    @property
    def location(self):
        return f"tenants/{tenant.get()}"


class SchemaStorage(CloudFrontS3Storage):
    @property
    def location(self):
        return f"tenants/{connection.schema_name}"


class PictureStorage(CloudFrontS3Storage):
    def url(self, name, *args, **kwargs):
        return self.unsigned_url(name)


class EditorStorage(PermanentLinkStorage):
    storage = "default"


class MediaStorage(SignedUrlMixin, InMemoryStorage):
    pass


BACKENDS = [
    "cfsigned_django.storage.CloudFrontS3Storage",
    "cfsigned_django.storage.CloudFrontFileSystemStorage",
    "cfsigned_django.storage.PermanentLinkStorage",
    "cfsigned_django.testing.InMemorySignedStorage",
    *(f"shop.{name}" for name in (
        "TenantStorage", "SchemaStorage", "PictureStorage", "EditorStorage", "MediaStorage",
    )),
]
"""
_COMMANDS = """
import socket
from django.core.management import call_command
from django.test import override_settings
from shop import BACKENDS

def refuse(*arguments, **named):
    raise AssertionError("a socket was asked for")

socket.socket = socket.create_connection = socket.getaddrinfo = refuse
static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
for backend in BACKENDS:
    storages = {"default": {"BACKEND": backend}, "staticfiles": static}
    with override_settings(STORAGES=storages):
        call_command("check", fail_level="ERROR")
        call_command("makemigrations", check_changes=True, skip_checks=False)
        call_command("migrate", skip_checks=False, verbosity=0)
        call_command("collectstatic", dry_run=True, interactive=False, verbosity=0)
    print(backend, "done")
"""


@pytest.fixture
def project(tmp_path: Path, ec_key: PrivateKey) -> Project:
    """Return an empty project."""
    return Project(folder=tmp_path, key=ec_key)


def assert_hides(text: str, key: PrivateKey) -> None:
    """Fail if the text contains a line of the key, or AWS's secrets."""
    secrets = (*fragments(key), SECRET_KEY, "a-token", "PRIVATE KEY")
    assert [each for each in secrets if each in text] == []


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


@pytest.mark.parametrize("has_key", [True, False])
def test_commands_without_sockets(has_key: bool, project: Project) -> None:
    """Check, migrate and collect static files with each documented class, with or without a key."""
    project.write("shop.py", _DOCUMENTED)
    project.settings(
        'INSTALLED_APPS = ["cfsigned_django", "django.contrib.staticfiles"]',
        'STATIC_ROOT = os.path.join(os.path.dirname(__file__), "static")',
        "" if has_key else "AWS_CLOUDFRONT_KEY = AWS_CLOUDFRONT_KEY_ID = None",
    )
    done = project.run(_COMMANDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("done") == 9
    assert ("cfsigned.W010" in done.stderr) is not has_key
    assert "cfsigned.W044" not in done.stderr


def test_pickle_in_another_process(project: Project, rsa_key: PrivateKey) -> None:
    """Load a pickle and follow the settings there: those of the alias, and of the options."""
    project = replace(project, key=rsa_key)
    own = {"BACKEND": S3_BACKEND, "OPTIONS": options_for(rsa_key, location="own")}
    with override_settings(**settings_for(rsa_key, AWS_LOCATION="here", STORAGES={"default": own})):
        given: list[Any] = [
            storages["default"],
            CloudFrontS3Storage(),
            CloudFrontS3Storage(location="given", custom_domain=DOMAIN),
        ]
        texts = [base64.b64encode(pickle.dumps(each)).decode() for each in given]
        project.settings(
            'AWS_S3_CUSTOM_DOMAIN = "there.example.com"',
            'AWS_LOCATION = "there"',
            f'STORAGES = {{"default": {{"BACKEND": "{S3_BACKEND}", '
            '"OPTIONS": {"cloudfront_key": AWS_CLOUDFRONT_KEY}}}',
        )
        done = project.run(
            "import base64, pickle, sys\n"
            "for text in sys.argv[1:]:\n"
            "    print(pickle.loads(base64.b64decode(text)).url('a b.jpg'), flush=True)",
            *texts,
        )
        addresses = ["https://there.example.com/there"] * 2 + [f"{ORIGIN}/given"]
        for url, address in zip(done.stdout.split(), addresses, strict=True):
            assert verify(given[1], url).resource == f"{address}/a%20b.jpg"


#: A site with secrets in OPTIONS, and the values that the documentation gives to other options.
_SECRETS_IN_OPTIONS = f"""
from datetime import timedelta
OWN = {{"cloudfront_key": AWS_CLOUDFRONT_KEY, "cloudfront_key_id": AWS_CLOUDFRONT_KEY_ID,
    "access_key": "AKIAEXAMPLE", "secret_key": "{SECRET_KEY}", "security_token": "a-token"}}
AWS_CLOUDFRONT_KEY = AWS_CLOUDFRONT_KEY_ID = None
STORAGES = {{
    "default": {{"BACKEND": "{S3_BACKEND}", "OPTIONS": OWN}},
    "stable": {{"BACKEND": "{S3_BACKEND}", "OPTIONS": {{**OWN, "querystring_expire":
        timedelta(days=6), "expire_step": timedelta(days=1), "invalidate_on": {{"delete"}},
        "gzip_content_types": ("text/css",)}}}},
    "tenant": {{"BACKEND": "shop.Tenant", "OPTIONS": {{**OWN, "tenant": "a"}}}},
}}
"""
_TENANT = """
from cfsigned_django.storage import CloudFrontS3Storage


class Tenant(CloudFrontS3Storage):
    def __init__(self, tenant, **options):
        super().__init__(location=tenant, **options)
"""


def test_deconstructed_for_a_queue(project: Project) -> None:
    """Find the secrets again in a worker that makes a storage from the JSON of deconstruct()."""
    project.settings(_SECRETS_IN_OPTIONS)
    project.write("shop.py", _TENANT)
    aliases = ("default", "stable", "tenant")
    sent = project.run(
        "import json, sys\n"
        "from django.core.files.storage import storages\n"
        "for alias in sys.argv[1:]: print(json.dumps(storages[alias].deconstruct()))",
        *aliases,
    )
    assert sent.returncode == 0, sent.stderr
    assert_hides(sent.stdout, project.key)
    done = project.run(
        "import json, sys\n"
        "from django.core.files.storage import storages\n"
        "from django.utils.module_loading import import_string\n"
        "from cfsigned_django.testing import assert_signed\n"
        "for alias, text in zip(['default', 'stable', 'tenant'], sys.argv[1:]):\n"
        "    path, args, kwargs = json.loads(text)\n"
        "    storage, own = import_string(path)(*args, **kwargs), storages[alias]\n"
        "    assert_signed(storage.url('a.jpg'), storage=own)\n"
        "    names = ('access_key', 'secret_key', 'security_token', 'querystring_expire')\n"
        "    for name in names: assert getattr(storage, name) in (getattr(own, name), 518400)\n"
        "    again = json.dumps(storage.deconstruct())\n"
        "    print(again == text, storage.location)",
        *sent.stdout.splitlines(),
    )
    assert done.stdout.splitlines() == ["True ", "True ", "True a"], done.stderr


def test_makemigrations(project: Project) -> None:
    """Write a complete migration without a secret, which also applies without a key."""
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
    assert "cfsigned_django.storage.CloudFrontS3Storage(location='reports')" in migration
    assert "CREATE TABLE" in done.stdout
    assert_hides(migration + done.stdout + done.stderr, project.key)
    project.settings(
        'INSTALLED_APPS = ["cfsigned_django", "reports"]',
        'AWS_CLOUDFRONT_KEY = AWS_CLOUDFRONT_KEY_ID = ""',
    )
    project.write("reports/models.py", "late = None\n")
    done = project.manage("migrate")
    assert "Applying reports.0001_initial... OK" in done.stdout, done.stderr


def test_migrations_of_subclasses(project: Project) -> None:
    """Write, load and apply a migration with what the outermost constructors were given."""
    project.settings('INSTALLED_APPS = ["cfsigned_django", "reports"]')
    project.write("reports/__init__.py", "")
    project.write("reports/storages.py", _SUBCLASSES)
    project.write("reports/models.py", _SUBCLASS_MODELS)
    done = project.manage("makemigrations", "reports")
    assert done.returncode == 0, done.stdout + done.stderr
    migration = (project.folder / "reports/migrations/0001_initial.py").read_text()
    for name in ("Before", "After", "Adds", "Replaces"):
        assert f"storage=reports.storages.{name}('a', internal=True)" in migration
    assert_hides(migration, project.key)
    done = project.manage("migrate")
    assert "Applying reports.0001_initial... OK" in done.stdout, done.stderr
    done = project.manage("makemigrations", "--check", "reports")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [("PEM", "'pem'"), ("pem=PEM.encode()", "'pem'"), (f"secret={SECRET_KEY!r}", "'secret'")],
    ids=["positional", "bytes", "AWS"],
)
def test_migrations_without_secrets(arguments: str, named: str, project: Project) -> None:
    """Write no migration if a secret would be in it, and name the argument."""
    project.settings('INSTALLED_APPS = ["cfsigned_django", "reports"]')
    project.write("reports/__init__.py", "")
    project.write("reports/storages.py", _SUBCLASSES)
    project.write(
        "reports/models.py",
        "from django.db import models\nfrom reports.storages import PEM, Secret\n"
        f"class Report(models.Model):\n    file = models.FileField(storage=Secret({arguments}))\n",
    )
    done = project.manage("makemigrations", "reports")
    assert done.returncode == 1
    assert f"The argument {named} of Secret()" in done.stderr
    assert not list(project.folder.rglob("0001_initial.py"))
    assert_hides(done.stdout + done.stderr, project.key)


@pytest.mark.parametrize(
    ("storage_class", "options"),
    [
        (CloudFrontS3Storage, {"location": "a", "gzip_content_types": ("text/css",)}),
        (CloudFrontS3Storage, {"hash_algorithm": HashAlgorithm.SHA256, "bucket_name": "b"}),
        (CloudFrontFileSystemStorage, {"location": "a", "base_url": "/a/", "max_expire": 60}),
    ],
    ids=["tuple", "enum", "files"],
)
def test_written_options(
    storage_class: Any, options: dict[str, Any], site: Any, ec_key: PrivateKey
) -> None:
    """Write all options but secrets, in a form that Python reads back."""
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
