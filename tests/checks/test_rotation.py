"""Find what is wrong with the settings of rotation, and with the keys in the database."""

from __future__ import annotations

import io
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import Error, connection
from pytest_django import Settings

from cfsigned_django import keyring
from cfsigned_django.checks.rotation import check_rotation, check_sealed_keys
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.storage import (
    CloudFrontFileSystemStorage,
    CloudFrontS3Storage,
    options as storage_options,
)
from tests.checks.test_storages import STATIC
from tests.keyring import KEY_GROUP_ID, make_key_pair
from tests.leaks import fragments
from tests.storage_cases import FILE_BACKEND, KEY_ID, OTHER_KEY_ID, S3_BACKEND
from tests.test_checks import ids

OTHER_GROUP = "00000000-1111-4222-8333-444444444444"

# An id -> the setting that makes it true of a site that is otherwise healthy.
WRONG: list[tuple[str, str, Any]] = [
    ("E023", "ENCRYPTION_KEYS", "wrong secret"),
    ("E023", "ENCRYPTION_KEYS", ["wrong secret", None]),
    ("E024", "KEYRING_SECONDS", "60"),
    ("E024", "PROPAGATION_SECONDS", -1),
    ("E024", "CLOCK_SKEW_SECONDS", 1.5),
    ("E024", "CLAIM_SECONDS", None),
    ("E024", "CLAIM_SECONDS", True),
    ("E025", "SPARE_KEY", "RSA_4096"),
    ("E025", "SPARE_KEY", True),
    ("E027", "KEY_GROUP_QUOTA", "10"),
    ("E027", "KEY_GROUP_QUOTA", 0),
    ("E027", "KEY_GROUP_QUOTA", True),
    ("W006", "KEYRING_SECONDS", 7 * 24 * 3600),
    ("W006", "KEYRING_SECONDS", 0),
    ("W006", "PROPAGATION_SECONDS", timedelta(0)),
    ("W006", "CLAIM_SECONDS", 0),
    ("W006", "CLAIM_SECONDS", 29),
]


@pytest.fixture(autouse=True)
def _site(site: Settings) -> None:
    """Set up a site whose keys rotate."""
    site.STORAGES = {"default": {"BACKEND": FILE_BACKEND}, "staticfiles": STATIC}
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID


def test_a_healthy_site(settings: Settings) -> None:
    """Find nothing wrong with the defaults, nor with values that make sense."""
    assert check_rotation() == []

    settings.AWS_CLOUDFRONT_KEYRING_SECONDS = 7 * 24 * 3600 - 1
    settings.AWS_CLOUDFRONT_PROPAGATION_SECONDS = timedelta(seconds=1)
    settings.AWS_CLOUDFRONT_SPARE_KEY = "RSA_2048"
    settings.AWS_CLOUDFRONT_KEY_GROUP_QUOTA = 10
    settings.AWS_CLOUDFRONT_CLAIM_SECONDS = 30
    assert check_rotation() == []


@pytest.mark.parametrize(("check_id", "name", "value"), WRONG, ids=str)
def test_fact(check_id: str, name: str, value: Any, settings: Settings) -> None:
    """Find the one thing that is wrong, and name the setting."""
    setattr(settings, f"AWS_CLOUDFRONT_{name}", value)

    found = check_rotation()

    assert ids(found) == [check_id]
    assert f"AWS_CLOUDFRONT_{name}" in found[0].msg
    assert "wrong secret" not in found[0].msg


def test_time_zones(settings: Settings) -> None:
    """Find that USE_TZ is False where keys rotate, and only there."""
    settings.USE_TZ = False
    assert ids(check_rotation()) == ["E026"]

    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = None
    assert check_rotation() == []


def test_the_shortest_lifetime_counts(settings: Settings) -> None:
    """Compare KEYRING_SECONDS with the storage whose URLs live for the shortest time."""
    short = {"BACKEND": FILE_BACKEND, "OPTIONS": {"max_expire": 60, "querystring_expire": 60}}
    settings.STORAGES = {"default": {"BACKEND": FILE_BACKEND}, "short": short}
    assert ids(check_rotation()) == ["W006"]

    settings.AWS_CLOUDFRONT_KEYRING_SECONDS = 59
    assert check_rotation() == []


def test_a_lifetime_that_is_none_is_left_to_others(settings: Settings) -> None:
    """Report a wrong AWS_CLOUDFRONT_MAX_EXPIRE once, as E014 does."""
    settings.AWS_CLOUDFRONT_MAX_EXPIRE = "a week"
    assert check_rotation() == []


class OfTenant(CloudFrontFileSystemStorage):
    """Have a domain that only a request knows."""

    @property
    def custom_domain(self) -> str:
        """Fail outside a request."""
        raise LookupError("no request is being served")


class WithKeyOfTenant(CloudFrontFileSystemStorage):
    """Have a key that only a request knows, and no key group."""

    key_group_id = None

    @property
    def cloudfront_key_id(self) -> str:
        """Fail outside a request."""
        raise LookupError("no request is being served")


class TestBypassedRotation:
    """Look for storages that sign with the key that rotates, and do not follow."""

    @pytest.mark.parametrize(
        "options",
        [{"key_group_id": None}, {"key_group_id": OTHER_GROUP}, {"cloudfront_signer": Signer}],
        ids=["no group", "other group", "signer"],
    )
    def test_alias(self, options: dict[str, Any], settings: Settings, ec_key: PrivateKey) -> None:
        """Warn of an alias outside the key group, and of one that a signer is handed to."""
        if "cloudfront_signer" in options:
            options = {"cloudfront_signer": Signer(key_pair_id=KEY_ID, private_key=ec_key)}
        settings.STORAGES = {**settings.STORAGES, "invoices": outside(**options)}

        (found,) = check_rotation()

        assert ids([found]) == ["W009"]
        assert found.obj == 'STORAGES["invoices"]'
        assert KEY_ID in found.msg

    def test_field(self, fields: Any) -> None:
        """Warn of a file field whose storage is outside the key group, and of no other."""
        report = fields(
            file=CloudFrontS3Storage(),
            invoice=CloudFrontS3Storage(key_group_id=None),
            public=CloudFrontS3Storage(key_group_id=None, querystring_auth=False),
        )

        (found,) = check_rotation()

        assert ids([found]) == ["W009"]
        assert found.obj is report._meta.get_field("invoice")

    @pytest.mark.parametrize(
        ("options", "is_apart"),
        [
            ({"key_group_id": None}, True),
            ({"key_group_id": OTHER_GROUP}, True),
            ({"cloudfront_signer": Signer}, True),
            ({}, False),
            ({"cloudfront_signer": None}, False),
            ({"cloudfront_signer": "a text"}, False),
            ({"key_group_id": None, "cloudfront_key_id": OTHER_KEY_ID}, False),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("is_field", [False, True])
    @pytest.mark.django_db
    def test_option_of_a_request(
        self,
        options: dict[str, Any],
        is_apart: bool,
        is_field: bool,
        settings: Settings,
        ec_key: PrivateKey,
        fields: Any,
    ) -> None:
        """Warn of a storage whose domain only a request knows, and do not retire its key."""
        if options.get("cloudfront_signer") is Signer:
            options = {"cloudfront_signer": Signer(key_pair_id=KEY_ID, private_key=ec_key)}
        if is_field:
            fields(file=OfTenant(**options))
        else:
            entry = {"BACKEND": f"{__name__}.OfTenant", "OPTIONS": options}
            settings.STORAGES = {**settings.STORAGES, "tenants": entry}

        assert ids(check_rotation()) == ["W009"] * is_apart
        assert bool(site_rotation().find_bypass(KEY_ID)) is is_apart

    def test_key_of_a_request(self, settings: Settings) -> None:
        """Say nothing of a storage whose key only a request knows."""
        settings.STORAGES = {
            **settings.STORAGES,
            "tenants": {"BACKEND": f"{__name__}.WithKeyOfTenant", "OPTIONS": {}},
        }
        assert check_rotation() == []

    def test_key_of_its_own(self, settings: Settings, ec_key: PrivateKey) -> None:
        """Say nothing of a storage outside the key group that signs with another key."""
        options = {"cloudfront_key": ec_key.to_pem().decode(), "cloudfront_key_id": OTHER_KEY_ID}
        alias = outside(key_group_id=None, **options)
        signer = Signer(key_pair_id=OTHER_KEY_ID, private_key=ec_key)
        settings.STORAGES = {
            **settings.STORAGES,
            "invoices": alias,
            "handed": outside(cloudfront_signer=signer),
            "public": outside(key_group_id=None, querystring_auth=False),
        }

        assert check_rotation() == []

    def test_no_rotation(self, settings: Settings) -> None:
        """Say nothing where the site names no key group to rotate in, or holds no key."""
        settings.STORAGES = {**settings.STORAGES, "invoices": outside(key_group_id=None)}
        settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None
        assert check_rotation() == []

        settings.AWS_CLOUDFRONT_KEY_ID = KEY_ID
        settings.AWS_CLOUDFRONT_KEY_GROUP_ID = None
        settings.STORAGES = {**settings.STORAGES, "invoices": outside(key_group_id=KEY_GROUP_ID)}
        assert check_rotation() == []


def outside(**options: Any) -> dict[str, Any]:
    """Return the entry of another storage in STORAGES."""
    return {"BACKEND": S3_BACKEND, "OPTIONS": options}


def test_manage_py_check_reports(settings: Settings) -> None:
    """Report by manage.py check, which needs no database for it."""
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = ["wrong"]
    with pytest.raises(SystemCheckError, match=r"cfsigned\.E023"):
        call_command("check", stderr=io.StringIO())


@pytest.mark.django_db
class TestSealedKeys:
    """Look at the private keys in the database."""

    def test_all_open(self, ec_key: PrivateKey) -> None:
        """Say nothing of keys that open, nor of one that was erased."""
        make_key_pair(ec_key, "K1")
        make_key_pair(ec_key, "K2", encrypted_private_key="")

        assert check_sealed_keys(databases=["default"]) == []

    def test_one_that_does_not_open(self, ec_key: PrivateKey, settings: Settings) -> None:
        """Name each key pair that no encryption key opens, and the setting that changed."""
        make_key_pair(ec_key, "KFORMER")
        settings.SECRET_KEY = "new"
        make_key_pair(ec_key, "KNEW")

        found = check_sealed_keys(databases=["default"])

        assert ids(found) == ["W007"]
        assert found[0].msg.startswith(f"KFORMER (RETIRING, key group {KEY_GROUP_ID}): SECRET_KEY")
        assert not any(each in str(found) for each in fragments(ec_key))

    def test_only_check_with_a_database_looks(self, ec_key: PrivateKey, settings: Settings) -> None:
        """Look into the database with check --database, as Django's own checks do."""
        make_key_pair(ec_key, "K1")
        settings.SECRET_KEY = "new"
        plain, with_database = io.StringIO(), io.StringIO()

        call_command("check", stderr=plain)
        call_command("check", databases=["default"], stderr=with_database)

        assert "W007" not in plain.getvalue()
        assert "cfsigned.W007" in with_database.getvalue()

    def test_malformed_keys_are_reported_once(self, ec_key: PrivateKey, settings: Settings) -> None:
        """Leave it to E023 that no key opens anything while one entry is wrong."""
        make_key_pair(ec_key, "K1")
        settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = ["wrong"]

        assert check_sealed_keys(databases=["default"]) == []

    def test_before_the_first_migration(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Say nothing where the table is not there yet: migrate runs these checks first."""
        monkeypatch.setattr(KeyPair._meta, "db_table", "not_there_yet")

        assert check_sealed_keys(databases=["default"]) == []

    def test_a_database_that_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Leave it to Django to report a database that does not answer."""

        def fail(*arguments: Any, **named: Any) -> Any:
            raise Error("gone")

        monkeypatch.setattr(connection.introspection, "table_names", fail)

        assert check_sealed_keys(databases=["default"]) == []

    def test_a_database_without_key_pairs(self, settings: Settings) -> None:
        """Ask only databases that a router gives key pairs to."""
        settings.DATABASE_ROUTERS = ["tests.checks.test_rotation.Elsewhere"]
        settings.SECRET_KEY = "new"

        assert check_sealed_keys(databases=["default"]) == []


class Elsewhere:
    """Keep key pairs out of every database."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Refuse this app."""
        return False if app_label == "cfsigned_django" else None


@pytest.fixture
def _without_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the site be one without the app."""
    monkeypatch.setattr(keyring, "_keyring", None)
    storage_options.log_once.cache_clear()


@pytest.mark.usefixtures("_without_app")
def test_a_key_group_without_the_app(caplog: pytest.LogCaptureFixture) -> None:
    """Say that nobody looks up the group's key: in find_problems, and once in the log."""
    storage, again = CloudFrontFileSystemStorage(), CloudFrontFileSystemStorage()

    with caplog.at_level(logging.WARNING, "cfsigned_django"):
        storage.url("a.jpg")
        again.url("a.jpg")

    assert ids(storage.find_problems()) == ["W008"]
    assert [each.levelname for each in caplog.records] == ["WARNING"]
    assert "INSTALLED_APPS" in caplog.text


@pytest.mark.usefixtures("_without_app")
def test_no_key_group_and_no_app(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """Say nothing of the app where no key group is named: the storage needs none."""
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = None

    CloudFrontFileSystemStorage().url("a.jpg")

    assert CloudFrontFileSystemStorage().find_problems() == []
    assert caplog.records == []


@pytest.mark.usefixtures("_without_app")
def test_a_signer_that_is_handed_in_needs_no_app(
    ec_key: PrivateKey, caplog: pytest.LogCaptureFixture
) -> None:
    """Say nothing of the app where the code itself decides which key signs."""
    storage = CloudFrontS3Storage(
        cloudfront_signer=Signer(key_pair_id="KHANDEDIN", private_key=ec_key)
    )

    storage.url("a.jpg")

    assert storage.find_problems() == []
    assert caplog.records == []
