"""Find what is wrong with the settings of rotation, and with the keys in the database."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.checks.registry import registry
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection
from django.utils.timezone import localtime
from pytest_django import Settings

from cfsigned_django.checks.rotation import check_encrypted_keys, check_rotation
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.site import site_rotation, site_waits
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from tests.checks import ids
from tests.checks.test_every_id import STATIC
from tests.keyring import KEY_GROUP_ID, make_key_pair
from tests.leaks import fragments
from tests.projects import Project
from tests.storage_cases import FILE_BACKEND, KEY_ID, OTHER_KEY_ID, S3_BACKEND

OURS = ["cfsigned_django"]
STRONG = "a new secret key, as long as Django wants one: 0123456789"
OTHER_GROUP = "00000000-1111-4222-8333-444444444444"


@pytest.fixture(autouse=True)
def _site(site: Settings) -> None:
    """Set up a site whose keys rotate."""
    site.STORAGES = {"default": {"BACKEND": FILE_BACKEND}, "staticfiles": STATIC}
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID


class OfTenant(CloudFrontFileSystemStorage):
    """A storage whose domain only a request knows."""

    @property
    def custom_domain(self) -> str:
        """Fail outside a request."""
        raise LookupError("no request is being served")


class WithKeyOfTenant(CloudFrontFileSystemStorage):
    """A storage whose key only a request knows, without a key group."""

    key_group_id = None

    @property
    def cloudfront_key_id(self) -> str:
        """Fail outside a request."""
        raise LookupError("no request is being served")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "is_apart"),
    [
        ({"key_group_id": None}, True),
        ({"key_group_id": OTHER_GROUP}, True),
        ({"cloudfront_signer": KEY_ID}, True),
        ({}, False),
        ({"cloudfront_signer": OTHER_KEY_ID}, False),
        ({"cloudfront_signer": None}, False),
        ({"cloudfront_signer": ["no signer"]}, False),
        ({"key_group_id": None, "cloudfront_key_id": OTHER_KEY_ID}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("cls", [CloudFrontS3Storage, OfTenant])
@pytest.mark.parametrize("is_field", [False, True])
def test_bypassed_rotation(
    options: dict[str, Any],
    is_apart: bool,
    cls: type,
    is_field: bool,
    settings: Settings,
    ec_key: PrivateKey,
    fields: Any,
) -> None:
    """Warn of a storage that signs with the key that rotates and does not follow; do not retire it.

    As an alias or for a field; also if only a request knows its domain.
    """
    if isinstance(key_pair_id := options.get("cloudfront_signer"), str):
        options = {"cloudfront_signer": Signer(key_pair_id=key_pair_id, private_key=ec_key)}
    if is_field:
        place = fields(file=cls(**options))._meta.get_field("file")
    else:
        backend = S3_BACKEND if cls is CloudFrontS3Storage else f"{__name__}.OfTenant"
        entry = {"BACKEND": backend, "OPTIONS": options}
        settings.STORAGES = {**settings.STORAGES, "invoices": entry}
        place = 'STORAGES["invoices"]'

    found = check_rotation()

    assert [(each.obj, *ids([each])) for each in found] == [(place, "W009")] * is_apart
    assert all(KEY_ID in each.msg for each in found)
    assert bool(site_rotation().find_bypass(KEY_ID)) is is_apart


def test_several_bypass_the_rotation(settings: Settings) -> None:
    """Warn once of all storages that sign with the same key and do not follow."""
    outside = {"BACKEND": S3_BACKEND, "OPTIONS": {"key_group_id": None}}
    settings.STORAGES = {**settings.STORAGES, "invoices": outside, "letters": outside}

    [found] = check_rotation()

    assert ids([found]) == ["W009"]
    assert found.obj == 'STORAGES["invoices"], STORAGES["letters"]'


def test_nothing_to_bypass(settings: Settings) -> None:
    """Find nothing if a request names the key, URLs are public, or no key or group is set."""
    tenants = {"BACKEND": f"{__name__}.WithKeyOfTenant"}
    outside = {"BACKEND": S3_BACKEND, "OPTIONS": {"key_group_id": OTHER_GROUP}}
    public = {"BACKEND": S3_BACKEND, "OPTIONS": {"key_group_id": None, "querystring_auth": False}}
    before = settings.STORAGES
    settings.STORAGES = {**before, "tenants": tenants, "public": public}
    assert check_rotation() == []

    settings.STORAGES = {**before, "invoices": outside}
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = None
    assert check_rotation() == []

    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    settings.AWS_CLOUDFRONT_KEY = settings.AWS_CLOUDFRONT_KEY_ID = None
    assert check_rotation() == []


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
        begins = datetime(2027, 5, 4, 12, tzinfo=UTC)
        KeyPair.objects.filter(active_in=KEY_GROUP_ID).update(
            status="retiring", active_in=None, retiring_at=begins
        )
        [found] = check_encrypted_keys(databases=["default"])
        ends = begins + timedelta(seconds=site_waits().retirement)
        assert f"{localtime(ends):%H:%M:%S}" in found.msg
        KeyPair.objects.exclude(key_pair_id="KNEW").update(encrypted_private_key="")
        assert check_encrypted_keys(databases=["default"]) == []

    def test_malformed_keys_are_reported_once(self, ec_key: PrivateKey, settings: Settings) -> None:
        """Leave it to E023 that no key is decrypted while one entry is wrong."""
        make_key_pair(ec_key, "K1")
        settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = ["wrong"]

        assert check_encrypted_keys(databases=["default"]) == []

    @pytest.mark.parametrize("failure", ["no table", "no answer", "router"])
    def test_a_database_that_is_not_ready(
        self,
        failure: str,
        ec_key: PrivateKey,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Find nothing before the first migration, without an answer, and in other databases."""
        make_key_pair(ec_key, "K1")
        settings.SECRET_KEY = "new"

        def table_names(*arguments: Any, **named: Any) -> list[str]:
            if failure == "no answer":
                raise Error("gone")
            return []

        if failure == "router":
            settings.DATABASE_ROUTERS = [f"{__name__}.Elsewhere"]
        else:
            monkeypatch.setattr(connection.introspection, "table_names", table_names)

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

    settings.DATABASE_ROUTERS = [f"{__name__}.Written"]
    assert check_encrypted_keys(databases=["default"]) == []


class Written:
    """Write key pairs to another database than the one that is checked."""

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """Name it."""
        return "keys"


class Elsewhere:
    """Keep key pairs out of every database."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Refuse this app."""
        return False if app_label == "cfsigned_django" else None


def test_a_key_group_without_the_app(tmp_path: Path, ec_key: PrivateKey) -> None:
    """Report that the group's key is never looked up, and log it once; only if one is named."""
    project = Project(folder=tmp_path, key=ec_key)
    project.settings(f'AWS_CLOUDFRONT_KEY_GROUP_ID = "{KEY_GROUP_ID}"')
    done = project.run(
        "import os\n"
        "from cfsigned_django.signing import PrivateKey, Signer\n"
        "from cfsigned_django.storage import CloudFrontFileSystemStorage as Storage\n"
        "from cfsigned_django.storage.options import find_signing_problems\n"
        "key = PrivateKey.load(os.environ['CLOUDFRONT_PRIVATE_KEY'])\n"
        "signer = Signer(key_pair_id='KHANDEDIN', private_key=key)\n"
        "for options in ({'cloudfront_signer': signer}, {'key_group_id': None}, {}, {}):\n"
        "    Storage(**options).url('a.jpg')\n"
        "    signing = Storage(**options).cfsigned\n"
        "    given = signing.config(), signing.handed_in()\n"
        "    print(*[each.id for each in find_signing_problems(*given, tries_key=True)], sep=',')\n"
    )

    assert done.stdout.splitlines() == ["", "", "cfsigned.W008", "cfsigned.W008"]
    assert done.stderr.count("cfsigned.W008") == 1


@pytest.mark.parametrize(
    ("tenants", "starts"),
    [
        ({"TENANT_APPS": ["blog"]}, True),
        ({"TENANT_APPS": ["blog", "cfsigned_django"]}, False),
        ({"TENANT_APPS": ["cfsigned_django.apps.CfsignedDjangoConfig"]}, False),
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


_DATABASE = """
INSTALLED_APPS = ["cfsigned_django"]
AWS_CLOUDFRONT_KEY_GROUP_ID = "{group}"
STORAGES = {{"default": {{"BACKEND": "cfsigned_django.storage.CloudFrontS3Storage"}}}}
DATABASES = {{"default": {{
    "ENGINE": "django.db.backends.postgresql",
    "NAME": "site", "USER": "site", "HOST": "127.0.0.1", "PORT": {port},
}}}}
"""


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Return a socket on which nothing listens yet."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        yield server


@pytest.mark.parametrize("is_asked", [False, True], ids=["plain", "database"])
def test_check_without_a_database(
    server: socket.socket, is_asked: bool, tmp_path: Path, ec_key: PrivateKey
) -> None:
    """Pass if it refuses connections; a plain check opens none, also with Django 6.1."""
    pytest.importorskip("psycopg", reason="needs the driver of PostgreSQL")
    if not is_asked:
        server.listen()
    project = Project(folder=tmp_path, key=ec_key)
    project.settings(_DATABASE.format(group=KEY_GROUP_ID, port=server.getsockname()[1]))

    done = project.manage("check", *(["--database", "default"] if is_asked else []))

    assert (done.returncode, done.stderr) == (0, "")
    if not is_asked:
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
