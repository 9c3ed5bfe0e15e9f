"""Find caches that outlive the URLs in them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.signers import CloudFrontSigner
from django.core.management import call_command

from cfsigned_django.checks.caching import check_caches
from cfsigned_django.signing import PrivateKey, Signer, keys
from cfsigned_django.storage import CloudFrontS3Storage
from tests.storage_cases import KEY_GROUP_ID, KEY_ID, OTHER_KEY_ID, S3_BACKEND

CAP = "cfsigned_django.http.cap_cache_control"
UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"
OTHER = "django.middleware.common.CommonMiddleware"


@pytest.fixture(autouse=True)
def _storages(site: Any) -> None:
    """Configure a storage whose URLs live for an hour."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}


def found() -> list[str]:
    """Return the ids of what the check finds."""
    return [str(each.id).removeprefix("cfsigned.") for each in check_caches()]


@pytest.mark.parametrize(
    ("middleware", "seconds", "ids"),
    [
        ([UPDATE, OTHER, FETCH], 3601, ["W040"]),
        ([UPDATE, OTHER, FETCH], 3600, []),
        ([OTHER], 3601, []),
        ([UPDATE, CAP, FETCH], 3601, []),
        ([UPDATE, OTHER, CAP, FETCH], 3601, ["W040"]),
        ([CAP, UPDATE, FETCH], 3601, ["W040"]),
    ],
)
def test_middleware(middleware: list[str], seconds: int, ids: list[str], site: Any) -> None:
    """Warn where Django keeps pages for longer than a URL lives, and nothing sees to that."""
    site.MIDDLEWARE = middleware
    site.CACHE_MIDDLEWARE_SECONDS = seconds
    assert found() == ids


@pytest.mark.parametrize(
    ("key", "step", "is_old", "ids"),
    [
        ("ec_key", 900, True, ["W042"]),
        ("ec_key", 900, False, []),
        ("ec_key", 0, True, []),
        ("rsa_key", 900, True, []),
        (None, 900, True, ["W042"]),
    ],
)
def test_signatures_that_differ(
    key: str | None,
    step: int,
    is_old: bool,
    ids: list[str],
    site: Any,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Warn where stable URLs are not, since OpenSSL signs differently each time with ECDSA."""
    site.AWS_CLOUDFRONT_KEY = None if key is None else request.getfixturevalue(key).to_pem()
    site.AWS_CLOUDFRONT_EXPIRE_STEP = step
    if is_old:
        monkeypatch.setattr(keys, "_DETERMINISTIC_ECDSA", keys._ECDSA)
    assert found() == ids


@pytest.mark.parametrize("group", [KEY_GROUP_ID, None])
def test_key_of_the_database(group: str | None, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warn where a key of the database may sign, while the settings hold an RSA key still."""
    site.AWS_CLOUDFRONT_KEY_GROUP_ID, site.AWS_CLOUDFRONT_EXPIRE_STEP = group, 900
    monkeypatch.setattr(keys, "_DETERMINISTIC_ECDSA", keys._ECDSA)
    assert found() == ([] if group is None else ["W042"])


@pytest.mark.parametrize("place", ["option", "class", "field"])
@pytest.mark.parametrize(
    ("handed_in", "in_settings", "ids"),
    [("ec_key", "rsa_key", ["W042"]), ("rsa_key", "ec_key", [])],
)
def test_signer_that_was_handed_in(
    place: str,
    handed_in: str,
    in_settings: str,
    ids: list[str],
    site: Any,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    fields: Any,
) -> None:
    """Look at the key of a signer that was handed in, and not at that of the settings."""
    private_key = request.getfixturevalue(handed_in)
    signer = Signer(key_pair_id=OTHER_KEY_ID, private_key=private_key)
    site.AWS_CLOUDFRONT_KEY = request.getfixturevalue(in_settings).to_pem()
    site.AWS_CLOUDFRONT_KEY_GROUP_ID, site.AWS_CLOUDFRONT_EXPIRE_STEP = KEY_GROUP_ID, 900
    monkeypatch.setattr(keys, "_DETERMINISTIC_ECDSA", keys._ECDSA)
    site.STORAGES = {}
    if place == "field":
        fields(file=CloudFrontS3Storage(cloudfront_signer=signer))
    else:
        options = {"cloudfront_signer": signer} if place == "option" else {}
        site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
    if place == "class":
        monkeypatch.setattr(CloudFrontS3Storage, "cloudfront_signer", signer, raising=False)
    assert found() == ids


@pytest.mark.parametrize("place", ["option", "field"])
def test_signer_of_another_library(
    place: str, site: Any, ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch, fields: Any
) -> None:
    """Say nothing of a signer that makes django-storages' URLs, which know no step."""
    signer = CloudFrontSigner(KEY_ID, ec_key.to_pem)
    site.AWS_CLOUDFRONT_KEY, site.AWS_CLOUDFRONT_EXPIRE_STEP = ec_key.to_pem(), 900
    monkeypatch.setattr(keys, "_DETERMINISTIC_ECDSA", keys._ECDSA)
    options = {"cloudfront_signer": signer} if place == "option" else {}
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
    if place == "field":
        site.STORAGES = {}
        fields(file=CloudFrontS3Storage(cloudfront_signer=signer))
    assert found() == []


def test_key_that_signs_nothing(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a key that cannot be used to the check that says so."""
    site.AWS_CLOUDFRONT_KEY, site.AWS_CLOUDFRONT_EXPIRE_STEP = "no key", 900
    monkeypatch.setattr(keys, "_DETERMINISTIC_ECDSA", keys._ECDSA)
    assert found() == []


def test_no_storage_signs(site: Any) -> None:
    """Say nothing where no storage signs, or its lifetime is none."""
    site.MIDDLEWARE, site.CACHE_MIDDLEWARE_SECONDS = [UPDATE, FETCH], 10**6
    site.AWS_QUERYSTRING_EXPIRE = "soon"
    assert found() == []
    site.STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }
    assert found() == []


def test_check_command(site: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Let manage.py check report it."""
    site.MIDDLEWARE, site.CACHE_MIDDLEWARE_SECONDS = [UPDATE, FETCH], 7200
    call_command("check", "--tag", "caches")
    assert "cfsigned.W040" in capsys.readouterr().err
