"""Keep keys out of sight: in what is printed, copied and pickled."""

from __future__ import annotations

import copy
import pickle
import pprint
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages

from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from tests.leaks import fragments
from tests.storage_cases import (
    KEY_ID,
    NOW,
    S3_BACKEND,
    SECRET_KEY,
    InMemory,
    at,
    options_for,
)

CREDENTIALS = {"access_key": "AKIAEXAMPLE", "secret_key": SECRET_KEY, "security_token": "a-token"}


class OnTheClass(CloudFrontS3Storage):
    """Be given a key as a class attribute, by the tests that need one."""


def unpickle(data: bytes) -> Any:
    """Return what was pickled by the test itself."""
    return pickle.loads(data)  # noqa: S301


def unpickled_copy(storage: Any) -> Any:
    """Return a copy that went through a pickle."""
    return unpickle(pickle.dumps(storage))


def of_settings(key: PrivateKey) -> CloudFrontS3Storage:
    """Return a storage that has all from the settings."""
    return CloudFrontS3Storage()


def of_options(key: PrivateKey) -> CloudFrontS3Storage:
    """Return a storage that has all from its options."""
    return CloudFrontS3Storage(**options_for(key), **CREDENTIALS)


def assigned(key: PrivateKey) -> CloudFrontS3Storage:
    """Return a storage whose secrets were assigned after it was made."""
    storage = CloudFrontS3Storage()
    for name, value in (options_for(key) | CREDENTIALS).items():
        setattr(storage, name, value)
    return storage


def of_files(key: PrivateKey) -> CloudFrontFileSystemStorage:
    """Return a storage of files on disk."""
    return CloudFrontFileSystemStorage(cloudfront_key=key.to_pem())


def in_memory(key: PrivateKey) -> InMemory:
    """Return a storage that is none of this package's own."""
    return InMemory(cloudfront_key=key.to_pem())


EACH = pytest.mark.parametrize("make", [of_settings, of_options, assigned, of_files, in_memory])
COPIES = pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, unpickled_copy])


@pytest.fixture(autouse=True)
def _credentials(site: Any) -> None:
    """Give the site AWS credentials as well."""
    site.AWS_S3_SECRET_ACCESS_KEY = SECRET_KEY
    site.AWS_S3_ACCESS_KEY_ID = "AKIAEXAMPLE"


def assert_hides(text: str | bytes, key: PrivateKey) -> None:
    """Fail if the text contains a line of the key.

    AWS's secrets are django-storages' matter: only a pickle must not hold them.
    """
    is_pickle = isinstance(text, bytes)
    text = text.decode("latin-1") if isinstance(text, bytes) else text
    for secret in (*fragments(key), *((SECRET_KEY, "a-token") if is_pickle else ())):
        assert secret not in text


@EACH
def test_repr(make: Any, rsa_key: PrivateKey) -> None:
    """Show no secret and no URL in any text that Python makes of a storage, new or used."""
    storage = make(rsa_key)
    for _ in range(2):
        for value in (storage, vars(storage), storage.signing_config(), storage.deconstruct()):
            text = repr(value) + str(value) + pprint.pformat(value)
            assert_hides(text, rsa_key)
            assert "Expires=" not in text
        storage.url("a.jpg", expire_step=900)


@EACH
def test_pickle(make: Any, rsa_key: PrivateKey) -> None:
    """Pickle without a secret, before the first URL and after it, in each protocol."""
    storage = make(rsa_key)
    for _ in range(2):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert_hides(pickle.dumps(storage, protocol), rsa_key)
        storage.url("a.jpg")


@EACH
@COPIES
@pytest.mark.parametrize("step", [0, 900])
def test_copies(make: Any, duplicate: Any, step: int, rsa_key: PrivateKey, site: Any) -> None:
    """Sign with a copy as with its storage, follow settings as it does, and remember apart."""
    site.AWS_CLOUDFRONT_EXPIRE_STEP = step
    storage = make(rsa_key)
    with at(NOW):
        url = storage.url("a.jpg")
        copied = duplicate(storage)
        assert_hides(repr(vars(copied)), rsa_key)
        assert copied.url("a.jpg") == url
        copied.custom_domain = "copy.example.com"
        assert copied.url("a.jpg").startswith("https://copy.example.com/")
        assert storage.url("a.jpg") == url
        if make is of_settings:
            site.AWS_S3_CUSTOM_DOMAIN, site.AWS_LOCATION = "other.example.com", "x"
            assert storage.unsigned_url("a.jpg") == "https://other.example.com/x/a.jpg"
            assert copied.unsigned_url("a.jpg") == "https://copy.example.com/x/a.jpg"


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies_keep_credentials(duplicate: Any, rsa_key: PrivateKey, site: Any) -> None:
    """Keep the AWS credentials that were given in a copy, so that it can store files too."""
    site.AWS_S3_SECRET_ACCESS_KEY = "another"
    copied = duplicate(of_options(rsa_key))
    assert (copied.secret_key, copied.security_token) == (SECRET_KEY, "a-token")


def test_pickle_finds_credentials(rsa_key: PrivateKey, site: Any) -> None:
    """Find AWS credentials again: of the alias with the same access key, or of the settings."""
    pickled = pickle.dumps(CloudFrontS3Storage())
    site.AWS_S3_SECRET_ACCESS_KEY = "newer"
    assert unpickle(pickled).secret_key == "newer"
    other = CREDENTIALS | {"access_key": "AKIAOTHER"}
    options = options_for(rsa_key) | other
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
    found = unpickle(pickle.dumps(storages["default"]))
    assert found.secret_key == SECRET_KEY
    assert found.security_token == "a-token"


def test_pickle_finds_the_key_of_the_class(ec_key: PrivateKey) -> None:
    """Find a key again that is a class attribute."""
    OnTheClass.cloudfront_key = ec_key.to_pem()
    try:
        pickled = pickle.dumps(OnTheClass())
        assert_hides(pickled, ec_key)
        assert unpickle(pickled).url("a.jpg").endswith("SHA256")
    finally:
        del OnTheClass.cloudfront_key


def test_pickle_of_a_key_that_is_gone() -> None:
    """Name the missing setting if no setting of the process holds the key of a pickle."""
    # A key of its own: what other tests leave behind may hold the shared one.
    pickled = pickle.dumps(CloudFrontS3Storage(cloudfront_key=PrivateKey.generate().to_pem()))
    with pytest.raises(ImproperlyConfigured, match="AWS_CLOUDFRONT_KEY"):
        unpickle(pickled).url("a.jpg")


def test_signer_is_not_pickled(rsa_key: PrivateKey) -> None:
    """Refuse to pickle a Signer that was handed in: it has a key that no setting holds."""
    signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key)
    with pytest.raises(TypeError):
        pickle.dumps(CloudFrontS3Storage(cloudfront_signer=signer))


def test_key_as_its_own_id(rsa_key: PrivateKey, site: Any) -> None:
    """Hide a key that stands where its id belongs."""
    site.AWS_CLOUDFRONT_KEY_ID = rsa_key.to_pem().decode()
    storage = CloudFrontS3Storage()
    assert_hides(repr(vars(storage)) + repr(storage.signing_config()), rsa_key)
    assert_hides(
        pickle.dumps(CloudFrontS3Storage(cloudfront_key_id=rsa_key.to_pem().decode())), rsa_key
    )
