"""Honour what subclasses of django-storages' storage override."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from tests.storage_cases import DOMAIN, KEY_ID, options_for, verify

pytestmark = pytest.mark.usefixtures("site")


class Tenant:
    """Hold whose request this is."""

    name = "a"

    @classmethod
    @contextmanager
    def switch(cls, name: str) -> Iterator[None]:
        """Serve another tenant within the block."""
        before, cls.name = cls.name, name
        try:
            yield
        finally:
            cls.name = before


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


def test_properties() -> None:
    """Ask properties for each URL, as django-storages does."""
    storage = OfTenant()
    assert storage.url("x.jpg").startswith("https://a.example.com/a/x.jpg?")
    with Tenant.switch("b"):
        url = storage.url("x.jpg")
        assert url.startswith("https://b.example.com/b/x.jpg?")
        assert verify(storage, url).is_canned


def test_properties_and_settings() -> None:
    """Follow settings beside a property."""
    storage = OfTenant()
    with override_settings(AWS_S3_CUSTOM_DOMAIN="c.example.com", AWS_S3_URL_PROTOCOL="http:"):
        assert storage.url("x.jpg").startswith("http://a.example.com/a/")


def test_bad_property() -> None:
    """Refuse what a property returns, like any other value."""
    with Tenant.switch("no host/"), pytest.raises(ImproperlyConfigured, match="E005"):
        OfTenant().url("x.jpg")


def test_key_property(ec_key: PrivateKey) -> None:
    """Take the key from a property."""
    pem = ec_key.to_pem().decode()

    class Keyed(CloudFrontS3Storage):
        @property
        def cloudfront_key(self) -> str:
            return pem

    storage = Keyed()
    assert storage.url("a.jpg").endswith("SHA256")
    assert storage.trusted_keys() == {KEY_ID: ec_key.public_key}


def test_normalized_names() -> None:
    """Sign the name that an overridden _normalize_name returns, plain names too."""

    class Sharded(CloudFrontS3Storage):
        def _normalize_name(self, name: str) -> str:
            return f"{name[0]}/{name}"

    storage = Sharded()
    assert storage.unsigned_url("plain.jpg") == f"https://{DOMAIN}/p/plain.jpg"
    assert storage.url("한.jpg").startswith(f"https://{DOMAIN}/%ED%95%9C/%ED%95%9C.jpg?")


class Defaults(CloudFrontS3Storage):
    """Change defaults, and add an option, in the way that django-storages documents."""

    tag: str

    def get_default_settings(self) -> dict[str, Any]:
        """Return django-storages' defaults and others."""
        defaults: dict[str, Any] = super().get_default_settings()  # type: ignore[no-untyped-call]
        others = {"location": "private", "custom_domain": "p.example.com", "tag": "x"}
        return {**defaults, **others, "querystring_expire": 60}


def test_default_settings() -> None:
    """Take options from an overridden get_default_settings, and its own options as well."""
    storage = Defaults()
    assert storage.unsigned_url("a.jpg") == "https://p.example.com/private/a.jpg"
    assert storage.querystring_expire == 60
    assert storage.tag == "x"
    assert Defaults(tag="y", location="z").unsigned_url("a.jpg").endswith("/z/a.jpg")
    assert Defaults(tag="y").tag == "y"
    with override_settings(AWS_S3_CUSTOM_DOMAIN="other.example.com"):
        assert storage.unsigned_url("a.jpg").startswith("https://p.example.com/")


def test_default_settings_of_checks() -> None:
    """Let the system checks see what an overridden get_default_settings says."""
    assert Defaults.config_for({}).custom_domain == "p.example.com"
    assert Defaults.config_for({"custom_domain": "q.example.com"}).custom_domain == "q.example.com"


def test_public_subclass() -> None:
    """Make URLs public where the class says so, as S3StaticStorage does."""

    class Public(CloudFrontS3Storage):
        querystring_auth = False

    assert Public().url("a.jpg") == f"https://{DOMAIN}/a.jpg"
    assert Public(querystring_auth=True).url("a.jpg").startswith(f"https://{DOMAIN}/a.jpg?Expires=")


def test_manifest_storage() -> None:
    """Serve hashed static files without a signature through django's own mixin."""

    class Static(ManifestFilesMixin, CloudFrontS3Storage):  # type: ignore[misc]
        querystring_auth = False

        def read_manifest(self) -> Any:
            return None

    with override_settings(DEBUG=True):
        assert Static().url("app.css") == f"https://{DOMAIN}/app.css"


def test_own_constructor(rsa_key: PrivateKey) -> None:
    """Take options that a subclass passes on."""

    class Private(CloudFrontS3Storage):
        def __init__(self, **options: Any) -> None:
            super().__init__(location="private", **options)

    storage = Private(**options_for(rsa_key))
    assert storage.unsigned_url("a.jpg") == f"https://{DOMAIN}/private/a.jpg"
