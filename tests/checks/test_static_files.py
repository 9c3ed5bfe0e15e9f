"""Find static files that would be signed, or that lie where signatures are wanted."""

from __future__ import annotations

from typing import Any

import pytest
from storages.backends.s3 import S3StaticStorage

from cfsigned_django.checks.storages import check_storages
from cfsigned_django.storage import CloudFrontS3Storage
from tests.storage_cases import DOMAIN, S3_BACKEND
from tests.test_checks import ids

S3_STATIC = "storages.backends.s3.S3StaticStorage"


class Public(CloudFrontS3Storage):
    """Make public URLs."""

    querystring_auth = False


class Static(S3StaticStorage):
    """Serve static files from the domain that others sign for."""

    custom_domain = DOMAIN


@pytest.fixture
def healthy(site: Any) -> Any:
    """Configure a site whose default storage signs."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    return site


def test_static_files_that_sign(healthy: Any) -> None:
    """Refuse a storage for static files that would sign each URL."""
    healthy.STORAGES = {"default": {"BACKEND": S3_BACKEND}, "staticfiles": {"BACKEND": S3_BACKEND}}
    assert ids(check_storages()) == ["E020"]
    public = {
        "BACKEND": S3_BACKEND,
        "OPTIONS": {"querystring_auth": False, "custom_domain": "s.com"},
    }
    healthy.STORAGES = {"default": {"BACKEND": S3_BACKEND}, "staticfiles": public}
    assert ids(check_storages()) == []


@pytest.mark.parametrize(
    "entry",
    [
        {"BACKEND": S3_STATIC},
        {"BACKEND": S3_STATIC, "OPTIONS": {"custom_domain": DOMAIN}},
        {"BACKEND": f"{__name__}.Public"},
        {"BACKEND": f"{__name__}.Static"},
    ],
    ids=["setting", "option", "own class", "class attribute"],
)
def test_static_files_on_a_restricted_domain(entry: dict[str, Any], healthy: Any) -> None:
    """Warn where static files are asked for on a domain that wants signatures."""
    healthy.STORAGES = {"default": {"BACKEND": S3_BACKEND}, "staticfiles": entry}
    assert ids(check_storages()) == ["W002"]
    healthy.AWS_QUERYSTRING_AUTH = False
    assert check_storages() == []


def test_static_url_on_a_restricted_domain(healthy: Any) -> None:
    """Warn of a STATIC_URL on a domain that wants signatures, and of no other."""
    healthy.STATIC_URL = f"https://{DOMAIN}/static/"
    assert ids(check_storages()) == ["W002"]
    for url in ("https://static.example.com/", "/static/", None):
        healthy.STATIC_URL = url
        assert check_storages() == []


def test_static_files_on_another_domain(healthy: Any) -> None:
    """Say nothing where static files have a domain of their own."""
    entry = {"BACKEND": S3_STATIC, "OPTIONS": {"custom_domain": "static.example.com"}}
    healthy.STORAGES = {"default": {"BACKEND": S3_BACKEND}, "staticfiles": entry}
    assert check_storages() == []
