"""Set the demo's site up over files on disk, with its tables and a local edge."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client, override_settings

from cfsigned_django.core import keyring
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.edge.server import EdgeServer
from cfsigned_django.tools.storage_origin import StorageOrigin, distribution_for
from demo_project.state import COOKIE_DOMAIN
from tests.demo_project import HOST, KEY_GROUP_ID
from tests.storage_cases import FILE_BACKEND

APPS = ["demo_project.gallery", *settings.INSTALLED_APPS]
#: In seconds, as in the demo's settings.
THUMBNAIL_LINKS = {"querystring_expire": 45, "max_expire": 45, "expire_step": 45}


@pytest.fixture
def clock(site: Client) -> Iterator[Any]:
    """Take over the clock of the site's process; ``now`` is in Unix seconds. Empty its cache."""
    clock = SimpleNamespace(now=1_900_000_000)

    def read() -> Any:
        return clock.now

    # Made with the site, it has read where the clock is.
    with mock.patch("time.time", read), mock.patch.object(keyring._keyring, "wall", read):
        keyring.forget()
        cache.clear()
        yield clock
        cache.clear()


@pytest.fixture
def edge() -> Iterator[EdgeServer]:
    """Run an edge with no distribution yet on a free port."""
    server = EdgeServer(lambda environ, start_response: [])
    with server.running():
        yield server


@pytest.fixture(scope="module")
def tables(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Make the tables of the demo; each test leaves them empty."""
    with override_settings(INSTALLED_APPS=APPS):
        models = list(apps.get_app_config("gallery").get_models())
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    yield
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        for model in models:
            editor.delete_model(model)


@pytest.fixture
def site(
    tables: None, db: None, tmp_path: Path, edge: EdgeServer, ec_key: PrivateKey
) -> Iterator[Client]:
    """Return a client of the demo's site with its tables, files on disk and the edge."""
    cdn = f"cdn.{COOKIE_DOMAIN}:{edge.port}"
    (tmp_path / "edge.log").touch()
    options: dict[str, dict[str, Any]] = {
        "default": {},
        "thumbnails": THUMBNAIL_LINKS,
        "videos": {"custom_domain": cdn},
    }
    storages = {
        alias: {"BACKEND": FILE_BACKEND, "OPTIONS": {"location": str(tmp_path), **each}}
        for alias, each in options.items()
    }
    templates: Any = deepcopy(settings.TEMPLATES)
    templates[0]["OPTIONS"]["context_processors"].append("demo_project.gallery.waits.waits")
    with override_settings(
        ALLOWED_HOSTS=["testserver", f"app.{COOKIE_DOMAIN}"],
        AWS_CLOUDFRONT_COOKIE_DOMAIN=COOKIE_DOMAIN,
        AWS_CLOUDFRONT_COOKIE_SCOPES=["demo_project.gallery.video.FilmScope"],
        AWS_CLOUDFRONT_KEY=ec_key.to_pem(),
        AWS_CLOUDFRONT_KEY_ID="K2JCJMDEHXQW5F",
        AWS_CLOUDFRONT_KEY_GROUP_ID=KEY_GROUP_ID,
        AWS_QUERYSTRING_EXPIRE=3600,
        AWS_S3_CUSTOM_DOMAIN=f"{HOST}:{edge.port}",
        AWS_S3_URL_PROTOCOL="http:",
        AWS_STORAGE_BUCKET_NAME="on-disk",
        DEMO_EDGE_LOG=tmp_path / "edge.log",
        INSTALLED_APPS=APPS,
        LANGUAGES=[("en", "English"), ("ko", "한국어")],
        MESSAGE_STORAGE="django.contrib.messages.storage.cookie.CookieStorage",
        MIDDLEWARE=[
            *settings.MIDDLEWARE,
            "cfsigned_django.middleware.SignedCookiesMiddleware",
            "demo_project.gallery.middleware.content_security_policy",
        ],
        ROOT_URLCONF="demo_project.urls",
        STORAGES={**settings.STORAGES, **storages},
        TEMPLATES=templates,
    ):
        storage: Any = default_storage
        edge.application = replace(
            distribution_for(storage, StorageOrigin(storage)),
            domain_names=(f"{HOST}:{edge.port}", cdn),
        )
        yield Client()


@pytest.fixture
def ten_thumbnails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the page of a thousand thumbnails have ten of them, the first and the last included."""
    from demo_project.gallery import thumbnails  # needs Pillow

    monkeypatch.setattr(thumbnails, "THUMBNAILS", thumbnails.THUMBNAILS[:: thumbnails.COUNT // 9])
