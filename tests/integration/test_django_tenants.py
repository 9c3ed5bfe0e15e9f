"""Keep the files of django-tenants' tenants apart, and their one key pair in the shared schema."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cfsigned_django.signing import PrivateKey
from tests.pages import DOCS, snippets
from tests.projects import Project
from tests.storage_cases import KEY_GROUP_ID, KEY_ID, ORIGIN, parameters_of

pytestmark = pytest.mark.postgres

DATABASE = "cfsigned_tenants"
MODELS = """
from django.db import models
from django_tenants.models import DomainMixin, TenantMixin

class Client(TenantMixin):
    name = models.CharField(max_length=100)

class Domain(DomainMixin):
    pass
"""
URLS = """
from django.core.files.storage import default_storage
from django.http import JsonResponse
from django.urls import path

def url(request):
    url = default_storage.url("a.txt")
    return JsonResponse({"url": url, "name": default_storage.name_of(url)})

urlpatterns = [path("", url)]
"""
SETTINGS = f"""
from urllib.parse import urlsplit
server = urlsplit(os.environ["CFSIGNED_TEST_DATABASE_URL"])
DATABASES = {{
    "default": {{
        "ENGINE": "django_tenants.postgresql_backend",
        "NAME": "{DATABASE}",
        "HOST": server.hostname,
        "PORT": server.port,
        "USER": server.username,
        "PASSWORD": server.password or "",
    }}
}}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
SHARED_APPS = ["django_tenants", "customers", "cfsigned_django"]
TENANT_APPS = ["django.contrib.contenttypes"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL, TENANT_DOMAIN_MODEL = "customers.Client", "customers.Domain"
MIDDLEWARE = ["django_tenants.middleware.main.TenantMainMiddleware"]
ROOT_URLCONF = "urls"
ALLOWED_HOSTS = ["*"]
AWS_CLOUDFRONT_KEY_GROUP_ID = "{KEY_GROUP_ID}"
STORAGES = {{"default": {{"BACKEND": "media.SchemaStorage"}}}}
"""
STORY = f"""
import json
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from customers.models import Client, Domain

call_command("makemigrations", "customers", verbosity=0)
call_command("migrate_schemas", shared=True, verbosity=0)
KeyPair.from_private_key(
    PrivateKey.generate(), key_pair_id="{KEY_ID}", key_group_id="{KEY_GROUP_ID}", status="active",
    active_in="{KEY_GROUP_ID}", created_at=timezone.now(), active_at=timezone.now(),
).save()
for schema in ("public", "acme", "zeta"):
    tenant = Client(schema_name=schema, name=schema)
    tenant.save()
    Domain(domain=f"{{schema}}.example.com", tenant=tenant, is_primary=True).save()
found = {{
    schema: Browser(headers={{"host": f"{{schema}}.example.com"}}).get("/").json()
    for schema in ("acme", "zeta", "acme")
}}
print(json.dumps(found))
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Return a site with the storage of the page, and a database for this test."""
    import psycopg

    url = os.environ["CFSIGNED_TEST_DATABASE_URL"]
    page = snippets(DOCS / "how-to" / "several-storages.md")
    (media,) = (each.code for each in page if "SchemaStorage(" in each.code)
    project = Project(folder=tmp_path, key=PrivateKey.generate())
    project.write("customers/__init__.py", "")
    project.write("customers/models.py", MODELS)
    project.write("urls.py", URLS)
    imported = "from cfsigned_django.storage import CloudFrontS3Storage\n"
    project.write("media.py", imported + media)
    project.settings(SETTINGS)
    with psycopg.connect(url, dbname="postgres", autocommit=True) as server:
        server.execute(f"create database {DATABASE}")
        try:
            yield project
        finally:
            server.execute(f"drop database {DATABASE} with (force)")


def test_tenants(project: Project) -> None:
    """Sign for each tenant within its folder, with the key pair that all tenants share."""
    ran = project.run(STORY)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])  # below what the migrations print
    for schema in ("acme", "zeta"):
        url = found[schema]["url"]
        assert urlsplit(url)._replace(query="").geturl() == f"{ORIGIN}/tenants/{schema}/a.txt"
        assert parameters_of(url)["Key-Pair-Id"] == KEY_ID
        assert found[schema]["name"] == "a.txt"
