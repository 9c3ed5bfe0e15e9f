"""Meet the mistakes that people make with storages, options and keys in wrong places."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from storages.backends.s3 import S3Storage

from cfsigned_django.checks.storages import check_storages
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.urls import SignedUrlMixin
from tests.storage_cases import DOMAIN, S3_BACKEND, options_for, settings_for
from tests.test_checks import ids

BODY = "MHcCAQEEI" + "Ab3" * 40


class OfFolder(CloudFrontS3Storage):
    """Take the location from an attribute that the constructor sets first."""

    def __init__(self, folder: str = "t1", **options: Any) -> None:
        self.folder = folder
        super().__init__(**options)

    def get_default_settings(self) -> dict[str, Any]:
        """Return the defaults, with the folder as location."""
        return {**super().get_default_settings(), "location": self.folder}  # type: ignore[no-untyped-call]


@pytest.mark.usefixtures("site")
def test_defaults_that_look_at_the_instance(settings: Any) -> None:
    """Let get_default_settings() of a subclass read what its constructor has set."""
    assert OfFolder("t2").url("a.jpg").startswith(f"https://{DOMAIN}/t2/a.jpg?")
    settings.STORAGES = {"default": {"BACKEND": f"{__name__}.OfFolder"}}
    assert check_storages() == []


@pytest.mark.parametrize("value", [None, 0, "", "False"], ids=repr)
def test_only_false_makes_urls_public(value: Any, ec_key: PrivateKey) -> None:
    """Refuse a querystring_auth that is empty by mistake, instead of a URL without signature."""
    storage = CloudFrontS3Storage(**options_for(ec_key, querystring_auth=value))
    with pytest.raises(ImproperlyConfigured, match=r"E017"):
        storage.url("a.jpg")


def test_mixin_over_s3storage() -> None:
    """Name the class to derive from where the mixin is put before S3Storage."""
    with pytest.raises(TypeError, match="Derive it from CloudFrontS3Storage"):
        type("Mine", (SignedUrlMixin, S3Storage), {})


@pytest.mark.parametrize("option", ["custom_domain", "hash_algorithm", "url_protocol"])
def test_key_in_another_option(option: str, ec_key: PrivateKey) -> None:
    """Show no byte of a key that was set under the name of another option."""
    pem = f"-----BEGIN EC PRIVATE KEY-----\\n{BODY}\\n-----END EC PRIVATE KEY-----"
    storage = CloudFrontS3Storage(**options_for(ec_key, **{option: pem}))
    with pytest.raises(ImproperlyConfigured) as caught:
        storage.url("a.jpg")
    assert BODY[:12] not in str(caught.value)
    assert BODY[:12] not in repr(vars(storage))


@pytest.mark.usefixtures("site")
def test_key_under_a_misspelt_option() -> None:
    """Hide a key whose option is misspelt from the frames that a debug page prints."""
    pem = f"-----BEGIN PRIVATE KEY-----\n{BODY}\n-----END PRIVATE KEY-----"
    with pytest.raises(ImproperlyConfigured, match="clodfront_key") as caught:
        CloudFrontS3Storage(clodfront_key=pem)
    frames, traceback = [], caught.tb.tb_next
    while traceback is not None:
        frames.append(repr(traceback.tb_frame.f_locals))
        traceback = traceback.tb_next
    assert frames
    assert not any(BODY[:12] in frame for frame in frames)


@pytest.mark.parametrize("auth", [True, False])
def test_trusted_keys_say_what_is_missing(auth: bool) -> None:
    """Name the setting that a verifier lacks, also of a storage that does not sign."""
    storage = CloudFrontFileSystemStorage(querystring_auth=auth, custom_domain=DOMAIN)
    with pytest.raises(ImproperlyConfigured, match=r"E001"):
        storage.trusted_keys()


def test_static_files_of_s3storage_that_sign(settings: Any, ec_key: PrivateKey) -> None:
    """Report static files in django-storages' own class, which the same key makes sign."""
    for name, value in settings_for(ec_key).items():
        setattr(settings, name, value)
    settings.STORAGES = {"staticfiles": {"BACKEND": "storages.backends.s3.S3Storage"}}
    assert ids(check_storages()) == ["E020"]
    settings.STORAGES["staticfiles"]["OPTIONS"] = {"querystring_auth": False}
    assert ids(check_storages()) == []


def test_domain_of_public_urls(settings: Any, ec_key: PrivateKey) -> None:
    """Check the domain of a storage that makes public URLs as well."""
    options = options_for(ec_key, custom_domain="https://media/", querystring_auth=False)
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
    assert ids(check_storages()) == ["E005"]
