"""Give the tests of the rotation a site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import translation

from cfsigned_django.core import keyring
from cfsigned_django.rotation import site as site_rotation, store
from cfsigned_django.signing import PrivateKey
from tests.rotation import Shell, Site
from tests.storage_cases import S3_BACKEND


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Keep every test apart from the language of a page before: it stays active in its thread."""
    with translation.override("en"):
        yield


@pytest.fixture
def key_group(db: None) -> Site:
    """Return a key group that holds a key that is not ours."""
    return Site()


@pytest.fixture
def shell(
    site: Any, monkeypatch: pytest.MonkeyPatch, rsa_key: PrivateKey, db: None
) -> Iterator[Shell]:
    """Return a shell on a site whose settings hold the key that is in the key group."""
    shell = Shell(settings_key=rsa_key)
    site.AWS_CLOUDFRONT_KEY_ID = shell.settings_key_id
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = shell.key_group_id
    site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    site.TIME_ZONE = "UTC"
    monkeypatch.setattr(site_rotation, "make_client", shell.make_client)
    monkeypatch.setattr(site_rotation, "send_probe", shell.send_probe)
    monkeypatch.setattr(store, "read_database_clock", lambda using: shell.now)
    keyring.forget()
    yield shell
    keyring.forget()
