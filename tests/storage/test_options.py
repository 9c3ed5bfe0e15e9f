"""Take options from the constructor, the class and the settings, and follow the settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import Storage, storages
from django.test import override_settings
from storages.backends.s3 import S3Storage

from cfsigned_django import conf
from cfsigned_django.checks.storages import check_storages
from cfsigned_django.signing import HashAlgorithm, PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.urls import SignedUrlMixin
from tests.storage_cases import (
    ANY_RESOURCE,
    BOTH,
    DOMAIN,
    KEY_ID,
    NOW,
    ORIGIN,
    OTHER_KEY_ID,
    S3_BACKEND,
    InMemory,
    OfTenant,
    Tenant,
    at,
    options_for,
    verify,
)

# With a step of 7,200 s, for the URL of a.jpg.
END_OF_STEP = 1_775_007_846
# One other value for each option, and how it shows in a URL made at NOW.
OTHER_VALUES: dict[str, tuple[Any, str]] = {
    "cloudfront_key_id": (OTHER_KEY_ID, f"&Key-Pair-Id={OTHER_KEY_ID}"),
    "custom_domain": ("other.example.com", "https://other.example.com/"),
    "url_protocol": ("http:", f"http://{DOMAIN}/"),
    "querystring_auth": (False, "/a.jpg#"),
    "querystring_expire": (timedelta(minutes=1), f"?Expires={NOW + 60}&"),
    "expire_step": (7200, f"?Expires={END_OF_STEP}&"),
    "hash_algorithm": (HashAlgorithm.SHA256, "&Hash-Algorithm=SHA256"),
}


def url_of(storage: SignedUrlMixin) -> str:
    """Return the URL of a file, made at NOW, and what ends it."""
    with at(NOW):
        return f"{storage.url('a.jpg')}#"


@BOTH
@pytest.mark.parametrize("option", OTHER_VALUES)
@pytest.mark.parametrize("step", [0, 1], ids="step {}".format)
def test_each_option(cls: Any, option: str, step: int, site: Any) -> None:
    """Take it from the constructor, else from the class, else from its setting as it changes."""
    site.AWS_CLOUDFRONT_EXPIRE_STEP = step
    value, shown = OTHER_VALUES[option]
    setting, default = conf.OPTIONS[option][0], conf.default_of(option)
    subclass = type("Subclass", (cls,), {option: value})
    followed, given, assigned = cls(), cls(**{option: default}), cls()
    before = url_of(followed)
    assert shown not in before
    assert url_of(given) == url_of(assigned) == before
    assert shown in url_of(cls(**{option: value}))
    assert shown in url_of(subclass())
    assert url_of(subclass(**{option: default})) == before
    with override_settings(**{setting: value}):
        assert shown in url_of(followed)
        assert url_of(given) == before
    assert url_of(followed) == before
    setattr(assigned, option, value)
    assert shown in url_of(assigned)
    with override_settings(**{setting: default}):
        assert shown in url_of(assigned)
    setattr(assigned, option, default)
    assert url_of(assigned) == before


@BOTH
@pytest.mark.parametrize("step", [0, 1], ids="step {}".format)
def test_addresses_and_resources_follow(cls: Any, step: int, site: Any, ec_key: PrivateKey) -> None:
    """Follow settings in unsigned URLs and in what is signed once for many names as well."""
    storage = cls(expire_step=step)

    def made() -> list[str]:
        with at(NOW):
            return [storage.unsigned_url("a.jpg"), storage.url("a.jpg", **ANY_RESOURCE)]

    before = made()
    assert before[0] == f"{ORIGIN}/a.jpg"
    for changed, address in (
        ({"AWS_LOCATION": "media"}, f"{ORIGIN}/media/a.jpg"),
        ({"AWS_S3_CUSTOM_DOMAIN": "b.example.com"}, "https://b.example.com/a.jpg"),
        ({"AWS_CLOUDFRONT_KEY": ec_key.to_pem()}, before[0]),
        ({"AWS_QUERYSTRING_EXPIRE": 7200}, before[0]),
    ):
        with override_settings(**changed):
            after = made()
            assert after[0] == address
            assert after[1].startswith(f"{address}?Policy=")
            assert after[1] != before[1]
        assert made() == before
    storage.custom_domain = "c.example.com"
    assert storage.unsigned_url("a.jpg") == "https://c.example.com/a.jpg"


@BOTH
def test_key(cls: Any, site: Any, ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """Sign with the key of the setting, of the class, or one that is assigned, and trust it."""
    storage = cls()
    on_class = type("Subclass", (cls,), {"cloudfront_key": ec_key.to_pem().decode()})()
    with override_settings(AWS_CLOUDFRONT_KEY=ec_key.to_pem(), AWS_CLOUDFRONT_KEY_ID=OTHER_KEY_ID):
        for each in (storage, on_class):
            assert verify(each, each.url("a.jpg")).is_canned
            assert each.trusted_keys() == {OTHER_KEY_ID: ec_key.public_key}
    assert storage.trusted_keys() == {KEY_ID: rsa_key.public_key}
    storage.cloudfront_key = ec_key.to_pem()
    assert verify(storage, storage.url("a.jpg")).is_canned
    assert storage.trusted_keys() == {KEY_ID: ec_key.public_key}


def test_location_that_was_given(site: Any) -> None:
    """Keep a location that the constructor was given, the empty one too, or that is assigned."""
    given, empty = CloudFrontS3Storage(location="private"), CloudFrontS3Storage(location="")
    with override_settings(AWS_LOCATION="media"):
        assert given.unsigned_url("a.jpg") == f"{ORIGIN}/private/a.jpg"
        assert empty.unsigned_url("a.jpg") == f"{ORIGIN}/a.jpg"
        empty.location = "later"
        assert empty.url("a.jpg").startswith(f"{ORIGIN}/later/a.jpg?")


def test_aliases(settings: Any, rsa_key: PrivateKey, ec_key: PrivateKey) -> None:
    """Let each alias of STORAGES have options of its own, and follow a change of STORAGES."""
    second = options_for(ec_key, cloudfront_key_id=OTHER_KEY_ID, custom_domain="b.example.com")
    settings.STORAGES = {
        "default": {"BACKEND": S3_BACKEND, "OPTIONS": options_for(rsa_key)},
        "private": {"BACKEND": S3_BACKEND, "OPTIONS": second | {"querystring_expire": 60}},
    }
    default: Any = storages["default"]
    private: Any = storages["private"]
    assert url_of(default).startswith(f"{ORIGIN}/a.jpg?Expires={NOW + 3600}&")
    assert url_of(private).startswith(f"https://b.example.com/a.jpg?Expires={NOW + 60}&")
    assert default.trusted_keys() == {KEY_ID: rsa_key.public_key}
    assert private.trusted_keys() == {OTHER_KEY_ID: ec_key.public_key}
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": second}}
    assert storages["default"].url("a.jpg").startswith("https://b.example.com/a.jpg")


@pytest.mark.parametrize(
    ("cls", "option", "meant"),
    [
        (CloudFrontS3Storage, "cloudfront_keyid", "cloudfront_key_id"),
        (CloudFrontS3Storage, "bucketname", "bucket_name"),
        (CloudFrontS3Storage, "expire_steps", "expire_step"),
        (CloudFrontFileSystemStorage, "custom_domian", "custom_domain"),
        (CloudFrontFileSystemStorage, "locaton", "location"),
        (CloudFrontS3Storage, "zzz", None),
    ],
)
def test_unknown_option(cls: Any, option: str, meant: str | None, site: Any) -> None:
    """Refuse an option that does not exist, and name the one that was meant, if one is near."""
    with pytest.raises(ImproperlyConfigured, match=f"'{option}'.*{cls.__name__}") as caught:
        cls(**{option: "x"})
    assert str(caught.value).count("'") == (4 if meant else 2)
    assert (meant or "") in str(caught.value)


def test_options_of_other_storages(site: Any) -> None:
    """Leave it to a storage that takes any options to say which it knows."""

    class AnyOptions(Storage):
        def __init__(self, **options: Any) -> None:
            self.options = options

    class Signing(SignedUrlMixin, AnyOptions):
        pass

    storage = Signing(bucket="b", custom_domain="m.example.com")
    assert storage.options == {"bucket": "b"}
    assert storage.custom_domain == "m.example.com"
    assert InMemory("folder", "/media/").unsigned_url("a.jpg") == f"{ORIGIN}/media/a.jpg"


# Subclasses


def test_properties(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask properties for each URL, follow settings beside them, and refuse what makes no sense."""
    storage = OfTenant()
    assert storage.url("x.jpg").startswith("https://a.example.com/a/x.jpg?")
    with override_settings(AWS_S3_CUSTOM_DOMAIN="c.example.com", AWS_S3_URL_PROTOCOL="http:"):
        assert storage.url("x.jpg").startswith("http://a.example.com/a/")
    monkeypatch.setattr(Tenant, "name", "no host/")
    with pytest.raises(ImproperlyConfigured, match="E005"):
        storage.url("x.jpg")


def test_key_property(site: Any, ec_key: PrivateKey) -> None:
    """Take the key from a property."""

    class Keyed(CloudFrontS3Storage):
        @property
        def cloudfront_key(self) -> str:
            return ec_key.to_pem().decode()

    assert Keyed().url("a.jpg").endswith("SHA256")
    assert Keyed().trusted_keys() == {KEY_ID: ec_key.public_key}


class Defaults(CloudFrontS3Storage):
    """Change defaults as django-storages documents it, by what the constructor has set."""

    tag: str

    def __init__(self, folder: str = "private", **options: Any) -> None:
        self.folder = folder
        super().__init__(**options)

    def get_default_settings(self) -> dict[str, Any]:
        """Return django-storages' defaults and others."""
        defaults: dict[str, Any] = super().get_default_settings()  # type: ignore[no-untyped-call]
        others = {"location": self.folder, "custom_domain": "p.example.com", "tag": "x"}
        return {**defaults, **others, "querystring_expire": 60}


def test_default_settings(site: Any) -> None:
    """Take options from an overridden get_default_settings, over those of the settings."""
    storage = Defaults()
    assert storage.unsigned_url("a.jpg") == "https://p.example.com/private/a.jpg"
    assert (storage.querystring_expire, storage.tag) == (60, "x")
    assert f"?Expires={NOW + 60}&" in url_of(storage)
    assert Defaults("t2", tag="y").tag == "y"
    assert Defaults("t2").unsigned_url("a.jpg").endswith("/t2/a.jpg")
    assert Defaults(location="z").unsigned_url("a.jpg").endswith("/z/a.jpg")
    with override_settings(AWS_S3_CUSTOM_DOMAIN="other.example.com"):
        assert storage.unsigned_url("a.jpg").startswith("https://p.example.com/")
    site.STORAGES = {"default": {"BACKEND": f"{__name__}.Defaults"}}
    assert check_storages() == []
    assert Defaults.config_for({"custom_domain": "q.example.com"}).custom_domain == "q.example.com"


def test_public_subclass(site: Any) -> None:
    """Make URLs public if the class says so, as S3StaticStorage does, and static files' mixin."""

    class Public(ManifestFilesMixin, CloudFrontS3Storage):  # type: ignore[misc]
        querystring_auth = False

        def read_manifest(self) -> Any:
            return None

    with override_settings(DEBUG=True):
        assert Public().url("app.css") == f"{ORIGIN}/app.css"
        assert "Signature=" in Public(querystring_auth=True).url("app.css")


def test_mixin_over_s3storage() -> None:
    """Refuse the mixin before S3Storage, and name the class to derive from."""
    with pytest.raises(TypeError, match="CloudFrontS3Storage"):
        type("Mine", (SignedUrlMixin, S3Storage), {})


def test_trusted_keys_need_a_key(site: Any) -> None:
    """Tell a verifier which setting is missing, also if the storage does not sign."""
    site.AWS_CLOUDFRONT_KEY = site.AWS_CLOUDFRONT_KEY_ID = None
    for auth in (True, False):
        with pytest.raises(ImproperlyConfigured, match="E001"):
            CloudFrontFileSystemStorage(querystring_auth=auth).trusted_keys()
