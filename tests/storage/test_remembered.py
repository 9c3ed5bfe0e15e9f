"""Forget a URL that is no longer the one to give: options, settings, keys and the clock."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage
from django.db import DatabaseError
from django.test import override_settings

from cfsigned_django import keyring
from cfsigned_django.keyring import Found, Keyring
from cfsigned_django.signing import KeyAlgorithm, PrivateKey, Signer
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from tests.storage_cases import (
    DOMAIN,
    KEY_GROUP_ID,
    KEY_ID,
    OTHER_KEY_ID,
    at,
    counted_signatures,
    expiry_of,
    parameters_of,
    verify,
)

NOW = 1_775_000_000
DAY = 24 * 3600

pytestmark = pytest.mark.usefixtures("site")

#: URLs that stay for a step, and URLs of which each second has its own.
STEPS = pytest.mark.parametrize("step", [0, DAY])

OTHERS: dict[str, Any] = {
    "cloudfront_key_id": OTHER_KEY_ID,
    "custom_domain": "other.example.com",
    "url_protocol": "http:",
    "querystring_auth": False,
    "querystring_expire": 2 * DAY,
    "expire_step": 5 * DAY + 777,
    "hash_algorithm": "SHA256",
    "location": "elsewhere",
}


@STEPS
@pytest.mark.parametrize("option", OTHERS)
def test_assignment(option: str, step: int) -> None:
    """Give the URL of an option that is set after the first URL, and the old one after it."""
    storage = CloudFrontS3Storage(expire_step=step)
    with at(NOW):
        before, shared = (
            storage.url("a.jpg"),
            storage.url("a.jpg", resource="*", allow_any_resource=True),
        )
        old = getattr(storage, option)
        setattr(storage, option, OTHERS[option])
        assert storage.url("a.jpg") != before
        if option != "querystring_auth":
            assert storage.url("a.jpg", resource="*", allow_any_resource=True) != shared
        setattr(storage, option, old)
        assert storage.url("a.jpg") == before
        assert storage.url("a.jpg", resource="*", allow_any_resource=True) == shared


@STEPS
@pytest.mark.parametrize("cls", [CloudFrontS3Storage, CloudFrontFileSystemStorage])
def test_settings(cls: Any, step: int, ec_key: PrivateKey) -> None:
    """Give the URL of a setting that changes after the first URL."""
    storage = cls(expire_step=step)
    with at(NOW):
        before, shared = (
            storage.url("a.jpg"),
            storage.url("a.jpg", resource="*", allow_any_resource=True),
        )
        for changed in (
            {"AWS_LOCATION": "media"},
            {"AWS_S3_CUSTOM_DOMAIN": "other.example.com"},
            {"AWS_CLOUDFRONT_KEY": ec_key.to_pem()},
            {"AWS_QUERYSTRING_EXPIRE": 2 * DAY},
        ):
            with override_settings(**changed):
                assert storage.url("a.jpg") != before
                assert storage.url("a.jpg", resource="*", allow_any_resource=True) != shared
            assert storage.url("a.jpg") == before
            assert storage.url("a.jpg", resource="*", allow_any_resource=True) == shared


class Tenant:
    """Hold whose request this is."""

    name = "a"


class OfTenant(CloudFrontS3Storage):
    """Give each tenant a domain and a folder of its own."""

    @property
    def custom_domain(self) -> str:
        """Return the domain of the request's tenant."""
        return f"{Tenant.name}.example.com"

    @property
    def location(self) -> str:
        """Return the folder of the request's tenant."""
        return Tenant.name


class OwnPaths(CloudFrontS3Storage):
    """Put each tenant's files into a folder, in a way that nobody can foresee."""

    def _normalize_name(self, name: str) -> str:
        return f"{Tenant.name}/{name}"


class FoldersOfTenants(FileSystemStorage):
    """Serve each tenant's files from a folder of theirs, as a class of the site's own."""

    def url(self, name: str | None) -> str:
        """Return the path in the folder of the request's tenant."""
        return f"/{Tenant.name}/{name}"


class SignedFolders(CloudFrontFileSystemStorage, FoldersOfTenants):
    """Sign what that class returns."""


@STEPS
def test_tenants_of_a_class_behind(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tenants apart where a class behind this package's own makes the paths."""
    storage = SignedFolders(expire_step=step)
    with at(NOW):
        for tenant in ("a", "b"):
            monkeypatch.setattr(Tenant, "name", tenant)
            for resource in (None, "*"):
                url = storage.url("x.jpg", resource=resource, allow_any_resource=True)
                assert url.startswith(f"https://{DOMAIN}/{tenant}/x.jpg?")
                assert f"/{tenant}/" in verify(storage, url, now=NOW).resource


@pytest.mark.parametrize("cls", [OfTenant, OwnPaths])
def test_tenants(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tenants of one storage apart: no URL is used again."""
    storage = cls(expire_step=DAY)
    with at(NOW), counted_signatures() as signatures:
        for _ in range(3):
            for tenant in ("a", "b"):
                monkeypatch.setattr(Tenant, "name", tenant)
                domain = f"{tenant}.example.com" if cls is OfTenant else DOMAIN
                for resource in (None, "*"):
                    url = storage.url("x.jpg", resource=resource, allow_any_resource=True)
                    assert url.startswith(f"https://{domain}/{tenant}/x.jpg?")
                    assert f"{domain}/{tenant}/" in verify(storage, url, now=NOW).resource
    assert len(signatures) == 12


@STEPS
def test_copies(step: int) -> None:
    """Give a copy a memory of its own."""
    storage = CloudFrontS3Storage(expire_step=step)
    with at(NOW):
        url = storage.url("a.jpg")
        pickled = pickle.loads(pickle.dumps(storage))  # noqa: S301
        for copied in (copy.copy(storage), copy.deepcopy(storage), pickled):
            copied.custom_domain = "copy.example.com"
            assert copied.url("a.jpg").startswith("https://copy.example.com/")
            assert storage.url("a.jpg") == url


def test_clock_that_is_set_back() -> None:
    """Promise no more than expire and a step by a clock that was set back."""
    storage = CloudFrontS3Storage(expire_step=900)
    for moment in (NOW, NOW - 3600, NOW + 3600, NOW - 6 * DAY):
        with at(moment):
            assert 3600 <= expiry_of(storage.url("a.jpg")) - moment < 4500


class Database:
    """Say which key pair is ACTIVE, at a time that a test sets."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self.now: float = NOW
        self.answers = True
        self.looks = 0

    def find(self, *arguments: Any) -> Found:
        """Return the key pair that signs."""
        self.looks += 1
        if not self.answers:
            raise DatabaseError("gone away")
        return Found(signer=self.signer)

    def clock(self) -> float:
        """Return the time."""
        return self.now

    def url(self, storage: CloudFrontS3Storage, **arguments: Any) -> str:
        """Return the URL of a file at this time."""
        with at(self.now):
            return storage.url("a.jpg", **arguments)


@pytest.fixture
def database(site: Any, ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Let a database say which key signs, and a clock of the test's own what time it is."""
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    database = Database(Signer(key_pair_id="KFIRST000001", private_key=ec_key))
    made = Keyring(
        database.find, interval=lambda: 60, monotonic=database.clock, wall=database.clock
    )
    monkeypatch.setattr(keyring, "_keyring", made)
    return database


def key_of(url: str) -> str:
    """Return the id of the key that signed."""
    return parameters_of(url)["Key-Pair-Id"]


@pytest.mark.parametrize(
    "arguments", [{}, {"resource": "*", "allow_any_resource": True}, {"expire": 60}], ids=str
)
def test_key_is_replaced(database: Database, arguments: Any) -> None:
    """Sign with another key as soon as the keyring would, and not a second later."""
    storage = CloudFrontS3Storage(expire_step=6 * DAY)
    assert key_of(database.url(storage, **arguments)) == "KFIRST000001"
    second = PrivateKey.generate(KeyAlgorithm.ECDSA_P256)
    database.signer = Signer(key_pair_id="KSECOND00001", private_key=second)
    for seconds, key_pair_id in ((59, "KFIRST000001"), (60, "KSECOND00001"), (61, "KSECOND00001")):
        database.now = NOW + seconds
        assert key_of(database.url(storage, **arguments)) == key_pair_id


def test_key_is_replaced_within_a_second(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sign with another key as soon as the keyring would, also where a second shares its work."""
    made = Keyring(
        database.find, interval=lambda: 10, monotonic=database.clock, wall=database.clock
    )
    monkeypatch.setattr(keyring, "_keyring", made)
    storage = CloudFrontS3Storage()
    database.now = NOW + 0.5
    assert key_of(database.url(storage)) == "KFIRST000001"
    database.signer = Signer(key_pair_id="KSECOND00001", private_key=PrivateKey.generate())
    for seconds, key_pair_id in (
        (0.9, "KFIRST000001"),
        (10.1, "KFIRST000001"),
        (10.4, "KFIRST000001"),
        (10.5, "KSECOND00001"),
        (10.9, "KSECOND00001"),
    ):
        database.now = NOW + seconds
        assert key_of(database.url(storage)) == key_pair_id


@STEPS
def test_move_of_this_process(step: int, database: Database) -> None:
    """Sign with another key at once after a move that this process made."""
    storage = CloudFrontS3Storage(expire_step=step)
    database.url(storage)
    database.signer = Signer(key_pair_id="KSECOND00001", private_key=PrivateKey.generate())
    keyring.forget()
    assert key_of(database.url(storage)) == "KSECOND00001"


def test_look_brings_the_same_key(database: Database) -> None:
    """Sign nothing anew after a look that finds the same key, and look once per interval."""
    storage = CloudFrontS3Storage(expire_step=6 * DAY)
    with at(NOW):
        names = [f"{number}.jpg" for number in range(20)]
        urls = [storage.url(name) for name in names]
    with counted_signatures() as signatures:
        for minute in range(1, 10):
            database.now = NOW + 60 * minute
            with at(database.now):
                assert [storage.url(name) for name in names] == urls
    assert signatures == []
    assert database.looks == 10


@pytest.mark.parametrize("arguments", [{}, {"resource": "*", "allow_any_resource": True}], ids=str)
def test_database_is_away(database: Database, arguments: Any) -> None:
    """Cut URLs short while the database is away, remember none of these, and then stop."""
    storage = CloudFrontS3Storage(max_expire=3600, expire_step=600)

    def lifetime() -> int:
        url = database.url(storage, **arguments)
        with at(database.now):
            return verify(storage, url, now=int(database.now)).date_less_than - int(database.now)

    assert 3600 <= lifetime() < 4200
    database.answers = False
    last = NOW + 120 + 4200  # two intervals, and the longest life of a URL, after the last answer
    for seconds in (60, 600, 1200, 3600, 4300):
        database.now = NOW + seconds
        assert lifetime() == last - database.now or 3600 <= lifetime() < 4200
        assert database.now + lifetime() <= last
    assert lifetime() == 20
    database.now = last
    with pytest.raises(ImproperlyConfigured, match="has not said"):
        lifetime()
    database.answers = True
    database.now += 60
    assert 3600 <= lifetime() < 4200


@STEPS
def test_settings_key(step: int, database: Database) -> None:
    """Remember nothing of the settings' key where the database's signs."""
    storage = CloudFrontS3Storage(expire_step=step)
    with override_settings(AWS_CLOUDFRONT_KEY_GROUP_ID=None), at(NOW):
        assert key_of(storage.url("a.jpg")) == KEY_ID
    assert key_of(database.url(storage)) == "KFIRST000001"


@STEPS
@pytest.mark.parametrize("later", [NOW + 1, NOW + 59])
def test_signer_that_is_handed_in(later: int, step: int, ec_key: PrivateKey) -> None:
    """Sign with a signer that is handed in after the first URL."""
    storage = CloudFrontS3Storage(expire_step=step)
    with at(NOW):
        assert key_of(storage.url("a.jpg")) == KEY_ID
    storage.cloudfront_signer = Signer(key_pair_id=OTHER_KEY_ID, private_key=ec_key)
    with at(later):
        assert key_of(storage.url("a.jpg")) == OTHER_KEY_ID
