"""Find every storage of a site that signs, and what is wrong with the site, as manage.py check."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import django
import pytest
from cryptography.fernet import Fernet
from django.core import checks
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from storages.backends.s3 import S3StaticStorage

from cfsigned_django import conf
from cfsigned_django.checks import caching
from cfsigned_django.checks.storages import check_storages
from cfsigned_django.cookies import SignedCookieScope
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import (
    CloudFrontFileSystemStorage,
    CloudFrontS3Storage,
    options as storage_options,
)
from cfsigned_django.validation import TABLE
from tests.keyring import make_key_pair
from tests.storage_cases import (
    DOMAIN,
    FILE_BACKEND,
    KEY_GROUP_ID,
    S3_BACKEND,
    options_for,
    without_sha1,
)
from tests.test_checks import WRONG, ids

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
NO_KEY = dict.fromkeys(
    ["AWS_CLOUDFRONT_KEY", "AWS_CLOUDFRONT_KEY_ID", "AWS_CLOUDFRONT_KEY_GROUP_ID"]
)


class OfTenant(CloudFrontS3Storage):
    """Give each tenant a domain, which is not known at start-up."""

    @property
    def custom_domain(self) -> str:
        """Return nothing that could be a domain yet."""
        return "no domain yet"


class Public(CloudFrontS3Storage):
    """Make public URLs."""

    querystring_auth = False


class Unsigned(CloudFrontS3Storage):
    """Make public URLs in django-storages' other way."""

    cloudfront_signer = None


class Signing(CloudFrontFileSystemStorage):
    """Sign for a domain of its own."""

    custom_domain = "https://wrong/"


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
    """Return the settings of a site whose middleware keeps pages for so long."""
    return {"MIDDLEWARE": list(middleware), "CACHE_MIDDLEWARE_SECONDS": seconds}


def rotation(**settings: Any) -> dict[str, Any]:
    """Return the settings of a rotation."""
    return {f"AWS_CLOUDFRONT_{name}": value for name, value in settings.items()}


SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
COOKIES = "cfsigned_django.middleware.SignedCookiesMiddleware"


class OpenScope(SignedCookieScope):
    """Send the cookies over plain HTTP as well."""

    secure = False


class LongScope(SignedCookieScope):
    """Let the cookies live for longer than a key waits."""

    lifetime = timedelta(days=8)


class MisspeltScope(SignedCookieScope):
    """Name an attribute as no browser does."""

    samesite = "lax"


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


#: An id -> settings that make it true of a site that is healthy otherwise. Where they are empty,
#: test_every_id() does more.
SITES: list[tuple[str, dict[str, Any]]] = [
    *(
        (check_id, {conf.OPTIONS[name][0]: value for name, value in changes.items()})
        for check_id, changes in dict(WRONG).items()
        if check_id not in ("E001", "E015")
    ),
    ("E001", NO_KEY),
    ("W010", NO_KEY),
    ("E012", {}),
    ("E015", {"AWS_QUERYSTRING_EXPIRE": 600, **rotation(MAX_EXPIRE=timedelta(seconds=599))}),
    ("E041", storages(other=with_options(max_expire=7 * 86_400 + 1))),
    ("E042", {"MEDIA_ROOT": "", **storages(default=ON_DISK)}),
    # Addresses of public files.
    ("E005", storages(public=with_options(querystring_auth=False, custom_domain="media/"))),
    ("E006", storages(public=with_options(querystring_auth=False, url_protocol="https"))),
    # DEFAULT_FILE_STORAGE beside STORAGES["default"], if one of the two is ours.
    ("E021", {"DEFAULT_FILE_STORAGE": S3_BACKEND}),
    ("E021", {"DEFAULT_FILE_STORAGE": S3["BACKEND"]}),
    ("E022", {"DEFAULT_FILE_STORAGE": FILE_BACKEND, "STORAGES": {"staticfiles": STATIC}}),
    # Static files.
    ("E020", storages(static=OURS)),
    ("W002", {"STATIC_URL": f"https://{DOMAIN}/static/"}),
    ("W002", storages(static=S3_STATIC)),
    ("W002", storages(static=with_options(S3_STATIC, custom_domain=DOMAIN))),
    ("W002", storages(static=here("Public"))),
    ("W002", storages(static=here("Static"))),
    # Rotation.
    ("E023", rotation(ENCRYPTION_KEYS="wrong secret")),
    ("E023", rotation(ENCRYPTION_KEYS=["wrong secret", None])),
    ("E024", rotation(KEYRING_SECONDS="60")),
    ("E024", rotation(PROPAGATION_SECONDS=-1)),
    ("E024", rotation(CLOCK_SKEW_SECONDS=1.5)),
    ("E024", rotation(CLAIM_SECONDS=None)),
    ("E024", rotation(CLAIM_SECONDS=True)),
    ("E025", rotation(SPARE_KEY="RSA_4096")),
    ("E025", rotation(SPARE_KEY=True)),
    ("E026", {"USE_TZ": False}),
    ("E027", rotation(KEY_GROUP_QUOTA="10")),
    ("E027", rotation(KEY_GROUP_QUOTA=0)),
    ("E027", rotation(KEY_GROUP_QUOTA=True)),
    ("E030", rotation(BY_HAND="no")),
    ("W006", rotation(KEYRING_SECONDS=7 * 24 * 3600)),
    ("W006", rotation(KEYRING_SECONDS=0)),
    ("W006", rotation(PROPAGATION_SECONDS=timedelta(0))),
    ("W006", rotation(CLAIM_SECONDS=0)),
    ("W006", rotation(CLAIM_SECONDS=29)),
    # The storage whose URLs live for the shortest time counts.
    ("W006", storages(short=with_options(max_expire=60, querystring_expire=60))),
    # What is wrong itself is reported once.
    ("E014", rotation(MAX_EXPIRE="a week")),
    ("E013", {"AWS_QUERYSTRING_EXPIRE": "soon", **cached(UPDATE, FETCH, seconds=10**6)}),
    ("W007", {}),
    ("W011", {}),
    ("W012", {}),
    ("W013", {}),
    ("W015", {}),
    ("W014", {**NO_KEY, "AWS_CLOUDFRONT_KEY_GROUP_ID": KEY_GROUP_ID}),
    ("W008", {}),
    ("W009", storages(other=with_options(key_group_id=None))),
    # Django keeps pages for longer than a URL lives, and nothing shortens that.
    ("W040", cached(UPDATE, OTHER, FETCH)),
    ("W040", cached(UPDATE, OTHER, CAP, FETCH)),
    ("W040", cached(CAP, UPDATE, FETCH)),
    ("W042", rotation(EXPIRE_STEP=900)),
    ("W043", {}),
    # Signed cookies.
    ("E050", scopes(SESSIONS, COOKIES, names=["nowhere.Scope"])),
    ("E050", scopes(SESSIONS, COOKIES, names=["tests.storage_cases.Tenant"])),
    ("E050", {**scopes(SESSIONS, COOKIES), **storages(default=PLAIN)}),
    ("E051", scopes()),
    ("E051", scopes(COOKIES, SESSIONS)),
    ("E051", scopes(SESSIONS, COOKIES, AUTH)),
    ("E052", scopes(SESSIONS, COOKIES, domain="example.org")),
    ("E052", scopes(SESSIONS, COOKIES, domain="com")),
    *(
        ("E053", scopes(SESSIONS, COOKIES, names=[f"{__name__}.{name}"]))
        for name in ("OpenScope", "LongScope", "MisspeltScope")
    ),
    ("W050", scopes(SESSIONS, COOKIES, domain=None)),
]

#: Settings of sites with which nothing is wrong.
HEALTHY: list[dict[str, Any]] = [
    storages(default=ON_DISK),
    # URLs are public, or the storage decides later.
    *(
        {**NO_KEY, "AWS_S3_CUSTOM_DOMAIN": None, **storages(default=each)}
        for each in (
            here("Public"),
            here("Unsigned"),
            here("OfTenant"),
            with_options(querystring_auth=False),
            with_options(cloudfront_signer=None),
        )
    ),
    storages(public=with_options(querystring_auth=False, custom_domain=None)),
    {"DEFAULT_FILE_STORAGE": S3["BACKEND"], **storages(default=S3)},
    # Static files on another domain, or on one whose files are public, too.
    storages(static=with_options(querystring_auth=False, custom_domain="s.com")),
    storages(static=with_options(S3_STATIC, custom_domain="static.example.com")),
    *(
        {"AWS_QUERYSTRING_AUTH": False, **storages(static=each)}
        for each in (
            S3_STATIC,
            with_options(S3_STATIC, custom_domain=DOMAIN),
            here("Public"),
            here("Static"),
        )
    ),
    *({"STATIC_URL": url} for url in ("https://static.example.com/", "/static/", None)),
    # Rotation.
    rotation(
        KEYRING_SECONDS=7 * 24 * 3600 - 1,
        PROPAGATION_SECONDS=timedelta(seconds=1),
        SPARE_KEY="RSA_2048",
        KEY_GROUP_QUOTA=10,
        CLAIM_SECONDS=30,
    ),
    {
        **rotation(KEYRING_SECONDS=59),
        **storages(short=with_options(max_expire=60, querystring_expire=60)),
    },
    {"USE_TZ": False, **rotation(KEYRING_SECONDS=0, KEY_GROUP_ID=None)},
    rotation(BY_HAND=True),
    rotation(BY_HAND=False),
    # Caches.
    cached(UPDATE, OTHER, FETCH, seconds=3600),
    cached(OTHER),
    cached(UPDATE, CAP, FETCH),
    {**cached(UPDATE, FETCH, seconds=10**6), **storages(default=PLAIN)},
    # Signed cookies.
    scopes(SESSIONS, AUTH, COOKIES),
    scopes(SESSIONS, COOKIES, domain=None, ALLOWED_HOSTS=[DOMAIN]),
]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no check reach for the network."""

    def refuse(*arguments: Any, **named: Any) -> Any:
        raise AssertionError("a socket was asked for")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.fixture
def healthy(site: Any, ec_key: PrivateKey) -> Any:
    """Configure a site with nothing wrong."""
    site.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    site.STORAGES = {"default": OURS, "staticfiles": STATIC}
    return site


def found_by_check() -> list[checks.CheckMessage]:
    """Return what the checks of this package find, with those of the database."""
    found = checks.run_checks(databases=["default"])
    return [each for each in found if str(each.id).startswith("cfsigned.")]


@pytest.mark.django_db
@pytest.mark.parametrize(("short", "changes"), SITES, ids=str)
def test_every_id(
    short: str,
    changes: dict[str, Any],
    healthy: Any,
    rsa_key: PrivateKey,
    ec_key: PrivateKey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Report the one thing that is wrong, under its id, with its hint and level."""
    for name, value in changes.items():
        setattr(healthy, name, value)
    if short == "E012":
        healthy.AWS_CLOUDFRONT_KEY = rsa_key.to_pem()
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
    if short == "W015":
        path = tmp_path / "key.pem"
        path.write_bytes(ec_key.to_pem())
        path.chmod(0o644)
        healthy.AWS_CLOUDFRONT_KEY = path
    if short == "W042":
        monkeypatch.setattr(caching, "has_deterministic_ecdsa", lambda: False)
    if short == "W043":
        monkeypatch.setattr(django, "VERSION", (5, 2, 18, "final", 0))
    with without_sha1() if short == "E012" else nullcontext():
        found = found_by_check()
    if short == "E001":
        # A warning until the site is deployed: nobody has to have a key to migrate.
        assert ids(found) == ["W010"]
        found = [
            each
            for each in checks.run_checks(include_deployment_checks=True)
            if each.id == "cfsigned.E001"
        ]
    if short == "W008":
        # No check of an app runs in a site without the app: the storage reports it.
        monkeypatch.setattr(storage_options, "looks_in_database", lambda group: False)
        found = CloudFrontFileSystemStorage().find_problems()

    assert ids(found) == [short]
    assert found[0].hint == TABLE[f"cfsigned.{short}"]
    assert found[0].is_serious() == short.startswith("E")
    assert "wrong secret" not in found[0].msg
    if short in ("E023", "E024", "E025", "E027", "W006") and "STORAGES" not in changes:
        assert all(name in found[0].msg for name in changes)


def test_every_id_is_reported() -> None:
    """Know a site for each id of the table; test_default_file_storage_alone() has one more."""
    assert {f"cfsigned.{short}" for short, _ in [*SITES, ("W003", {})]} == set(TABLE)


@pytest.mark.django_db
@pytest.mark.parametrize("changes", [{}, *HEALTHY], ids=str)
def test_healthy(changes: dict[str, Any], healthy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Find nothing wrong, by classes and options only: no storage in S3 is made."""

    def refuse(*arguments: Any, **named: Any) -> None:
        raise AssertionError("a storage was made")

    monkeypatch.setattr(CloudFrontS3Storage, "__init__", refuse)
    for name, value in changes.items():
        setattr(healthy, name, value)
    assert found_by_check() == []


def test_several_aliases(healthy: Any, ec_key: PrivateKey) -> None:
    """Report once what the settings get wrong, and for each alias what its options do."""
    healthy.AWS_S3_URL_PROTOCOL = "https"
    healthy.STORAGES = {
        "default": OURS,
        "a": with_options(ON_DISK, custom_domain="a/"),
        "b": with_options(**options_for(ec_key, custom_domain="b/")),
        "other": PLAIN,
        "broken": {"BACKEND": "no.such.Storage"},
        "staticfiles": STATIC,
    }
    assert {(ids([each])[0], each.obj) for each in check_storages()} == {
        ("E006", 'STORAGES["default"]'),
        ("E005", 'STORAGES["a"]'),
        ("E005", 'STORAGES["b"]'),
    }
    assert len(check_storages()) == 3


def test_file_fields(healthy: Any, fields: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Look at file fields that have a storage of their own."""
    report = fields(
        plain=FileSystemStorage(),
        good=CloudFrontFileSystemStorage(),
        public=Public(custom_domain=None),
        tenant=OfTenant(),
        wrong=Signing(),
    )
    [found] = check_storages()
    assert ids([found]) == ["E005"]
    assert found.obj is report._meta.get_field("wrong")
    call_command("check", fail_level="CRITICAL")
    assert "cfsigned_django.Report.wrong: (cfsigned.E005)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("backend", "expected"),
    [(S3_BACKEND, "W003"), (FILE_BACKEND, "W003"), (f"{__name__}.Signing", "E022")],
)
def test_default_file_storage_alone(backend: str, expected: str, site: Any) -> None:
    """Recommend STORAGES if the app honors DEFAULT_FILE_STORAGE; refuse a class of the site."""
    site.DEFAULT_FILE_STORAGE = backend
    conf.honor_default_file_storage()
    assert ids(check_storages()) == [expected]
    site.AWS_S3_CUSTOM_DOMAIN = None
    assert ids(check_storages()) == ([expected, "E004"] if expected == "W003" else [expected])


def output_of_check(**options: Any) -> str:
    """Return what manage.py check prints."""
    output = StringIO()
    try:
        call_command("check", stdout=output, stderr=output, **options)
    except SystemCheckError as error:
        return str(error)
    return output.getvalue()


def test_check_command(healthy: Any) -> None:
    """Fail for an error, with its hint and what it is about, with Django's checks of files."""
    assert "cfsigned" not in output_of_check()

    healthy.AWS_CLOUDFRONT_KEY_GROUP_ID = healthy.AWS_CLOUDFRONT_KEY = None
    with pytest.raises(SystemCheckError, match=r"cfsigned\.E003"):
        call_command("check", stderr=StringIO())
    text = output_of_check(tags=["files"])
    assert "(cfsigned.E003)" in text
    assert TABLE["cfsigned.E003"] in text
    assert 'STORAGES["default"]' in text
    assert "cfsigned.E003" not in output_of_check(tags=["urls"])


@pytest.mark.django_db
def test_check_with_a_database(healthy: Any, ec_key: PrivateKey) -> None:
    """Look into the database with check --database only, as Django's own checks do."""
    make_key_pair(ec_key, "K1")
    healthy.SECRET_KEY = "new"

    assert "cfsigned.W007" not in output_of_check()
    assert "cfsigned.W007" in output_of_check(databases=["default"])
