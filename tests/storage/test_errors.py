"""Let no error carry a secret: not in its message, its chain, its frames, or a debug page."""

from __future__ import annotations

import html
import logging
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from django.views.debug import technical_500_response

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.storage.registry import signing_aliases
from tests.leaks import everything_of, fragments
from tests.storage_cases import (
    FILE_BACKEND,
    NOW,
    S3_BACKEND,
    SECRET_KEY,
    at,
    options_for,
    settings_for,
    without_sha1,
)


def view(request: Any) -> HttpResponse:
    """Show the URL of a file in the default storage."""
    return HttpResponse(storages["default"].url("a.jpg"))


urlpatterns = [path("", view)]

# What is wrong, and what the options are then.
BAD_OPTIONS: dict[str, dict[str, Any]] = {
    "no id": {"cloudfront_key_id": None},
    "the key as its own id": {"cloudfront_key_id": "KEY"},
    "the key as its own id, in base64": {"cloudfront_key_id": "BASE64"},
    "no key but as its id": {"cloudfront_key": None, "cloudfront_key_id": "KEY"},
    "a key that was cut": {"cloudfront_key": "CUT"},
    "a key without its first line": {"cloudfront_key": "HEADLESS"},
    "a key as bytes that was cut": {"cloudfront_key": "CUT BYTES"},
    "no domain": {"custom_domain": None},
    "a domain with a scheme": {"custom_domain": "https://media.example.com/"},
    "a group as id": {"cloudfront_key_id": "a1b2c3d4-0123-4567-89ab-cdef01234567"},
    "a bad lifetime": {"querystring_expire": "1 hour"},
    "an unknown hash": {"hash_algorithm": "MD5"},
    "SHA1 for ECDSA": {"hash_algorithm": "SHA1"},
    "an unknown option": {"custom_domian": "media.example.com"},
}
# These are wrong for S3 only.
BAD_S3_OPTIONS: dict[str, dict[str, Any]] = {
    "a location with a slash": {"location": "/media"},
    "a profile beside a key": {"session_profile": "default"},
}
CASES = [
    *((S3_BACKEND, each) for each in (BAD_OPTIONS | BAD_S3_OPTIONS).items()),
    *((FILE_BACKEND, each) for each in BAD_OPTIONS.items()),
]
EACH = pytest.mark.parametrize(
    ("backend", "bad"), CASES, ids=[f"{name.rsplit('.')[-1]}, {each[0]}" for name, each in CASES]
)


def bad_options(backend: str, bad: tuple[str, dict[str, Any]], key: PrivateKey) -> dict[str, Any]:
    """Return options that hold secrets and one mistake."""
    pem = key.to_pem().decode()
    mistakes = {
        "KEY": pem,
        "BASE64": "".join(pem.split()),
        "CUT": pem[:-60],
        "HEADLESS": pem.partition("\n")[2],
        "CUT BYTES": pem[:-60].encode(),
    }
    options = options_for(key)
    if backend == S3_BACKEND:
        options |= {"access_key": "AKIAEXAMPLE", "secret_key": SECRET_KEY}
    else:
        del options["bucket_name"]
    return options | {name: mistakes.get(str(value), value) for name, value in bad[1].items()}


def assert_hides(text: str, key: PrivateKey) -> None:
    """Fail if the text contains a line of the key; AWS's secret is django-storages' matter."""
    assert [each for each in fragments(key) if each in text] == []


def error_of_default_storage() -> Exception:
    """Return the error that making the default storage, or its URL, raises."""
    with pytest.raises(Exception, match=r".") as raised:
        storages["default"].url("a.jpg")
    return raised.value


SETTINGS = {
    "cloudfront_key": "AWS_CLOUDFRONT_KEY",
    "cloudfront_key_id": "AWS_CLOUDFRONT_KEY_ID",
    "custom_domain": "AWS_S3_CUSTOM_DOMAIN",
    "querystring_expire": "AWS_QUERYSTRING_EXPIRE",
    "hash_algorithm": "AWS_CLOUDFRONT_HASH_ALGORITHM",
    "secret_key": "AWS_S3_SECRET_ACCESS_KEY",
    "access_key": "AWS_S3_ACCESS_KEY_ID",
    "location": "AWS_LOCATION",
}


@EACH
def test_errors(
    backend: str, bad: tuple[str, dict[str, Any]], ec_key: PrivateKey, settings: Any
) -> None:
    """Hide the secrets of STORAGES and of settings in errors of the constructor and of url()."""
    options = bad_options(backend, bad, ec_key)
    settings.STORAGES = {"default": {"BACKEND": backend, "OPTIONS": dict(options)}}
    assert_hides(everything_of(error_of_default_storage()), ec_key)
    for name in SETTINGS.keys() & options.keys():
        setattr(settings, SETTINGS[name], options.pop(name))
    options.pop("bucket_name", None)
    settings.STORAGES = {"default": {"BACKEND": backend, "OPTIONS": options}}
    assert_hides(everything_of(error_of_default_storage()), ec_key)


@EACH
def test_debug_page(
    backend: str, bad: tuple[str, dict[str, Any]], ec_key: PrivateKey, settings: Any
) -> None:
    """Show no secret on Django's debug page, as HTML and as text, nor in its log."""
    options = bad_options(backend, bad, ec_key)
    settings.STORAGES = {"default": {"BACKEND": backend, "OPTIONS": options}}
    settings.DEBUG = True
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["*"]
    client = Client(raise_request_exception=False)
    for accept in ("text/html", "text/plain"):
        response = client.get("/", headers={"accept": accept})
        assert response.status_code == 500
        page = html.unescape(response.content.decode())
        assert "cfsigned_django" in page
        assert_hides(page, ec_key)


def test_debug_page_of_settings(ec_key: PrivateKey, settings: Any, rf: RequestFactory) -> None:
    """Show no secret of the settings on the debug page, which lists them all."""
    settings.ROOT_URLCONF = __name__
    cut = ec_key.to_pem().decode()[:-60]
    for name, value in settings_for(ec_key, AWS_CLOUDFRONT_KEY=cut).items():
        setattr(settings, name, value)
    settings.AWS_S3_SECRET_ACCESS_KEY = SECRET_KEY
    settings.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": {"access_key": "AKIA"}}}
    settings.DEBUG = True
    error = error_of_default_storage()
    response = technical_500_response(
        rf.get("/", headers={"accept": "text/html"}), type(error), error, error.__traceback__
    )
    page = html.unescape(response.content.decode())
    assert "AWS_CLOUDFRONT_KEY" in page
    assert_hides(page, ec_key)


def test_arguments(ec_key: PrivateKey, site: Any) -> None:
    """Hide the secrets in errors about arguments, and with them the URLs that are known."""
    storage = CloudFrontS3Storage(**options_for(ec_key), secret_key=SECRET_KEY, access_key="AKIA")
    mistakes: list[dict[str, Any]] = [
        {"expire": 0},
        {"http_method": "PUT"},
        {"ip_address": "::1"},
        {"resource": "b/*"},
        {"parameters": {"Expires": 1}},
        {"download": ""},
        {"date_greater_than": 10**12},
    ]
    for mistake in mistakes:
        storage.url("a.jpg")
        storage.url("b/c.jpg", resource="b/*")
        with pytest.raises(ValueError, match=r".") as raised:
            storage.url("a.jpg", **mistake)
        everything = everything_of(raised.value)
        assert_hides(everything, ec_key)
        assert "Signature=" not in everything


def test_url_that_has_ended(site: Any) -> None:
    """Show no signed URL in an error of a later call with the same arguments."""
    storage = CloudFrontS3Storage(expire_step=900)
    with at(NOW):
        storage.url("a.jpg")
    with at(NOW + 900), without_sha1(), pytest.raises(ImproperlyConfigured) as raised:
        storage.url("a.jpg")
    assert "Signature=" not in everything_of(raised.value)


@pytest.mark.parametrize("option", ["custom_domain", "hash_algorithm", "url_protocol"])
def test_key_in_another_option(option: str, ec_key: PrivateKey) -> None:
    """Show no byte of a key that was set under the name of another option."""
    options = options_for(ec_key, **{option: ec_key.to_pem().decode().replace("\n", "\\n")})
    storage = CloudFrontS3Storage(**options)
    with pytest.raises(ImproperlyConfigured) as raised:
        storage.url("a.jpg")
    assert_hides(everything_of(raised.value) + repr(vars(storage)), ec_key)


def test_key_under_a_misspelt_option(ec_key: PrivateKey, site: Any) -> None:
    """Hide a key whose option is misspelt from the frames that a debug page prints."""
    with pytest.raises(ImproperlyConfigured, match="clodfront_key") as raised:
        CloudFrontS3Storage(clodfront_key=ec_key.to_pem().decode())
    assert_hides(everything_of(raised.value), ec_key)


def test_log(ec_key: PrivateKey, site: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Log nothing secret, at any level."""
    with caplog.at_level(logging.DEBUG):
        storage = CloudFrontS3Storage(**options_for(ec_key), secret_key=SECRET_KEY)
        storage.url("a.jpg")
    assert_hides(caplog.text, ec_key)
    assert "Signature" not in caplog.text


class NeedsTenant(CloudFrontS3Storage):
    """Have defaults that only a request knows."""

    def get_default_settings(self) -> Any:
        """Fail outside a request."""
        raise LookupError("no request is being served")


def test_errors_of_checks(ec_key: PrivateKey, settings: Any) -> None:
    """Hide the keys of STORAGES if a storage's own code raises while the site is looked at."""
    entry = {"BACKEND": f"{__name__}.NeedsTenant", "OPTIONS": options_for(ec_key)}
    settings.STORAGES = {"default": entry}
    with pytest.raises(LookupError) as raised:
        list(signing_aliases())
    assert_hides(everything_of(raised.value), ec_key)
    assert settings.STORAGES["default"]["OPTIONS"]["cloudfront_key"] == ec_key.to_pem().decode()
