"""Find every storage of a site that signs, and what is wrong with it, without making any."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from storages.backends.s3 import S3StaticStorage

from cfsigned_django.checks.storages import check_storages
from cfsigned_django.conf import honor_default_file_storage
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from tests.checks.test_every_id import STATIC
from tests.storage_cases import DOMAIN, FILE_BACKEND, KEY_GROUP_ID, S3_BACKEND, options_for
from tests.test_checks import ids

OURS = {"BACKEND": S3_BACKEND}
S3_STATIC = "storages.backends.s3.S3StaticStorage"


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


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no check reach for the network."""

    def refuse(*arguments: Any, **named: Any) -> Any:
        raise AssertionError("a socket was asked for")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.fixture
def healthy(site: Any) -> Any:
    """Configure a site with nothing wrong."""
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    site.STORAGES = {"default": OURS, "staticfiles": STATIC}
    return site


@pytest.mark.parametrize("backend", [S3_BACKEND, FILE_BACKEND])
def test_healthy(backend: str, healthy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Find nothing wrong, by classes and options only: no storage is made."""

    def refuse(*arguments: Any, **named: Any) -> None:
        raise AssertionError("a storage was made")

    monkeypatch.setattr(CloudFrontS3Storage, "__init__", refuse)
    healthy.STORAGES = {"default": {"BACKEND": backend}, "staticfiles": STATIC}
    assert check_storages() == []


@pytest.mark.parametrize(
    "entry",
    [
        {"BACKEND": f"{__name__}.Public"},
        {"BACKEND": f"{__name__}.Unsigned"},
        {"BACKEND": f"{__name__}.OfTenant"},
        {**OURS, "OPTIONS": {"querystring_auth": False}},
        {**OURS, "OPTIONS": {"cloudfront_signer": None}},
    ],
    ids=str,
)
def test_storages_that_need_nothing(entry: dict[str, Any], healthy: Any) -> None:
    """Require nothing of a storage whose URLs are public, nor of one that decides later."""
    healthy.AWS_CLOUDFRONT_KEY = healthy.AWS_S3_CUSTOM_DOMAIN = None
    healthy.AWS_CLOUDFRONT_KEY_ID = None
    healthy.STORAGES = {"default": entry, "staticfiles": STATIC}
    assert check_storages() == []


def test_several_aliases(healthy: Any, ec_key: PrivateKey) -> None:
    """Report once what the settings get wrong, and for each alias what its options do."""
    healthy.AWS_S3_URL_PROTOCOL = "https"
    healthy.STORAGES = {
        "default": OURS,
        "a": {"BACKEND": FILE_BACKEND, "OPTIONS": {"custom_domain": "a/"}},
        "b": {**OURS, "OPTIONS": options_for(ec_key, custom_domain="b/")},
        "other": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "broken": {"BACKEND": "no.such.Storage"},
        "staticfiles": STATIC,
    }
    assert {(ids([each])[0], each.obj) for each in check_storages()} == {
        ("E006", 'STORAGES["default"]'),
        ("E005", 'STORAGES["a"]'),
        ("E005", 'STORAGES["b"]'),
    }
    assert len(check_storages()) == 3


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({"custom_domain": "media/"}, ["E005"]),
        ({"url_protocol": "https"}, ["E006"]),
        ({"custom_domain": None}, []),
    ],
    ids=str,
)
def test_address_of_public_files(option: dict[str, Any], expected: list[str], healthy: Any) -> None:
    """Find a wrong domain or protocol of a storage that does not sign."""
    public = {**OURS, "OPTIONS": {"querystring_auth": False, **option}}
    healthy.STORAGES = {"default": OURS, "public": public, "staticfiles": STATIC}
    assert ids(check_storages()) == expected


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


def test_default_file_storage_and_storages(healthy: Any) -> None:
    """Refuse DEFAULT_FILE_STORAGE beside STORAGES["default"] if one of the two is ours."""
    for backend in (S3_BACKEND, "storages.backends.s3.S3Storage"):
        healthy.DEFAULT_FILE_STORAGE = backend
        assert ids(check_storages()) == ["E021"]
    healthy.STORAGES = {"default": {"BACKEND": healthy.DEFAULT_FILE_STORAGE}}
    assert check_storages() == []


@pytest.mark.parametrize(
    ("backend", "expected"),
    [(S3_BACKEND, "W003"), (FILE_BACKEND, "W003"), (f"{__name__}.Signing", "E022")],
)
def test_default_file_storage_alone(backend: str, expected: str, site: Any) -> None:
    """Recommend STORAGES if the app honors DEFAULT_FILE_STORAGE; refuse a class of the site."""
    site.DEFAULT_FILE_STORAGE = backend
    honor_default_file_storage()
    assert ids(check_storages()) == [expected]
    site.AWS_S3_CUSTOM_DOMAIN = None
    assert ids(check_storages()) == [expected, "E004"][: 2 if expected == "W003" else 1]


@pytest.mark.parametrize("value", [True, False])
def test_by_hand(value: bool, healthy: Any) -> None:
    """Take both values of AWS_CLOUDFRONT_BY_HAND; E030 reports others."""
    healthy.AWS_CLOUDFRONT_BY_HAND = value
    assert check_storages() == []


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (OURS, ["E020"]),
        ({**OURS, "OPTIONS": {"querystring_auth": False, "custom_domain": "s.com"}}, []),
        ({"BACKEND": S3_STATIC}, ["W002"]),
        ({"BACKEND": S3_STATIC, "OPTIONS": {"custom_domain": DOMAIN}}, ["W002"]),
        ({"BACKEND": S3_STATIC, "OPTIONS": {"custom_domain": "static.example.com"}}, []),
        ({"BACKEND": f"{__name__}.Public"}, ["W002"]),
        ({"BACKEND": f"{__name__}.Static"}, ["W002"]),
    ],
    ids=str,
)
def test_static_files(entry: dict[str, Any], expected: list[str], healthy: Any) -> None:
    """Refuse static files that would be signed; warn of a domain that requires signatures."""
    healthy.STORAGES = {"default": OURS, "staticfiles": entry}
    assert ids(check_storages()) == expected
    if expected == ["W002"]:
        healthy.AWS_QUERYSTRING_AUTH = False
        assert check_storages() == []


@pytest.mark.parametrize("url", ["https://static.example.com/", "/static/", None])
def test_static_url(url: str | None, healthy: Any) -> None:
    """Find nothing wrong with a STATIC_URL on another domain; W002 reports the same one."""
    healthy.STATIC_URL = url
    assert check_storages() == []
