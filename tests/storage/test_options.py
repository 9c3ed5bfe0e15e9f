"""Take options from the constructor, the class and the settings, and follow the settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InMemoryStorage, Storage, storages
from django.test import override_settings

from cfsigned_django import conf
from cfsigned_django.signing import HashAlgorithm, PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.urls import SignedUrlMixin
from tests.storage_cases import (
    DOMAIN,
    KEY_ID,
    OTHER_KEY_ID,
    S3_BACKEND,
    at,
    options_for,
    parameters_of,
    settings_for,
    verify,
)

NOW = 1_775_000_000
# With a step of 7,200 s, for the URL of a.jpg.
END_OF_STEP = 1_775_007_846
# One other value for each option, and how it shows in a URL made at NOW.
OTHER_VALUES = {
    "cloudfront_key_id": (OTHER_KEY_ID, f"&Key-Pair-Id={OTHER_KEY_ID}"),
    "custom_domain": ("other.example.com", "https://other.example.com/"),
    "url_protocol": ("http:", f"http://{DOMAIN}/"),
    "querystring_expire": (timedelta(minutes=1), f"?Expires={NOW + 60}&"),
    "expire_step": (7200, f"?Expires={END_OF_STEP}&"),
    "hash_algorithm": (HashAlgorithm.SHA256, "&Hash-Algorithm=SHA256"),
}
BOTH = pytest.mark.parametrize("cls", [CloudFrontS3Storage, CloudFrontFileSystemStorage])
EACH = pytest.mark.parametrize("option", OTHER_VALUES)


def url_of(storage: SignedUrlMixin) -> str:
    """Return the URL of a file, made at NOW."""
    with at(NOW):
        return storage.url("a.jpg")


@BOTH
@EACH
def test_constructor(cls: Any, option: str, site: Any) -> None:
    """Take each option in the constructor, over its setting."""
    value, shown = OTHER_VALUES[option]
    assert shown in url_of(cls(**{option: value}))
    assert shown not in url_of(cls())


@BOTH
@EACH
def test_class_attribute(cls: Any, option: str, site: Any) -> None:
    """Take each option from the class, and the constructor's over it."""
    value, shown = OTHER_VALUES[option]
    subclass = type("Subclass", (cls,), {option: value})
    assert shown in url_of(subclass())
    assert url_of(subclass(**{option: conf.default_of(option)})) == url_of(cls())


@BOTH
@EACH
def test_settings_are_followed(cls: Any, option: str, site: Any) -> None:
    """Follow a setting that changes after the storage has made a URL, and changes back."""
    value, shown = OTHER_VALUES[option]
    storage = cls()
    before = url_of(storage)
    with override_settings(**{conf.OPTIONS[option][0]: value}):
        assert shown in url_of(storage)
    assert url_of(storage) == before


@BOTH
@EACH
def test_what_was_given_does_not_follow(cls: Any, option: str, site: Any) -> None:
    """Keep what the constructor was given, even where it is what the setting was."""
    value, shown = OTHER_VALUES[option]
    storage = cls(**{option: conf.default_of(option)})
    with override_settings(**{conf.OPTIONS[option][0]: value}):
        assert shown not in url_of(storage)


@BOTH
@EACH
def test_assignment(cls: Any, option: str, site: Any) -> None:
    """Take what is assigned later, and keep it when the setting changes."""
    value, shown = OTHER_VALUES[option]
    storage = cls()
    default = conf.default_of(option)
    url_of(storage)
    setattr(storage, option, value)
    assert shown in url_of(storage)
    with override_settings(**{conf.OPTIONS[option][0]: default}):
        assert shown in url_of(storage)


@BOTH
def test_unsigned_urls_follow(cls: Any, site: Any) -> None:
    """Follow the settings and what is assigned in unsigned URLs as well."""
    storage = cls()
    assert storage.unsigned_url("a.jpg") == f"https://{DOMAIN}/a.jpg"
    with override_settings(AWS_S3_CUSTOM_DOMAIN="b.example.com", AWS_S3_URL_PROTOCOL="http:"):
        assert storage.unsigned_url("a.jpg") == "http://b.example.com/a.jpg"
    storage.custom_domain = "c.example.com"
    assert storage.unsigned_url("a.jpg") == "https://c.example.com/a.jpg"


@BOTH
def test_key_is_followed(cls: Any, site: Any, ec_key: PrivateKey) -> None:
    """Sign with the new key once the setting names it, and with one that is assigned."""
    storage = cls()
    with override_settings(AWS_CLOUDFRONT_KEY=ec_key.to_pem(), AWS_CLOUDFRONT_KEY_ID=OTHER_KEY_ID):
        url = storage.url("a.jpg")
        assert parameters_of(url)["Key-Pair-Id"] == OTHER_KEY_ID
        assert verify(storage, url).is_canned
        assert storage.trusted_keys() == {OTHER_KEY_ID: ec_key.public_key}
    assert parameters_of(storage.url("a.jpg"))["Key-Pair-Id"] == KEY_ID
    storage.cloudfront_key = ec_key.to_pem()
    assert verify(storage, storage.url("a.jpg")).is_canned
    assert storage.trusted_keys() == {KEY_ID: ec_key.public_key}


@BOTH
def test_key_on_the_class(cls: Any, site: Any, ec_key: PrivateKey) -> None:
    """Sign with the key of the class."""
    subclass = type("Subclass", (cls,), {"cloudfront_key": ec_key.to_pem().decode()})
    storage = subclass()
    assert storage.url("a.jpg").endswith("SHA256")
    with override_settings(AWS_CLOUDFRONT_KEY_ID=OTHER_KEY_ID):
        assert storage.trusted_keys() == {OTHER_KEY_ID: ec_key.public_key}


def test_public_and_back(site: Any) -> None:
    """Follow AWS_QUERYSTRING_AUTH, and a change of the attribute."""
    storage = CloudFrontS3Storage()
    with override_settings(AWS_QUERYSTRING_AUTH=False):
        assert storage.url("a.jpg") == f"https://{DOMAIN}/a.jpg"
    assert "Signature" in storage.url("a.jpg")
    storage.querystring_auth = False
    assert storage.url("a.jpg") == f"https://{DOMAIN}/a.jpg"


@BOTH
def test_location_is_followed(cls: Any, site: Any) -> None:
    """Follow AWS_LOCATION, in the URL and in the object that it names."""
    storage = cls()
    with override_settings(AWS_LOCATION="media"):
        assert "/media/a.jpg?" in storage.url("a.jpg")
        assert storage.unsigned_url("a.jpg").endswith("/media/a.jpg")
    assert storage.unsigned_url("a.jpg").endswith(f"{DOMAIN}/a.jpg")


def test_location_that_was_given(site: Any) -> None:
    """Keep a location that the constructor was given, the empty one too."""
    given, empty = CloudFrontS3Storage(location="private"), CloudFrontS3Storage(location="")
    with override_settings(AWS_LOCATION="media"):
        assert given.unsigned_url("a.jpg").endswith(f"{DOMAIN}/private/a.jpg")
        assert empty.unsigned_url("a.jpg").endswith(f"{DOMAIN}/a.jpg")


def test_aliases_differ(settings: Any, rsa_key: PrivateKey, ec_key: PrivateKey) -> None:
    """Let each alias of STORAGES have a key, a domain and a lifetime of its own."""
    first = options_for(rsa_key)
    second = options_for(ec_key, cloudfront_key_id=OTHER_KEY_ID, custom_domain="b.example.com")
    settings.STORAGES = {
        "default": {"BACKEND": S3_BACKEND, "OPTIONS": first},
        "private": {"BACKEND": S3_BACKEND, "OPTIONS": second | {"querystring_expire": 60}},
    }
    default: Any = storages["default"]
    private: Any = storages["private"]
    assert url_of(default).startswith(f"https://{DOMAIN}/a.jpg?Expires={NOW + 3600}&")
    assert url_of(private).startswith(f"https://b.example.com/a.jpg?Expires={NOW + 60}&")
    assert default.trusted_keys() == {KEY_ID: rsa_key.public_key}
    assert private.trusted_keys() == {OTHER_KEY_ID: ec_key.public_key}


def test_storages_that_change(settings: Any, rsa_key: PrivateKey) -> None:
    """Follow a change of STORAGES, for which Django makes a new storage."""
    for domain in ("a.example.com", "b.example.com"):
        options = options_for(rsa_key, custom_domain=domain)
        settings.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
        assert storages["default"].url("a.jpg").startswith(f"https://{domain}/")


@pytest.mark.parametrize(
    ("cls", "option", "meant"),
    [
        (CloudFrontS3Storage, "cloudfront_keyid", "cloudfront_key_id"),
        (CloudFrontS3Storage, "bucketname", "bucket_name"),
        (CloudFrontS3Storage, "expire_steps", "expire_step"),
        (CloudFrontFileSystemStorage, "custom_domian", "custom_domain"),
        (CloudFrontFileSystemStorage, "locaton", "location"),
    ],
)
def test_unknown_option(cls: Any, option: str, meant: str, site: Any) -> None:
    """Refuse an option that does not exist, and name the one that was meant."""
    with pytest.raises(ImproperlyConfigured, match=f"{option}.*{cls.__name__}.*'{meant}'"):
        cls(**{option: "x"})


def test_option_that_resembles_nothing(site: Any) -> None:
    """Refuse an unknown option without a guess where nothing is near."""
    with pytest.raises(ImproperlyConfigured, match=r"Invalid setting 'zzz' for \w+\.$"):
        CloudFrontS3Storage(zzz=1)


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


def test_positional_arguments(site: Any) -> None:
    """Pass positional arguments on to the storage behind the mixin."""

    class InMemory(SignedUrlMixin, InMemoryStorage):
        pass

    assert InMemory("folder", "/media/").unsigned_url("a.jpg") == f"https://{DOMAIN}/media/a.jpg"


def test_settings_read_at_the_first_url(settings: Any, rsa_key: PrivateKey) -> None:
    """Take settings that are complete only after the storage was made."""
    storage = CloudFrontS3Storage()
    with override_settings(**settings_for(rsa_key)):
        assert verify(storage, storage.url("a.jpg")).is_canned
