"""Find what is wrong with the settings of rotation, and with the keys in the database.

Modules: checks.py
"""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.checks.registry import registry
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection
from django.utils.timezone import localtime
from pytest_django import Settings

from cfsigned_django.checks import check_encrypted_keys, check_rotation
from cfsigned_django.core import keyring
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.site import site_rotation, site_waits
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from tests.checks import ids
from tests.checks.test_every_id import STATIC
from tests.keyring import KEY_GROUP_ID, make_key_pair
from tests.leaks import fragments
from tests.storage_cases import (
    FILE_BACKEND,
    KEY_ID,
    OF_REQUEST,
    OTHER_KEY_ID,
    S3_BACKEND,
    problems_of,
)

OURS = ["cfsigned_django"]
OTHER_GROUP = "00000000-1111-4222-8333-444444444444"
STRONG = "a new secret key, as long as Django wants one: 0123456789"


@pytest.fixture(autouse=True)
def _site(site: Settings) -> None:
    """Set up a site whose keys rotate."""
    site.STORAGES = {"default": {"BACKEND": FILE_BACKEND}, "staticfiles": STATIC}
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "is_apart"),
    [
        ({"key_group_id": None}, True),
        ({"key_group_id": OTHER_GROUP}, True),
        ({}, False),
        ({"key_group_id": None, "cloudfront_key_id": OTHER_KEY_ID}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["alias", "alias of a request", "field"])
def test_bypassed_rotation(
    options: dict[str, Any], is_apart: bool, kind: str, settings: Settings, fields: Any
) -> None:
    """Warn of a storage that signs with the key that rotates and does not follow; do not retire it.

    As an alias or for a field; also if only a request knows its domain. What is known of the key
    of a storage is in tests/storage/test_site_storages.py.
    """
    if kind == "field":
        place = fields(file=CloudFrontS3Storage(**options))._meta.get_field("file")
    else:
        backend = S3_BACKEND if kind == "alias" else OF_REQUEST
        entry = {"BACKEND": backend, "OPTIONS": options}
        settings.STORAGES = {**settings.STORAGES, "invoices": entry}
        place = 'STORAGES["invoices"]'

    found = check_rotation()

    assert [(each.obj, *ids([each])) for each in found] == [(place, "W009")] * is_apart
    assert all(KEY_ID in each.msg for each in found)
    assert bool(site_rotation().find_bypass(KEY_ID)) is is_apart


@pytest.mark.django_db
class TestEncryptedKeys:
    """Keys in the database that no encryption key decrypts."""

    def test_one_that_cannot_be_decrypted(self, ec_key: PrivateKey, settings: Settings) -> None:
        """Name each such key pair, and the setting; not one that was erased, nor a good one."""
        make_key_pair(ec_key, "KERASED", encrypted_private_key="")
        make_key_pair(ec_key, "KFORMER")
        settings.SECRET_KEY = STRONG
        make_key_pair(ec_key, "KNEW")

        found = check_encrypted_keys(databases=["default"])

        assert ids(found) == ["W007"]
        for part in ("KFORMER", "RETIRING", KEY_GROUP_ID, "SECRET_KEY"):
            assert part in found[0].msg
        assert not any(each in str(found) for each in fragments(ec_key))

    def test_previous_key(self, ec_key: PrivateKey, settings: Settings) -> None:
        """Name what it encrypted in any key group, where to start, and at last until when."""
        settings.SECRET_KEY = STRONG
        make_key_pair(ec_key, "KERASED", encrypted_private_key="")
        active = {"status": "active", "active_in": KEY_GROUP_ID}
        rows = [
            make_key_pair(ec_key, "KACTIVE", **active),
            make_key_pair(ec_key, "KPENDING", status="pending", next_in=KEY_GROUP_ID),
            make_key_pair(ec_key, "KELSEWHERE", key_group_id="no storage's"),
        ]
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = f"new {STRONG}", [STRONG]

        [found] = check_encrypted_keys(databases=["default"])

        assert ids([found]) == ["W011"]
        assert all(str(each) in found.msg and each.key_group_id in found.msg for each in rows)
        assert found.msg.endswith("manage.py cfsigned_rotate --start")
        KeyPair.objects.filter(status="pending").delete()
        make_key_pair(ec_key, "KNEW", status="pending", next_in=KEY_GROUP_ID)
        [found] = check_encrypted_keys(databases=["default"])
        assert ("KACTIVE" in found.msg, "KNEW" in found.msg) == (True, False)
        assert "--start" not in found.msg
        begins = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
        KeyPair.objects.filter(active_in=KEY_GROUP_ID).update(
            status="retiring", active_in=None, retiring_at=begins
        )
        [found] = check_encrypted_keys(databases=["default"])
        ends = begins + timedelta(seconds=site_waits().retirement)
        assert f"{localtime(ends):%H:%M:%S}" in found.msg
        KeyPair.objects.exclude(key_pair_id="KNEW").update(encrypted_private_key="")
        assert check_encrypted_keys(databases=["default"]) == []

    def test_a_database_that_is_not_ready(self, ec_key: PrivateKey, settings: Settings) -> None:
        """Find nothing before the first migration, without an answer, and in other databases."""
        make_key_pair(ec_key, "K1")
        settings.SECRET_KEY = "new"
        answers: list[dict[str, Any]] = [{"return_value": []}, {"side_effect": Error("gone")}]
        for each in answers:
            with mock.patch.object(connection.introspection, "table_names", **each):
                assert check_encrypted_keys(databases=["default"]) == []

        settings.DATABASE_ROUTERS = [SimpleNamespace(allow_migrate=lambda *given, **hints: False)]
        assert check_encrypted_keys(databases=["default"]) == []


def test_no_key_anywhere(settings: Settings, ec_key: PrivateKey, db: None) -> None:
    """Ask the database that key pairs are written to, and no other, whether a key signs."""
    settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None
    assert ids(check_encrypted_keys(databases=["default"])) == ["W014"]

    active = {"status": "active", "active_in": KEY_GROUP_ID}
    make_key_pair(ec_key, "K1", **active)
    assert check_encrypted_keys(databases=["default"]) == []

    make_key_pair(ec_key, KEY_ID)
    settings.AWS_CLOUDFRONT_KEY, settings.AWS_CLOUDFRONT_KEY_ID = ec_key.to_pem(), KEY_ID
    KeyPair.objects.filter(active_in=KEY_GROUP_ID).delete()
    assert ids(check_encrypted_keys(databases=["default"])) == ["W014"]

    settings.DATABASE_ROUTERS = [SimpleNamespace(db_for_write=lambda *given, **hints: "keys")]
    assert check_encrypted_keys(databases=["default"]) == []


def test_a_key_group_without_the_app(
    ec_key: PrivateKey,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Report that the group's key is never looked up, and log it once; only if one is named."""
    monkeypatch.setattr(keyring, "_keyring", None)
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = str(uuid4())  # which no test has logged
    signer = Signer(key_pair_id="KHANDEDIN", private_key=ec_key)
    for options, found in (
        *(({"cloudfront_signer": signer}, []), ({"key_group_id": None}, [])),
        *(({}, ["W008"]), ({}, ["W008"])),
    ):
        storage = CloudFrontFileSystemStorage(**options)
        storage.url("a.jpg")
        assert ids(problems_of(storage)) == found

    [message] = caplog.messages
    assert "cfsigned.W008" in message


@pytest.mark.parametrize(
    ("tenants", "starts"),
    [
        ({"TENANT_APPS": ["blog"]}, True),
        ({"TENANT_APPS": ["blog", "cfsigned_django"]}, False),
        ({"TENANT_TYPES": {"public": {"APPS": OURS}, "shop": {"APPS": ["blog"]}}}, True),
        ({"TENANT_TYPES": {"public": {"APPS": []}, "shop": {"APPS": OURS}}}, False),
    ],
    ids=str,
)
def test_tenants(tenants: dict[str, Any], starts: bool, settings: Settings) -> None:
    """Refuse to start if each tenant of django-tenants would have its own table of keys."""
    for name, value in tenants.items():
        setattr(settings, name, value)

    with nullcontext() if starts else pytest.raises(ImproperlyConfigured, match="SHARED_APPS"):
        apps.get_app_config("cfsigned_django").ready()


def test_app_that_is_ready_again_registers_no_check_twice() -> None:
    """Report a problem once, also after a test of the site has changed INSTALLED_APPS."""
    before = registry.get_checks(include_deployment_checks=True)

    apps.get_app_config("cfsigned_django").ready()

    assert len(registry.get_checks(include_deployment_checks=True)) == len(before)
