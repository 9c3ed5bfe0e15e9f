"""Find every storage of a site that signs, and what is wrong with the site, as manage.py check.

Here are the ids, those of validation.py too; what else a message must say or hide is at the end.

Modules: core/validation.py, checks.py, storage/site_storages.py
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from cryptography.fernet import Fernet
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core import checks
from django.core.checks.registry import registry
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import (
    FileSystemStorage,
    default_storage,
    storages as storage_handler,
)
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import models
from django.test import override_settings
from django.utils.functional import SimpleLazyObject
from storages.backends.s3 import S3StaticStorage

from cfsigned_django.checks import check_storages
from cfsigned_django.cookies import SignedCookieScope
from cfsigned_django.core import conf
from cfsigned_django.core.conf import Config
from cfsigned_django.core.validation import TABLE, find_problems, problem, raise_first_error
from cfsigned_django.signing import HashAlgorithm, InvalidKey, PrivateKey
from cfsigned_django.storage import (
    CloudFrontFileSystemStorage,
    CloudFrontS3Storage,
)
from tests.checks import ids
from tests.keyring import make_key_pair
from tests.storage_cases import (
    DAY,
    DOMAIN,
    FILE_BACKEND,
    KEY_GROUP_ID,
    KEY_ID,
    OF_REQUEST,
    S3_BACKEND,
    SIGNER_OF_REQUEST,
    OfTenant,
    counted_signatures,
    options_for,
)

TENANT = {"BACKEND": "tests.storage_cases.OfTenant"}
FOLDER_OF_REQUEST = {"BACKEND": "tests.storage_cases.LocationOfRequest"}
STATIC = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
OURS = {"BACKEND": S3_BACKEND}
ON_DISK = {"BACKEND": FILE_BACKEND}
PLAIN = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
S3 = {"BACKEND": "storages.backends.s3.S3Storage"}
S3_STATIC = {"BACKEND": "storages.backends.s3.S3StaticStorage"}
CAP = "cfsigned_django.http.cap_cache_control"
UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"
OTHER = "django.middleware.common.CommonMiddleware"
LOCAL = ("localhost:8001", "127.1.2.3", "cdn.example.test", "a.localhost")
NOT_LOCAL = ("128.0.0.1", "testing.example.com", "localhost.example.com")
NO_KEY = dict.fromkeys(
    ["AWS_CLOUDFRONT_KEY", "AWS_CLOUDFRONT_KEY_ID", "AWS_CLOUDFRONT_KEY_GROUP_ID"]
)


class BucketOfTenant(CloudFrontS3Storage):
    """Give each tenant a bucket."""

    @property
    def bucket_name(self) -> str:
        """Return nothing before a request."""
        return ""

    @bucket_name.setter
    def bucket_name(self, value: str | None) -> None:
        """Ignore the setting."""


class Public(CloudFrontS3Storage):
    """Make public URLs."""

    querystring_auth = False


class Adds(CloudFrontS3Storage):
    """Add an option to its arguments, as grand-challenge.org does."""

    def __init__(self, *, domain: str = "own.example.com", **options: Any) -> None:
        super().__init__(custom_domain=domain, **options)


class Overwrites(CloudFrontS3Storage):
    """Say it as an environment does."""

    file_overwrite = "False"


class Fails(CloudFrontS3Storage):
    """Need something that this machine has not."""

    def __init__(self, **options: Any) -> None:
        raise LookupError("BUCKET")


class Hashed(ManifestFilesMixin, CloudFrontS3Storage):  # type: ignore[misc]
    """Read the bucket when it is constructed."""

    def read_manifest(self) -> Any:
        """Fail: no check may ask S3."""
        raise AssertionError("the bucket was read")


class Static(S3StaticStorage):
    """Serve static files from the domain that others sign for."""

    custom_domain = DOMAIN


def storages(*, default: Any = OURS, static: Any = STATIC, **others: Any) -> dict[str, Any]:
    """Return STORAGES with these."""
    return {"STORAGES": {"default": default, "staticfiles": static, **others}}


def with_options(entry: dict[str, Any] = OURS, **options: Any) -> dict[str, Any]:
    """Return an entry of STORAGES with these options."""
    return {**entry, "OPTIONS": options}


def here(name: str) -> dict[str, Any]:
    """Return an entry of STORAGES with a class of this module."""
    return {"BACKEND": f"{__name__}.{name}"}


def cached(*middleware: str, seconds: int = 3601) -> dict[str, Any]:
    """Return the settings of a site whose middleware caches pages for this many seconds."""
    return {"MIDDLEWARE": list(middleware), "CACHE_MIDDLEWARE_SECONDS": seconds}


def rotation(**settings: Any) -> dict[str, Any]:
    """Return the settings of a rotation."""
    return {f"AWS_CLOUDFRONT_{name}": value for name, value in settings.items()}


OPEN = with_options(public=["covers/", "logos/"])
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
COOKIES = "cfsigned_django.middleware.SignedCookiesMiddleware"


class OpenScope(SignedCookieScope):
    """Send the cookies over plain HTTP as well."""

    secure = False


class PlacedScope(SignedCookieScope):
    """Have another domain than the setting."""

    domain = "example.com"


class LongScope(SignedCookieScope):
    """Give the cookies a longer life than a key waits."""

    lifetime = timedelta(days=8)


class MisspeltScope(SignedCookieScope):
    """Name an attribute as no browser does."""

    samesite = "lax"


IDENTIFIED = {"AWS_CLOUDFRONT_DISTRIBUTION_ID": "E1A2B3C4D5E6F7"}

Row: TypeAlias = tuple[str, dict[str, Any]]


def rows(check_id: str, setting: str, *values: Any, **others: Any) -> list[Row]:
    """Return a row for each value of a setting that makes no sense."""
    return [(check_id, {setting: value, **others}) for value in values]


def scopes(
    *middleware: str,
    domain: str | None = "example.com",
    names: Sequence[str] = ("tests.cookies.test_middleware.Courses",),
    **settings: Any,
) -> dict[str, Any]:
    """Return the settings of a site with scopes of signed cookies."""
    return {
        "AWS_CLOUDFRONT_COOKIE_SCOPES": names,
        "AWS_CLOUDFRONT_COOKIE_DOMAIN": domain,
        "MIDDLEWARE": [*middleware],
        **settings,
    }


#: An id -> settings of a storage that make it true of a site that is healthy otherwise.
WRONG: list[Row] = [
    *rows("E002", "AWS_CLOUDFRONT_KEY_ID", None, ""),
    *rows("E003", "AWS_CLOUDFRONT_KEY", None),
    *rows("E004", "AWS_S3_CUSTOM_DOMAIN", None, ""),
    *rows("E005", "AWS_S3_CUSTOM_DOMAIN", "https://media.example.com", "media.example.com/"),
    *rows(
        "E005", "AWS_S3_CUSTOM_DOMAIN", "media.example.com.", "m..com", "user@m.com", "미디어.kr"
    ),
    *rows("E005", "AWS_S3_CUSTOM_DOMAIN", "m.com\n", 42, "m.com:99999", "media.example.com:443"),
    *rows("E005", "AWS_S3_CUSTOM_DOMAIN", "localhost:80", AWS_S3_URL_PROTOCOL="http:"),
    *rows("E006", "AWS_S3_URL_PROTOCOL", "https://", "ftp:", "HTTPS:", "https"),
    *rows("E007", "AWS_CLOUDFRONT_KEY", "no key", " ", "/run/secrets/key.pem", b"\x30\x82\x01", 42),
    *rows("E007", "AWS_CLOUDFRONT_KEY", Path("/nowhere/key.pem")),
    *rows("E007", "AWS_CLOUDFRONT_KEY", "no key", AWS_CLOUDFRONT_HASH_ALGORITHM="SHA1"),
    *rows("E008", "AWS_CLOUDFRONT_KEY_ID", KEY_GROUP_ID.upper(), KEY_GROUP_ID),
    *rows("E009", "AWS_CLOUDFRONT_KEY_ID", "K-1", " K1", "K1&x=", "한글", 42, "K 1"),
    *rows("E010", "AWS_CLOUDFRONT_HASH_ALGORITHM", "sha256", "MD5", "", 1, "SHA512"),
    *rows("E011", "AWS_CLOUDFRONT_HASH_ALGORITHM", "SHA1", HashAlgorithm.SHA1),
    *rows("E013", "AWS_QUERYSTRING_EXPIRE", -1, 1.5, 300.0, "300", True, 0, None),
    *rows("E013", "AWS_QUERYSTRING_EXPIRE", timedelta(0), timedelta(seconds=0.5), timedelta.max),
    *rows("E014", "AWS_CLOUDFRONT_MAX_EXPIRE", -1, "7d", 1.5, None, 0),
    *rows("E016", "AWS_CLOUDFRONT_EXPIRE_STEP", "1", 1.5, None, True, -1),
    *rows("E017", "AWS_QUERYSTRING_AUTH", None, 0, "", "False"),
    *rows("E018", "AWS_S3_CUSTOM_DOMAIN", "media.s3.ap-northeast-2.amazonaws.com"),
    *rows("W001", "AWS_CLOUDFRONT_KEY_ID", "mykey"),
    *rows("W004", "AWS_CLOUDFRONT_KEY_GROUP_ID", KEY_ID),
    *rows("W005", "AWS_S3_CUSTOM_DOMAIN", DOMAIN, *NOT_LOCAL, AWS_S3_URL_PROTOCOL="http:"),
]
#: The same of a whole site. Where the settings are empty, test_every_id() does more.
SITES: list[Row] = [
    *WRONG,
    ("E001", NO_KEY),
    ("E001", {**NO_KEY, "AWS_CLOUDFRONT_KEY_ID": ""}),
    ("W010", NO_KEY),
    # A storage may lower the limit of the site, and no URL lives until 2038.
    ("E013", {"AWS_QUERYSTRING_EXPIRE": 20 * 365 * DAY, **rotation(MAX_EXPIRE=20 * 365 * DAY)}),
    ("E015", {"AWS_QUERYSTRING_EXPIRE": 600, **rotation(MAX_EXPIRE=timedelta(seconds=599))}),
    *rows("E015", "AWS_QUERYSTRING_EXPIRE", 8 * DAY, timedelta(days=8)),
    ("E041", storages(other=with_options(max_expire=7 * DAY + 1))),
    ("E041", storages(other=with_options(querystring_expire=7 * DAY, expire_step=1))),
    ("E041", storages(other=with_options(expire_step=7 * DAY))),
    ("E042", {"MEDIA_ROOT": "", **storages(default=ON_DISK)}),
    # What a class does to its options counts, and what its constructor raises.
    ("E005", storages(other=with_options(here("Adds"), domain="own.example.com/"))),
    ("E004", storages(other=with_options(here("Adds"), domain=""))),
    ("E003", storages(other=with_options(here("Adds"), cloudfront_key=""))),
    *((short, storages(other=here("Fails"))) for short in ("E044", "W044")),
    ("E005", {"AWS_S3_CUSTOM_DOMAIN": "a/", **storages(default=here("Hashed"))}),
    ("E005", {"AWS_S3_CUSTOM_DOMAIN": "a/", **storages(default=FOLDER_OF_REQUEST)}),
    # Addresses of public files.
    ("E005", storages(public=with_options(querystring_auth=False, custom_domain="media/"))),
    ("E006", storages(public=with_options(querystring_auth=False, url_protocol="https"))),
    # DEFAULT_FILE_STORAGE beside STORAGES["default"], if one of the two is ours.
    ("E021", {"DEFAULT_FILE_STORAGE": S3_BACKEND}),
    ("E022", {"DEFAULT_FILE_STORAGE": FILE_BACKEND, "STORAGES": {"staticfiles": STATIC}}),
    # Static files.
    ("E020", storages(static=OURS)),
    ("E020", storages(static=with_options(S3, custom_domain="s.com"))),  # signs with the same key
    ("W002", {"STATIC_URL": f"https://{DOMAIN}/static/"}),
    ("W002", storages(static=S3_STATIC)),
    ("W002", storages(static=with_options(S3_STATIC, custom_domain=DOMAIN))),
    ("W002", storages(static=here("Public"))),
    ("W002", storages(static=here("Static"))),
    (
        "W002",
        {  # as cookiecutter-django has it
            "AWS_QUERYSTRING_AUTH": False,
            **storages(
                default=with_options(location="media", querystring_auth=True),
                static=with_options(S3, location="static", default_acl="public-read"),
            ),
        },
    ),
    # A key that nothing uses, and no bucket.
    ("W016", {"AWS_QUERYSTRING_AUTH": False, "AWS_CLOUDFRONT_KEY_GROUP_ID": None}),
    ("W016", storages(default=with_options(querystring_auth=False))),
    ("W016", storages(default=with_options(cloudfront_signer=None), public=here("Public"))),
    ("W016", {**NO_KEY, **rotation(KEY_GROUP_ID=KEY_GROUP_ID), **storages(default=PLAIN)}),
    ("W016", storages(default=S3)),
    ("W017", {"AWS_STORAGE_BUCKET_NAME": None}),
    ("W017", storages(other=with_options(bucket_name=""))),
    # Files that are open, or overwritten, against the intent.
    *(
        ("E045", {**each, **storages(inner=with_options(location=inner), outer=OPEN)})
        for each, inner in (
            ({}, "covers"),
            ({}, "covers/a b/"),
            ({"AWS_LOCATION": "m"}, "m/covers"),
            ({"AWS_LOCATION": "covers"}, "covers/covers"),
        )
    ),
    ("E045", storages(default=with_options(location="covers/x"), outer=OPEN)),
    ("E047", {**NO_KEY, **storages(default=ON_DISK), "DEBUG": True, "AWS_S3_CUSTOM_DOMAIN": None}),
    *rows("E046", "AWS_S3_FILE_OVERWRITE", "False", "", None, 0),
    ("E046", storages(other=with_options(file_overwrite="False"))),
    ("E046", storages(other=with_options(file_overwrite="True", querystring_auth=False))),
    ("E046", storages(other=here("Overwrites"))),
    ("W045", storages(other=with_options(attachment_types=["text/html"]))),
    ("W045", storages(other=with_options(attachment_types=["a/b"], querystring_auth=False))),
    # Rotation.
    ("E023", rotation(ENCRYPTION_KEYS="wrong secret")),
    ("E023", rotation(ENCRYPTION_KEYS=["wrong secret", None])),
    *(("E024", rotation(PROPAGATION_SECONDS=each)) for each in (-1, "60", 1.5, None, True)),
    ("E026", {"USE_TZ": False}),
    ("E030", rotation(BY_HAND="no")),
    ("W006", rotation(PROPAGATION_SECONDS=timedelta(0))),
    # What is wrong itself is reported once.
    ("E014", rotation(MAX_EXPIRE="a week")),
    ("E014", {**rotation(MAX_EXPIRE=0), **storages(default=with_options(max_expire=3600))}),
    ("E013", {"AWS_QUERYSTRING_EXPIRE": "soon", **cached(UPDATE, FETCH, seconds=10**6)}),
    ("W007", {}),
    ("W011", {}),
    ("W012", {}),
    ("W013", {}),
    ("W014", {**NO_KEY, "AWS_CLOUDFRONT_KEY_GROUP_ID": KEY_GROUP_ID}),
    ("W009", storages(one=with_options(key_group_id=None), two=with_options(key_group_id=None))),
    # Django keeps pages for longer than a URL lives, and nothing shortens that.
    ("W040", cached(UPDATE, OTHER, FETCH)),
    ("W040", cached(CAP, UPDATE, FETCH)),
    # Signed cookies.
    ("E050", scopes(SESSIONS, COOKIES, names=["nowhere.Scope"])),
    ("E050", scopes(SESSIONS, COOKIES, names="-----BEGIN wrong secret")),
    ("E050", scopes(SESSIONS, COOKIES, names=["tests.storage_cases.Tenant"])),
    ("E050", {**scopes(SESSIONS, COOKIES), **storages(default=PLAIN)}),
    # If the domain is wrong, only that is said of it, and for a storage that signs cookies alone.
    *(
        (short, {**scopes(SESSIONS, COOKIES, domain=domain), "AWS_S3_CUSTOM_DOMAIN": wrong})
        for short, wrong in (("E004", None), ("E005", "https://media.example.com"))
        for domain in ("example.com", None)
    ),
    *(
        (short, {**scopes(SESSIONS, COOKIES), **storages(default=with_options(**public))})
        for short, public in (
            ("E004", {"querystring_auth": False, "custom_domain": None}),
            ("E005", {"querystring_auth": False, "custom_domain": "https://media.example.com"}),
        )
    ),
    ("E051", scopes()),
    ("E051", scopes(COOKIES, SESSIONS)),
    ("E051", scopes(SESSIONS, COOKIES, AUTH)),
    ("E052", scopes(SESSIONS, COOKIES, domain="example.org")),
    ("E052", scopes(SESSIONS, COOKIES, domain="-----begin wrong secret")),
    *(
        ("E053", scopes(SESSIONS, COOKIES, names=[f"{__name__}.{name}"]))
        for name in ("OpenScope", "LongScope", "MisspeltScope")
    ),
    ("W050", scopes(SESSIONS, COOKIES, domain=None)),
    *rows("E060", "AWS_CLOUDFRONT_INVALIDATE_ON", {"delete"}, ["overwrite"]),
    ("E060", storages(public=with_options(querystring_auth=False, invalidate_on=("delete",)))),
    *rows(
        *("E061", "AWS_CLOUDFRONT_INVALIDATE_ON", ["deleted"], [{"delete"}]),
        *("overwrite,delete", True),
        **IDENTIFIED,
    ),
    (
        "W060",
        {
            "AWS_CLOUDFRONT_INVALIDATE_ON": ["overwrite"],
            "AWS_S3_FILE_OVERWRITE": False,
            **IDENTIFIED,
        },
    ),
]

#: Settings of sites with which nothing is wrong.
HEALTHY: list[dict[str, Any]] = [
    storages(default=ON_DISK),
    {"AWS_S3_URL_PROTOCOL": ""},
    *({"AWS_S3_URL_PROTOCOL": "http:", "AWS_S3_CUSTOM_DOMAIN": host} for host in LOCAL),
    storages(other=with_options(max_expire=3600)),
    storages(other=with_options(querystring_expire=7 * DAY - 1, expire_step=1)),
    {
        **rotation(MAX_EXPIRE=timedelta(days=15)),
        **storages(other=with_options(max_expire=timedelta(days=8), expire_step=7 * DAY)),
    },
    # URLs are public, or the storage decides later.
    *(
        {**NO_KEY, "AWS_S3_CUSTOM_DOMAIN": None, **storages(default=each)}
        for each in (
            here("Public"),
            TENANT,
            with_options(querystring_auth=False),
            with_options(cloudfront_signer=None),
        )
    ),
    storages(public=with_options(querystring_auth=False, custom_domain=None)),
    {"AWS_QUERYSTRING_AUTH": False, **storages(private=with_options(querystring_auth=True))},
    {"AWS_QUERYSTRING_AUTH": False, **storages(tenants=TENANT)},
    # The key is for cookies.
    {"AWS_QUERYSTRING_AUTH": False, **scopes(SESSIONS, AUTH, COOKIES)},
    {"AWS_STORAGE_BUCKET_NAME": None, **storages(default=ON_DISK)},
    {"AWS_STORAGE_BUCKET_NAME": None, **storages(default=here("BucketOfTenant"))},
    *(
        {"AWS_S3_CUSTOM_DOMAIN": None, **storages(default={"BACKEND": backend})}
        for backend in (f"{__name__}.Adds", OF_REQUEST, SIGNER_OF_REQUEST)
    ),
    storages(hashed=here("Hashed"), folders=FOLDER_OF_REQUEST),
    storages(static=with_options(here("Hashed"), querystring_auth=False, custom_domain="s.com")),
    {**NO_KEY, "DEFAULT_FILE_STORAGE": S3["BACKEND"], **storages(default=S3)},
    # Static files on another domain, or on one whose files are public, too.
    storages(static=with_options(S3_STATIC, custom_domain="static.example.com")),
    storages(static=with_options(S3, querystring_auth=False, custom_domain="s.com")),
    *(
        {**NO_KEY, "AWS_QUERYSTRING_AUTH": False, **storages(static=each)}
        for each in (
            S3_STATIC,
            with_options(S3_STATIC, custom_domain=DOMAIN),
            here("Public"),
            here("Static"),
        )
    ),
    *({"STATIC_URL": url} for url in ("https://static.example.com/", "/static/", None)),
    # Public folders, and types of files.
    *(
        storages(inner=with_options(**inner), outer=OPEN, same=OPEN)
        for inner in (
            {"location": "covers2"},
            {"location": "Covers"},
            {"location": "a/covers"},
            {"location": "covers", "bucket_name": "other"},
            {"location": "covers", "querystring_auth": False},
        )
    ),
    storages(inner=with_options(location="covers"), outer=with_options(public=bool)),
    storages(inner=with_options(TENANT), outer=OPEN, folders=FOLDER_OF_REQUEST),
    storages(inner=ON_DISK, outer=with_options(ON_DISK, public=["x/"], attachment_types=["a/b"])),
    storages(o=with_options(attachment_types=["text/html"], content_type_from_name=True)),
    {"AWS_S3_FILE_OVERWRITE": "False", **storages(default=ON_DISK)},
    # Rotation.
    rotation(PROPAGATION_SECONDS=timedelta(seconds=1)),
    {
        **rotation(KEY_GROUP_ID=None),
        **storages(invoices=with_options(key_group_id=KEY_GROUP_ID.replace("a", "b"))),
    },
    storages(
        public=with_options(key_group_id=None, querystring_auth=False),
        tenants=with_options({"BACKEND": SIGNER_OF_REQUEST}, key_group_id=None),
    ),
    {"USE_TZ": False, **rotation(PROPAGATION_SECONDS=0, KEY_GROUP_ID=None)},
    rotation(BY_HAND=True),
    # Caches.
    cached(UPDATE, OTHER, FETCH, seconds=3600),
    cached(UPDATE, CAP, FETCH),
    {**NO_KEY, **cached(UPDATE, FETCH, seconds=10**6), **storages(default=PLAIN)},
    # Invalidation.
    {"AWS_CLOUDFRONT_INVALIDATE_ON": ["overwrite", "delete"], **IDENTIFIED},
    {"AWS_CLOUDFRONT_INVALIDATE_ON": ["delete"], "AWS_S3_FILE_OVERWRITE": False, **IDENTIFIED},
    {"AWS_CLOUDFRONT_INVALIDATE_ON": {"overwrite"}, **storages(default=ON_DISK)},
    # Signed cookies.
    scopes(SESSIONS, AUTH, COOKIES),
    scopes(SESSIONS, COOKIES, domain=None, ALLOWED_HOSTS=[DOMAIN]),
    scopes(SESSIONS, COOKIES, domain="example.org", names=[f"{__name__}.PlacedScope"]),
]


@pytest.fixture
def healthy(site: Any, ec_key: PrivateKey, no_network: None) -> Any:
    """Configure a site with nothing wrong, and no network, which no check may use."""
    site.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    site.STORAGES = {"default": OURS, "staticfiles": STATIC}
    return site


def found_by_check(*, deploys: bool = False) -> list[checks.CheckMessage]:
    """Return what the registered checks of this package find, with those of the database."""
    registered = registry.get_checks(include_deployment_checks=deploys)
    ours = [each for each in registered if each.__module__.startswith("cfsigned_django.")]
    return [found for check in ours for found in check(app_configs=None, databases=["default"])]


@pytest.mark.django_db
@pytest.mark.parametrize("short", dict(SITES))
def test_every_id(
    short: str,
    healthy: Any,
    rsa_key: PrivateKey,
    ec_key: PrivateKey,
) -> None:
    """Report the one thing that is wrong with each site, under its id, with its hint and level."""
    if short == "W007":
        make_key_pair(ec_key, "K1")
        healthy.SECRET_KEY = "a new secret key, as long as Django wants one: 0123456789"
    if short == "W011":
        make_key_pair(ec_key, "K1")
        healthy.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [Fernet.generate_key()]
    if short == "W012":
        healthy.SECRET_KEY = "guessed"
        make_key_pair(ec_key, "K1")
    if short == "W013":
        other = make_key_pair(rsa_key, "K1")
        make_key_pair(ec_key, "K2", encrypted_private_key=other.encrypted_private_key)
    if short == "E023":
        make_key_pair(ec_key, "K1")  # which nothing decrypts meanwhile
    told = [(changes, found_on(short, changes)) for each, changes in SITES if each == short]

    assert [(changes, ids(found)) for changes, found in told if ids(found) != [short]] == []
    for changes, (found,) in told:
        assert found.hint == TABLE[f"cfsigned.{short}"]
        assert found.is_serious() == short.startswith("E")
        assert "wrong secret" not in found.msg
        if short in ("E023", "E024", "W006") and "STORAGES" not in changes:
            assert all(name in found.msg for name in changes), changes
        if short == "E051":
            assert ("is not in" in found.msg) is (COOKIES not in changes["MIDDLEWARE"])


def found_on(short: str, changes: dict[str, Any]) -> list[Any]:
    """Return what is found on a site with these settings, by what has to find this id."""
    with override_settings(**changes):
        found: list[Any] = found_by_check()
        # A warning, or nothing, until the site is deployed: nobody has to have a key to migrate.
        before = {"E001": ["W010"], "E044": ["W044"], "E047": []}
        if short not in before:
            return found
        assert ids(found) == before[short], changes
        return [each for each in found_by_check(deploys=True) if each.id == f"cfsigned.{short}"]


def test_every_id_is_reported() -> None:
    """Each check ID of the table has a site above, or a separate test."""
    known = {short for short, _ in SITES} | {"W003", "E012", "W008", "W015", "W070"}
    assert {f"cfsigned.{short}" for short in known} == set(TABLE), (
        "Add to SITES, in this file, a site that has the problem."
    )


@pytest.mark.django_db
def test_healthy(healthy: Any) -> None:
    """Find nothing wrong with any of these sites, and read no bucket."""
    told = []
    for changes in ({}, *HEALTHY):
        with override_settings(**changes):
            told.append((changes, ids(found_by_check())))

    assert [each for each in told if each[1]] == []


def test_several_aliases(healthy: Any, fields: Any, ec_key: PrivateKey) -> None:
    """Report once what several have wrong, with all their places, and apart what one has wrong."""
    healthy.AWS_S3_URL_PROTOCOL = "https"
    healthy.STORAGES = {
        "right": with_options(url_protocol="https:"),
        "default": OURS,
        "a": with_options(ON_DISK, custom_domain="a/"),
        "b": with_options(**options_for(ec_key, custom_domain="b/")),
        "other": PLAIN,
        "broken": {"BACKEND": "no.such.Storage"},
        "staticfiles": STATIC,
    }
    fields(file=CloudFrontS3Storage(), same=storage_handler["default"])
    assert {(ids([each])[0], each.obj) for each in check_storages()} == {
        ("E006", 'STORAGES["default"], STORAGES["a"], STORAGES["b"], cfsigned_django.Report.file'),
        ("E005", 'STORAGES["a"]'),
        ("E005", 'STORAGES["b"]'),
    }
    assert len(check_storages()) == 3


@pytest.mark.parametrize(
    ("check_id", "option", "value"),
    [
        ("E004", "custom_domain", None),
        ("E005", "custom_domain", "media.example.com/"),
        ("E006", "url_protocol", "https"),
        ("E009", "cloudfront_key_id", "a b"),
        ("E013", "querystring_expire", "soon"),
        ("E017", "querystring_auth", "False"),
        ("E018", "custom_domain", "media.s3.amazonaws.com"),
        ("E061", "invalidate_on", {"change"}),
        ("W004", "key_group_id", "K2JCJMDEHXQW5F"),
    ],
)
def test_value_of_an_option(check_id: str, option: str, value: Any, healthy: Any) -> None:
    """Name the option that has the value, and the setting if it has that value."""
    setting = conf.OPTIONS[option].name
    for changes in (storages(other=with_options(**{option: value})), {setting: value}):
        for name, each in changes.items():
            setattr(healthy, name, each)
        told = [found.msg for found in check_storages() if ids([found]) == [check_id]]
        assert [(option in msg, setting in msg) for msg in told] == [
            (setting not in changes, setting in changes)
        ]


class S3FileField(models.FileField):
    """The field of django-s3-file-field, by its name."""

    __module__ = "s3_file_field.fields"


@pytest.mark.parametrize(
    ("kind", "names"), [(S3FileField, ["by_default", "outside"]), (models.FileField, [])]
)
def test_uploads_outside_the_location(
    kind: type, names: list[str], healthy: Any, fields: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warn of a field of django-s3-file-field whose storage has a location, and of no other."""
    healthy.STORAGES = {"default": with_options(location="private")}
    monkeypatch.setattr(models, "FileField", kind)
    fields(
        by_default=default_storage,
        outside=CloudFrontS3Storage(location="media/"),
        right=CloudFrontS3Storage(location=""),
        disk=CloudFrontFileSystemStorage(location="/srv/media"),
    )
    found = [each for each in check_storages() if each.id == "cfsigned.W070"]

    assert [each.obj.name for each in found] == names
    assert all(f"outside {each.obj.storage.location}".strip("/") in each.msg for each in found)


class Proxy:
    """Ask another storage for everything, as kpi does so that migrations stay the same."""

    def __init__(self, find: Callable[[], Any]) -> None:
        self.find = find

    def __getattr__(self, name: str) -> Any:
        return getattr(self.find(), name)


def fail() -> Any:
    """Fail outside of a request."""
    raise LookupError("no request is being served")


def without_domain() -> CloudFrontS3Storage:
    """Return a storage without a domain."""
    return CloudFrontS3Storage(custom_domain=None)


def test_file_fields(healthy: Any, fields: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Check file fields that have their own storage, what a lazy object makes, behind a proxy.

    The default storage, which may be missing, is not made; nor is what fails outside of a request.
    """
    healthy.STORAGES = {"default": {"BACKEND": "no.such.Storage"}, "staticfiles": STATIC}
    report = fields(
        plain=FileSystemStorage(),
        good=CloudFrontFileSystemStorage(),
        public=Public(custom_domain=None),
        tenant=OfTenant(),
        wrong=CloudFrontFileSystemStorage(custom_domain="https://wrong/"),
        plain_lazy=SimpleLazyObject(FileSystemStorage),
        good_lazy=SimpleLazyObject(CloudFrontS3Storage),
        wrong_lazy=SimpleLazyObject(lambda: SimpleLazyObject(without_domain)),
        default=None,
        good_proxy=Proxy(CloudFrontS3Storage),
        wrong_proxy=Proxy(lambda: CloudFrontS3Storage(custom_domain="wrong_proxy/")),
        late=Proxy(fail),
    )
    assert {(ids([each])[0], each.obj) for each in check_storages()} == {
        (short, report._meta.get_field(name))
        for short, name in (("E005", "wrong"), ("E004", "wrong_lazy"), ("E005", "wrong_proxy"))
    }
    call_command("check", fail_level="CRITICAL")
    assert "cfsigned_django.Report.wrong: (cfsigned.E005)" in capsys.readouterr().err


def test_check_command(healthy: Any) -> None:
    """Fail for an error, with its hint and what it is about, with Django's checks of files."""
    healthy.AWS_CLOUDFRONT_KEY_GROUP_ID = healthy.AWS_CLOUDFRONT_KEY = None
    for tags in (None, ["files"]):
        with pytest.raises(SystemCheckError) as failed:
            call_command("check", tags=tags)
        for shown in ("(cfsigned.E003)", TABLE["cfsigned.E003"], 'STORAGES["default"]'):
            assert shown in str(failed.value)
    call_command("check", tags=["urls"])


@pytest.mark.django_db
def test_check_and_a_database(
    healthy: Any, ec_key: PrivateKey, django_assert_num_queries: Any, capsys: Any
) -> None:
    """Query the database with check --database only, as Django's own checks do."""
    make_key_pair(ec_key, "K1")
    healthy.SECRET_KEY = "new"

    with django_assert_num_queries(0):
        call_command("check")
    assert "cfsigned" not in capsys.readouterr().err
    call_command("check", databases=["default"])
    assert "cfsigned.W007" in capsys.readouterr().err


# Files of keys


@pytest.fixture
def key_file(healthy: Any, ec_key: PrivateKey, tmp_path: Path) -> Path:
    """Return a file that holds the key of the site, for its owner alone."""
    healthy.AWS_CLOUDFRONT_KEY = path = tmp_path / "key.pem"
    path.write_bytes(ec_key.to_pem())
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        *((0o640, []), (0o604, ["W015"]), (0o620, ["E007"])),
        (0o606, ["E007", "W015"]),
    ],
)
def test_modes(mode: int, expected: list[str], key_file: Path, ec_key: PrivateKey) -> None:
    """Refuse a key file that others can write to, and warn of one that others can read."""
    key_file.chmod(mode)

    assert sorted(ids(check_storages())) == expected
    if "E007" in expected:
        with pytest.raises(InvalidKey, match="chmod"):
            PrivateKey.load(key_file)
    else:
        assert PrivateKey.load(key_file).public_key == ec_key.public_key


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can chown")
@pytest.mark.parametrize(("owner", "expected"), [(0, []), (12345, ["W015"])])
def test_owners(
    owner: int, expected: list[str], key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warn of a key file of another user, who can replace it; root's is good."""
    os.chown(key_file, owner, 0)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)

    assert ids(check_storages()) == expected


# What a message must say or hide, and the order of several


@pytest.mark.parametrize(
    ("setting", "value", "instead"),
    [
        ("AWS_QUERYSTRING_EXPIRE", None, "3600"),
        ("AWS_QUERYSTRING_EXPIRE", "600", "Write 600,"),
        ("AWS_S3_CUSTOM_DOMAIN", False, "storages.backends.s3.S3Storage"),
        ("AWS_QUERYSTRING_EXPIRE", 30 * DAY, "(30 days) is more than"),
    ],
)
def test_what_django_storages_takes(
    setting: str, value: object, instead: str, healthy: Any
) -> None:
    """Say what to write instead of a value that django-storages accepts."""
    setattr(healthy, setting, value)
    [found] = check_storages()
    assert instead in found.msg


def test_no_trial_before_a_signature(site: Any) -> None:
    """Sign nothing if the key is about to sign, and once if only a check asks."""
    with counted_signatures() as signatures:
        assert find_problems(Config.read(), is_check=False) == []
        assert signatures == []
        assert find_problems(Config.read()) == []
    assert signatures == [b""]


def test_several_problems(healthy: Any) -> None:
    """Report all problems at once, the key first; nothing about the key if none is needed."""
    healthy.AWS_CLOUDFRONT_KEY_ID = healthy.AWS_S3_CUSTOM_DOMAIN = None
    healthy.AWS_CLOUDFRONT_EXPIRE_STEP = "x"
    assert ids(find_problems(Config.read())) == ["E002", "E004", "E016"]
    assert ids(find_problems(Config.read(), with_key=False)) == ["E004", "E016"]


def test_first_error() -> None:
    """Raise the first error, past warnings, with its remedy and id."""
    warning, error = problem("cfsigned.W001", "odd."), problem("cfsigned.E005", "wrong.")
    raise_first_error([])
    raise_first_error([warning])
    with pytest.raises(ImproperlyConfigured) as raised:
        raise_first_error([warning, error, problem("cfsigned.E006", "another.")])
    assert str(raised.value) == f"wrong. {TABLE['cfsigned.E005']} (cfsigned.E005)"
