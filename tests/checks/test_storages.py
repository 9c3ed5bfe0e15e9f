"""Find every storage of a site that signs, and what is wrong with it, with manage.py check."""

from __future__ import annotations

import io
import socket
from typing import Any

import pytest
from django.apps import apps
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import models
from django.test.utils import isolate_apps

from cfsigned_django import conf
from cfsigned_django.checks.storages import check_storages
from cfsigned_django.conf import honour_default_file_storage
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from tests.storage_cases import FILE_BACKEND, KEY_GROUP_ID, S3_BACKEND, options_for
from tests.test_checks import WRONG, ids

STATIC = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


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
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}, "staticfiles": STATIC}
    return site


def output_of_check(*arguments: str) -> str:
    """Return what manage.py check says."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("check", *arguments, stdout=out, stderr=err)
    except SystemCheckError as error:
        return str(error)
    return out.getvalue() + err.getvalue()


def settings_of(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the settings for changes of options."""
    return {conf.OPTIONS[name][0]: value for name, value in changes.items()}


@pytest.mark.parametrize("backend", [S3_BACKEND, FILE_BACKEND])
def test_healthy(backend: str, healthy: Any) -> None:
    """Say nothing where nothing is wrong."""
    healthy.STORAGES = {"default": {"BACKEND": backend}, "staticfiles": STATIC}
    assert check_storages() == []
    assert "no issues" in output_of_check()


@pytest.mark.parametrize(("check_id", "changes"), WRONG, ids=str)
@pytest.mark.parametrize("where", ["settings", "options"])
def test_fact(
    where: str, check_id: str, changes: dict[str, Any], healthy: Any, ec_key: PrivateKey
) -> None:
    """Find each thing that is wrong, in the settings or the options of an alias, with its hint."""
    healthy.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
    # A key group may have its key in the database, which no check asks.
    healthy.AWS_CLOUDFRONT_KEY_GROUP_ID = None
    options: dict[str, Any] = changes if where == "options" else {}
    for name, value in settings_of(changes if where == "settings" else {}).items():
        setattr(healthy, name, value)
    entry = {"BACKEND": S3_BACKEND, "OPTIONS": options}
    healthy.STORAGES = {"default": entry, "staticfiles": STATIC}
    assert ids(check_storages()) == [check_id]
    text = output_of_check("--fail-level", "CRITICAL")
    assert f"(cfsigned.{check_id})" in text
    assert "HINT: " in text
    assert 'STORAGES["default"]' in text


def test_check_fails(settings: Any) -> None:
    """Let manage.py check fail for an error."""
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND}, "staticfiles": STATIC}
    with pytest.raises(SystemCheckError, match=r"cfsigned\.E001"):
        call_command("check")


def test_tag(healthy: Any) -> None:
    """Run with Django's checks of files."""
    healthy.AWS_CLOUDFRONT_KEY = None
    assert "cfsigned.E003" in output_of_check("--tag", "files")
    assert "cfsigned.E003" not in output_of_check("--tag", "urls")


def test_no_storage_is_made(healthy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at classes and options only."""

    def refuse(*arguments: Any, **named: Any) -> None:
        raise AssertionError("a storage was made")

    monkeypatch.setattr(CloudFrontS3Storage, "__init__", refuse)
    assert check_storages() == []


@pytest.mark.parametrize("cls", [Public, Unsigned, OfTenant])
def test_storages_that_need_nothing(cls: type, healthy: Any) -> None:
    """Ask nothing of a storage whose URLs are public, nor of one that decides later."""
    healthy.AWS_CLOUDFRONT_KEY = healthy.AWS_S3_CUSTOM_DOMAIN = None
    healthy.AWS_CLOUDFRONT_KEY_ID = None
    entry = {"BACKEND": f"{__name__}.{cls.__name__}"}
    healthy.STORAGES = {"default": entry, "staticfiles": STATIC}
    assert check_storages() == []


@pytest.mark.parametrize(
    "option", [{"querystring_auth": False}, {"cloudfront_signer": None}], ids=str
)
def test_options_that_need_nothing(option: dict[str, Any], healthy: Any) -> None:
    """Ask nothing of a storage whose options say that its URLs are public."""
    healthy.AWS_CLOUDFRONT_KEY = healthy.AWS_CLOUDFRONT_KEY_ID = None
    entry = {"BACKEND": S3_BACKEND, "OPTIONS": option}
    healthy.STORAGES = {"default": entry, "staticfiles": STATIC}
    assert check_storages() == []


def test_several_aliases(healthy: Any, ec_key: PrivateKey) -> None:
    """Say once what the settings get wrong, and for each alias what its options do."""
    healthy.AWS_S3_URL_PROTOCOL = "https"
    healthy.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "a": {"BACKEND": FILE_BACKEND, "OPTIONS": {"custom_domain": "a/"}},
        "b": {"BACKEND": S3_BACKEND, "OPTIONS": options_for(ec_key, custom_domain="b/")},
        "other": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "broken": {"BACKEND": "no.such.Storage"},
        "staticfiles": STATIC,
    }
    found = check_storages()
    assert sorted(ids(found)) == ["E005", "E005", "E006"]
    assert {each.obj for each in found} == {'STORAGES["default"]', 'STORAGES["a"]', 'STORAGES["b"]'}


@isolate_apps("cfsigned_django", attr_name="isolated")
def test_file_fields(healthy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at file fields that have a storage of their own."""

    class Report(models.Model):  # noqa: DJ008 - nobody prints it
        default = models.FileField()
        plain = models.FileField(storage=FileSystemStorage())
        good = models.FileField(storage=CloudFrontFileSystemStorage())
        public = models.FileField(storage=Public(custom_domain=None))
        tenant = models.FileField(storage=OfTenant())
        wrong = models.ImageField(storage=Signing())
        text = models.CharField(max_length=1)

        class Meta:
            app_label = "cfsigned_django"

    monkeypatch.setattr(apps, "get_models", lambda: [Report])
    [found] = check_storages()
    assert found.id == "cfsigned.E005"
    assert found.obj is Report._meta.get_field("wrong")
    assert "cfsigned_django.Report.wrong: (cfsigned.E005)" in output_of_check()


def test_default_file_storage_and_storages(healthy: Any) -> None:
    """Refuse DEFAULT_FILE_STORAGE beside STORAGES["default"] if one of the two is ours."""
    healthy.DEFAULT_FILE_STORAGE = S3_BACKEND
    assert ids(check_storages()) == ["E021"]
    healthy.DEFAULT_FILE_STORAGE = "storages.backends.s3.S3Storage"
    assert ids(check_storages()) == ["E021"]
    healthy.STORAGES = {"default": {"BACKEND": healthy.DEFAULT_FILE_STORAGE}}
    assert check_storages() == []


@pytest.mark.parametrize("backend", [S3_BACKEND, FILE_BACKEND])
def test_default_file_storage_alone(backend: str, site: Any) -> None:
    """Recommend STORAGES where the app has honoured DEFAULT_FILE_STORAGE."""
    site.DEFAULT_FILE_STORAGE = backend
    honour_default_file_storage()
    assert ids(check_storages()) == ["W003"]
    site.AWS_S3_CUSTOM_DOMAIN = None
    assert ids(check_storages()) == ["W003", "E004"]


def test_default_file_storage_that_is_ignored(site: Any) -> None:
    """Refuse DEFAULT_FILE_STORAGE where it names a class of the site, which nothing reads."""
    site.DEFAULT_FILE_STORAGE = f"{__name__}.Signing"
    honour_default_file_storage()
    assert ids(check_storages()) == ["E022"]


@pytest.mark.parametrize(("value", "expected"), [(True, []), (False, []), ("no", ["E030"])])
def test_by_hand_is_true_or_false(value: object, expected: list[str], healthy: Any) -> None:
    """Refuse a text as AWS_CLOUDFRONT_BY_HAND: "no" would count as yes."""
    healthy.AWS_CLOUDFRONT_BY_HAND = value
    assert ids(check_storages()) == expected
