"""Put CloudFrontS3Storage in the place of S3Storage for django-storages' own tests.

A pytest plugin, which scripts/django_storages.sh loads. The tests come from
the source distribution and are not part of this repository. All of them must
pass but those listed here, and these must fail, for the reason given.
"""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

# These expect a URL where nothing is set up for signing: django-storages falls
# back, in silence, to a URL without a signature or to S3 itself.
_UNSIGNED = "a domain and no key: a URL without a signature"
FALL_BACKS = {
    "S3StorageTests::test_storage_url": "no domain and no key: a presigned URL of S3",
    "S3StorageTests::test_storage_url_slashes": _UNSIGNED,
    "S3StorageTests::test_generated_url_is_encoded": _UNSIGNED,
    "S3StorageTests::test_special_characters": _UNSIGNED,
    "S3StorageTests::test_custom_domain_parameters": _UNSIGNED,
}
# These look at what django-storages does on its way to a URL.
OTHER_WAYS = {
    "S3StorageTests::test_cloudfront_config": (
        AssertionError,
        "cloudfront_signer is None only if signing is turned off, not if no key is set",
    ),
    "S3StorageTests::test_storage_url_custom_domain_signed_urls": (
        ImproperlyConfigured,
        "a signer with an id that CloudFront never gives, and a clock of django-storages' own",
    ),
}


def pytest_sessionstart(session: pytest.Session) -> None:
    """Replace the classes before the tests import them, once Django has its settings."""
    from django.contrib.staticfiles.storage import ManifestFilesMixin
    from storages.backends import s3

    from cfsigned_django.storage import CloudFrontS3Storage

    public = {"querystring_auth": False, "__module__": s3.__name__}
    static = type("S3StaticStorage", (CloudFrontS3Storage,), public)
    manifest = type("S3ManifestStaticStorage", (ManifestFilesMixin, static), public)
    for cls in (CloudFrontS3Storage, static, manifest):
        setattr(s3, cls.__name__.removeprefix("CloudFront"), cls)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect each listed test to fail with ImproperlyConfigured, and to be there."""
    named = {item.nodeid.partition("::")[2]: item for item in items}
    fall_backs = {name: (ImproperlyConfigured, reason) for name, reason in FALL_BACKS.items()}
    listed = {**fall_backs, **OTHER_WAYS}
    missing = listed.keys() - named.keys()
    if missing:
        raise pytest.UsageError(f"Listed as a difference, and no test: {', '.join(missing)}")
    for name, (error, reason) in listed.items():
        expected = pytest.mark.xfail(raises=error, reason=reason, strict=True)
        named[name].add_marker(expected)
