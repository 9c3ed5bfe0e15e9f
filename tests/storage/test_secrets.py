"""Keep keys out of sight: in what is printed, copied and pickled, in errors and on debug pages.

Modules: storage/deconstruction.py, core/conf.py
"""

from __future__ import annotations

import base64
import copy
import html
import json
import logging
import pickle
import pprint
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.test import RequestFactory, override_settings
from django.views.debug import ExceptionReporter

from cfsigned_django.checks import check_storages
from cfsigned_django.core import conf
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.options import options_of
from tests.leaks import everything_of, fragments
from tests.storage_cases import (
    FILE_BACKEND,
    KEY_ID,
    NOW,
    OTHER_KEY_ID,
    S3_BACKEND,
    SECRET_KEY,
    InMemory,
    OtherHost,
    at,
    options_for,
    verify,
    without_sha1,
)

urlpatterns: list[Any] = []  # for the debug page
CREDENTIALS = {"access_key": "AKIAEXAMPLE", "secret_key": SECRET_KEY, "security_token": "a-token"}


class Fails(CloudFrontS3Storage):
    """Fail in the constructor with a text that contains the key."""

    def __init__(self, *, pem: str, **options: Any) -> None:
        super().__init__(**options)
        raise LookupError(f"no such key: {pem}")


def unpickle(data: bytes) -> Any:
    """Return what was pickled by the test itself."""
    return pickle.loads(data)  # noqa: S301


def assigned(key: PrivateKey) -> CloudFrontS3Storage:
    """Return a storage whose secrets were assigned after it was made."""
    storage = CloudFrontS3Storage()
    for name, value in (options_for(key) | CREDENTIALS).items():
        setattr(storage, name, value)
    return storage


def pickled_or_refused(storage: Any) -> bytes:
    """Return the pickle of a storage, or all that its refusal shows."""
    try:
        return pickle.dumps(storage)
    except TypeError as error:
        return everything_of(error).encode()


#: Where a storage has its key from.
STORAGES: dict[str, Callable[[PrivateKey], Any]] = {
    "settings": lambda key: CloudFrontS3Storage(),
    "options": lambda key: CloudFrontS3Storage(**options_for(key), **CREDENTIALS),
    "assigned": assigned,
    "files on disk": lambda key: CloudFrontFileSystemStorage(cloudfront_key=key.to_pem()),
    "files in memory": lambda key: InMemory(cloudfront_key=key.to_pem()),
}
EACH = pytest.mark.parametrize("source", STORAGES)


@pytest.fixture
def _credentials(site: Any) -> None:
    """Give the site AWS credentials as well."""
    site.AWS_S3_SECRET_ACCESS_KEY = SECRET_KEY
    site.AWS_S3_ACCESS_KEY_ID = "AKIAEXAMPLE"


def assert_hides(text: str | bytes, key: PrivateKey) -> None:
    """Fail if the text contains a line of the key.

    AWS's secrets are django-storages' matter: only a pickle must not hold them.
    """
    secrets = fragments(key)
    if isinstance(text, bytes):
        text, secrets = text.decode("latin-1"), [*secrets, SECRET_KEY, "a-token"]
    assert [each for each in secrets if each in text] == []


@EACH
@pytest.mark.usefixtures("_credentials")
def test_repr_and_pickle(source: str, rsa_key: PrivateKey) -> None:
    """Show no secret and no URL in any text and pickle of a storage, new or used."""
    storage = STORAGES[source](rsa_key)
    for _ in range(2):
        for value in (storage, vars(storage), options_of(storage), storage.deconstruct()):
            text = repr(value) + str(value) + pprint.pformat(value)
            assert_hides(text, rsa_key)
            assert "Expires=" not in text
        assert_hides(pickled_or_refused(storage), rsa_key)
        storage.url("a.jpg", expire_step=900)


@EACH
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
@pytest.mark.usefixtures("_credentials")
def test_copies(source: str, duplicate: Any, rsa_key: PrivateKey, site: Any) -> None:
    """Sign with a copy as with its storage, follow settings as it does, and remember apart."""
    site.AWS_CLOUDFRONT_EXPIRE_STEP = 900
    storage = STORAGES[source](rsa_key)
    site.AWS_S3_SECRET_ACCESS_KEY = "another"
    with at(NOW):
        url = storage.url("a.jpg")
        copied = duplicate(storage)
        assert_hides(repr(vars(copied)), rsa_key)
        for name in CREDENTIALS:
            assert getattr(copied, name, None) == getattr(storage, name, None)
        assert copied.url("a.jpg") == url
        copied.custom_domain = "copy.example.com"
        assert copied.url("a.jpg").startswith("https://copy.example.com/")
        assert storage.url("a.jpg") == url
        if source == "settings":
            site.AWS_S3_CUSTOM_DOMAIN, site.AWS_LOCATION = "other.example.com", "x"
            assert storage.unsigned_url("a.jpg") == "https://other.example.com/x/a.jpg"
            assert copied.unsigned_url("a.jpg") == "https://copy.example.com/x/a.jpg"


#: The OPTIONS in STORAGES, those of another storage, and the secret that it has.
OTHER_CREDENTIALS = {**CREDENTIALS, "secret_key": "another"}
ENTRIES: list[tuple[str, list[dict[str, Any]], dict[str, Any], str | None]] = [
    ("one", [CREDENTIALS, {**OTHER_CREDENTIALS, "location": "x"}], {}, SECRET_KEY),
    ("the same twice", [CREDENTIALS, CREDENTIALS], {}, SECRET_KEY),
    ("other options", [CREDENTIALS], {"location": "x"}, None),
    ("several", [CREDENTIALS, OTHER_CREDENTIALS], {}, None),
    ("one without", [CREDENTIALS, {}], {}, None),
    ("given", [CREDENTIALS], {"access_key": "AKIAOTHER", "secret_key": "own"}, "own"),
    ("no signer", [{**CREDENTIALS, "cloudfront_signer": None}], {}, SECRET_KEY),
]


@pytest.mark.parametrize(
    ("entries", "options", "secret"), [row[1:] for row in ENTRIES], ids=[row[0] for row in ENTRIES]
)
def test_secrets_of_the_entry_with_these_options(
    entries: list[dict[str, Any]], options: dict[str, Any], secret: str | None, site: Any
) -> None:
    """Take the secrets of the entry in STORAGES with the same class and options, if it is clear."""
    site.STORAGES = {
        str(number): {"BACKEND": S3_BACKEND, "OPTIONS": each} for number, each in enumerate(entries)
    }
    storage: Any = CloudFrontS3Storage(**options)
    other: Any = OtherHost()
    assert (storage.secret_key, other.secret_key) == (secret, None)
    assert "Signature=" in storage.url("a.jpg")
    assert SECRET_KEY not in repr(storage.deconstruct())


def test_no_entry_with_these_options(
    site: Any, ec_key: PrivateKey, caplog: pytest.LogCaptureFixture
) -> None:
    """Say where the secrets are, and the way out, if a storage finds none."""
    site.AWS_CLOUDFRONT_KEY = site.AWS_CLOUDFRONT_KEY_ID = None
    options = options_for(ec_key) | CREDENTIALS
    entry = {"BACKEND": S3_BACKEND, "OPTIONS": options}
    role = {"BACKEND": S3_BACKEND, "OPTIONS": {"location": "role"}}
    site.STORAGES = {"private": entry, "role": role}
    rebuilt = CloudFrontS3Storage(location="elsewhere")
    with pytest.raises(ImproperlyConfigured, match=r'"private".*Set AWS_CLOUDFRONT_KEY'):
        rebuilt.url("a.jpg")
    each: Any
    for each in (storages["private"], storages["role"], OtherHost(), rebuilt, rebuilt):
        assert each.connection
    (record,) = caplog.records
    assert '"private"' in record.getMessage()
    assert "AWS_S3_ACCESS_KEY_ID" in record.getMessage()
    assert SECRET_KEY not in record.getMessage()


#: The options of a storage in no alias, and the argument for which it is not pickled; "" if it is.
OUTSIDE: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, ""),
    "others": ({"location": "x", "invalidate_on": {"delete"}}, ""),
    "no secret": ({"object_parameters": {"id": KEY_ID, "note": "x" * 200}}, ""),
    "an ID": ({"cloudfront_key_id": OTHER_KEY_ID}, ""),
    "public": ({"cloudfront_signer": None, "secret_key": None}, ""),
    "a key": ({"cloudfront_key": "KEY"}, "cloudfront_key"),
    "the key as ID": ({"cloudfront_key_id": "KEY"}, "cloudfront_key_id"),
    "the key as ID, in bytes": ({"cloudfront_key_id": "KEY BYTES"}, "cloudfront_key_id"),
    "a callable": ({"cloudfront_key": OTHER_KEY_ID.lower}, "cloudfront_key"),
    "a path": ({"cloudfront_key": Path("/run/key")}, "cloudfront_key"),
    "credentials": (CREDENTIALS, "access_key"),
    "a token": ({"security_token": "a-token"}, "security_token"),
    "the key in another option": ({"object_parameters": {"x": ["KEY"]}}, "object_parameters"),
    "settings' secret elsewhere": ({"default_acl": SECRET_KEY}, "default_acl"),
    "as a name": ({"object_parameters": {SECRET_KEY: 1}}, "object_parameters"),
}


@pytest.mark.usefixtures("_credentials")
def test_pickles_of_no_alias(
    site: Any, rsa_key: PrivateKey, ec_key: PrivateKey, subtests: Any
) -> None:
    """Pickle class and options if no option is a secret; else refuse, and say which one is."""
    for name, (given, argument) in OUTSIDE.items():
        with subtests.test(name):
            storage: Any = CloudFrontS3Storage(**with_key(given, ec_key))
            text = pickled_or_refused(storage)
            assert_hides(text, ec_key)
            assert_hides(text, rsa_key)
            assert (f"({argument!r})" in text.decode("latin-1")) is bool(argument)
            if not argument:
                with at(NOW):
                    assert unpickle(text).url("a.jpg") == storage.url("a.jpg")
                assert unpickle(text).secret_key == storage.secret_key
                with override_settings(AWS_S3_CUSTOM_DOMAIN="there.example.com"):
                    assert unpickle(text).url("a").startswith("https://there.example.com/")


def with_key(given: Any, key: PrivateKey) -> Any:
    """Return options with a key, or a damaged one, in place of a word such as KEY."""
    if isinstance(given, dict):
        return {name: with_key(each, key) for name, each in given.items()}
    if isinstance(given, list):
        return [with_key(each, key) for each in given]
    pem = key.to_pem().decode()
    words = {
        "KEY": pem,
        "BASE64": "".join(pem.split()),
        "KEY BYTES": pem.encode(),
        "CUT": pem[:-60],
        "HEADLESS": pem.partition("\n")[2],
        "CUT BYTES": pem[:-60].encode(),
    }
    return words.get(str(given), given)


@pytest.mark.usefixtures("_credentials")
def test_pickles_of_an_alias(site: Any, ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """Pickle an alias as its alias: it has the key and the credentials of the settings there."""

    def of_store(key: PrivateKey) -> dict[str, Any]:
        return {"OPTIONS": {"cloudfront_key": lambda: key.to_pem(), "cloudfront_key_id": KEY_ID}}

    signer = Signer(key_pair_id=OTHER_KEY_ID, private_key=ec_key)
    entries: dict[str, Any] = {
        "keys": {"OPTIONS": options_for(ec_key) | CREDENTIALS},
        "same but one": {"OPTIONS": options_for(ec_key) | CREDENTIALS | {"secret_key": "another"}},
        "signer": {"OPTIONS": {"cloudfront_signer": signer}},
        "callable": of_store(ec_key),
        "callable of the same name": of_store(rsa_key),
        "other names": {
            "BACKEND": f"{__name__}.OtherNames",
            "OPTIONS": {"pem": ec_key.to_pem(), "secret": SECRET_KEY},
        },
    }
    site.STORAGES = {alias: {"BACKEND": S3_BACKEND, **each} for alias, each in entries.items()}
    for alias in entries:
        storage: Any = storages[alias]
        text = pickle.dumps(storage)
        assert_hides(text, ec_key)
        again = unpickle(text)
        again.location = "apart"
        assert storage.location == ""
        assert verify(storage, again.url("a.jpg")).resource.endswith("/apart/a.jpg")
        assert (again.secret_key, again.access_key) == (storage.secret_key, storage.access_key)
        for each in (again, copy.copy(storage), copy.deepcopy(storage)):
            credentials = each.connection.meta.client._get_credentials()
            assert credentials.secret_key == storage.secret_key
    with pytest.raises(ValueError, match="OtherNames"):
        storages["other names"].deconstruct()  # type: ignore[attr-defined]
    text = pickle.dumps(storages["keys"])
    entries["keys"]["OPTIONS"]["secret_key"] = "newer"
    site.STORAGES = {"keys": {"BACKEND": S3_BACKEND, **entries["keys"]}}
    assert unpickle(text).secret_key == "newer"


def test_pickle_of_a_signer(site: Any, rsa_key: PrivateKey) -> None:
    """Refuse a signer that was handed in, or assigned; say what to do."""
    signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key)
    assigned = CloudFrontS3Storage()
    assigned.cloudfront_signer = signer
    for storage in (assigned, CloudFrontS3Storage(cloudfront_signer=signer)):
        with pytest.raises(TypeError, match=r"'cloudfront_signer'.*STORAGES"):
            pickle.dumps(storage)


# Subclasses with another constructor


class Tenants(CloudFrontS3Storage):
    """Assign options before the constructor of the package, and add to its arguments."""

    def __init__(self, tenant: str, *, internal: bool = False, **options: Any) -> None:
        self.tenant, self.internal = tenant, internal
        self.custom_domain = f"{tenant}.example.com"
        if internal:
            key = conf.setting_of("cloudfront_key")
            options |= {**CREDENTIALS, "cloudfront_key": key, "cloudfront_key_id": KEY_ID}
            options |= {"bucket_name": "private", "cloudfront_signer": None}
        super().__init__(**options)


class OtherNames(CloudFrontS3Storage):
    """Take secrets under other names, and as positional arguments."""

    def __init__(
        self, pem: Any = None, *more: Any, secret: Any = None, nested: Any = (), **options: Any
    ) -> None:
        if secret:
            options |= {"secret_key": secret, "access_key": "AKIAEXAMPLE"}
        if pem:
            options |= {"cloudfront_key": pem, "cloudfront_key_id": KEY_ID}
        super().__init__(**options)
        if more:
            self.security_token = more[0]


class NeedsSecret(CloudFrontS3Storage):
    """Take a secret under its own name, and not without it."""

    def __init__(self, secret_key: str, **options: Any) -> None:
        super().__init__(secret_key=secret_key, **options)


@pytest.mark.parametrize("internal", [True, False])
@pytest.mark.usefixtures("_credentials")
def test_own_constructor(internal: bool, rsa_key: PrivateKey) -> None:
    """Write what the outermost constructor was given, and make the same storage of it again."""
    cls: Any = Tenants
    storage = cls("a", internal=internal)
    path, args, options = storage.deconstruct()
    assert (path, args, options) == (f"{__name__}.Tenants", ("a",), {"internal": internal})
    pickled = pickle.dumps(storage)
    assert_hides(pickled, rsa_key)
    for again in (cls(*args, **options), unpickle(pickled), copy.copy(storage)):
        assert (again.tenant, again.internal) == ("a", internal)
        assert again.deconstruct() == (path, args, options)
        with at(NOW):
            assert again.url("a.jpg") == storage.url("a.jpg")


@pytest.mark.usefixtures("_credentials")
def test_secrets_under_their_own_names(ec_key: PrivateKey, site: Any) -> None:
    """Leave out the secrets that any constructor is given by name, and find them after JSON."""
    options = {"tenant": "a", "querystring_expire": timedelta(days=6), "invalidate_on": {"delete"}}
    options |= options_for(ec_key) | CREDENTIALS
    del options["custom_domain"]
    site.STORAGES = {"default": {"BACKEND": f"{__name__}.Tenants", "OPTIONS": options}}
    storage: Any = storages["default"]
    sent = json.loads(json.dumps(storage.deconstruct()))
    written = {"querystring_expire": 518_400, "invalidate_on": ["delete"], "bucket_name": "media"}
    assert sent[1:] == [[], {"tenant": "a", **written}]
    rebuilt: Any = Tenants(*sent[1], **sent[2])
    assert (rebuilt.secret_key, rebuilt.querystring_expire) == (SECRET_KEY, 518_400)
    assert json.loads(json.dumps(rebuilt.deconstruct())) == sent
    verify("default", rebuilt.url("a.jpg"))


def test_secrets_under_other_names(ec_key: PrivateKey, tmp_path: Path) -> None:
    """Refuse to write a storage whose constructor was given a secret as another argument."""
    pem = ec_key.to_pem()
    path = tmp_path / "key.pem"
    path.write_bytes(pem)
    path.chmod(0o600)
    given: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
        "pem": ((pem.decode(),), {}, "'pem'"),
        "bytes": ((), {"pem": pem}, "'pem'"),
        "base64": ((), {"nested": base64.b64encode(pem).decode()}, "'nested'"),
        "path": ((), {"pem": path}, "'pem'"),
        "aws": ((), {"secret": SECRET_KEY}, "'secret'"),
        "nested": ((), {"nested": [{"key": pem.decode()}]}, "'nested'"),
        "second": ((None, "a-token"), {}, "'more'"),
        "callable": ((ec_key.to_pem,), {}, "'pem'"),
    }
    for args, options, named in given.values():
        storage: Any = OtherNames(*args, **options)
        with pytest.raises(ValueError, match=f"{named}.*OtherNames") as raised:
            storage.deconstruct()
        assert_hides(everything_of(raised.value).encode(), ec_key)
        with pytest.raises(TypeError, match=f"OtherNames.*{named}") as refused:
            pickle.dumps(storage)
        assert_hides(everything_of(refused.value).encode(), ec_key)
        assert_hides(repr(vars(storage)) + pprint.pformat(vars(storage)), ec_key)


def test_secret_without_which_there_is_no_storage(site: Any) -> None:
    """Refuse to write a storage that could not be made again without what is left out."""
    storage: Any
    for storage in (NeedsSecret(secret_key=SECRET_KEY), NeedsSecret(SECRET_KEY)):
        with pytest.raises(ValueError, match="'secret_key'"):
            storage.deconstruct()


# Errors

# What is wrong, and what the options are then: see with_key().
BAD_OPTIONS: dict[str, dict[str, Any]] = {
    "no id": {"cloudfront_key_id": None},
    "the key as its own id": {"cloudfront_key_id": "KEY"},
    "the key as its own id, in base64": {"cloudfront_key_id": "BASE64"},
    "no key but as its id": {"cloudfront_key": None, "cloudfront_key_id": "KEY"},
    "a key that was cut": {"cloudfront_key": "CUT"},
    "a key without its first line": {"cloudfront_key": "HEADLESS"},
    "a key as bytes that was cut": {"cloudfront_key": "CUT BYTES"},
    "a key under a misspelt option": {"clodfront_key": "KEY"},
    "a domain with a scheme": {"custom_domain": "https://media.example.com/"},
    "SHA1 for ECDSA": {"hash_algorithm": "SHA1"},
    "a location with a slash": {"location": "/media"},
    "a profile beside a key": {"session_profile": "default"},
}
#: Those that a storage on disk has as well, and finds by itself.
BAD_ON_DISK = ["a key that was cut", "a key under a misspelt option", "SHA1 for ECDSA"]
SETTINGS = {name: row.name for name, row in conf.OPTIONS.items()} | {
    "secret_key": "AWS_S3_SECRET_ACCESS_KEY",
    "access_key": "AWS_S3_ACCESS_KEY_ID",
    "location": "AWS_LOCATION",
}


def error_of_default_storage() -> Exception:
    """Return the error of making the default storage or a URL, with no secret in this frame."""
    with pytest.raises(Exception, match=r".") as raised:
        storages["default"].url("a.jpg")
    return raised.value


@pytest.mark.parametrize(
    ("backend", "bad"),
    [
        *((S3_BACKEND, each) for each in BAD_OPTIONS),
        *((FILE_BACKEND, each) for each in BAD_ON_DISK),
    ],
)
def test_errors(
    backend: str, bad: str, ec_key: PrivateKey, settings: Any, rf: RequestFactory
) -> None:
    """Show no secret of STORAGES or settings in an error, nor in what the debug page is made of."""
    settings.ROOT_URLCONF = __name__
    options = options_for(ec_key, access_key="AKIAEXAMPLE", secret_key=SECRET_KEY)
    if backend == FILE_BACKEND:
        for name in ("bucket_name", "access_key", "secret_key"):
            del options[name]
    options |= with_key(BAD_OPTIONS[bad], ec_key)
    in_settings = {SETTINGS[name]: options[name] for name in SETTINGS.keys() & options.keys()}
    others = {name: options[name] for name in options.keys() - SETTINGS.keys() - {"bucket_name"}}
    for values, given in (({}, options), (in_settings, others)):
        for name, value in values.items():
            setattr(settings, name, value)
        settings.STORAGES = {"default": {"BACKEND": backend, "OPTIONS": dict(given)}}
        error = error_of_default_storage()
        assert_hides(everything_of(error), ec_key)
        page = ExceptionReporter(rf.get("/"), type(error), error, error.__traceback__)
        shown = repr(page.get_traceback_data())
        assert "cfsigned_django" in shown
        assert_hides(html.unescape(shown), ec_key)


@pytest.mark.parametrize("option", ["custom_domain", "hash_algorithm", "url_protocol"])
def test_key_in_another_option(option: str, ec_key: PrivateKey) -> None:
    """Show no byte of a key that was set under the name of another option."""
    storage = CloudFrontS3Storage(**options_for(ec_key, **{option: ec_key.to_pem().decode()}))
    with pytest.raises(ImproperlyConfigured) as raised:
        storage.url("a.jpg")
    assert_hides(everything_of(raised.value) + repr(vars(storage)), ec_key)


def test_errors_of_arguments(
    ec_key: PrivateKey, site: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Hide the secrets in errors about arguments, and the known URLs; log nothing secret."""
    caplog.set_level(logging.DEBUG)
    storage = CloudFrontS3Storage(**options_for(ec_key), secret_key=SECRET_KEY, access_key="AKIA")
    mistakes: list[dict[str, Any]] = [
        *({"expire": 0}, {"http_method": "PUT"}, {"ip_address": "::1"}, {"resource": "b/*"}),
        *({"parameters": {"Expires": 1}}, {"download": " "}, {"date_greater_than": 10**12}),
    ]
    for mistake in mistakes:
        storage.url("a.jpg")
        storage.url("b/c.jpg", resource="b/*")
        with pytest.raises(ValueError, match=r".") as raised:
            storage.url("a.jpg", **mistake)
        everything = everything_of(raised.value)
        assert_hides(everything, ec_key)
        assert "Signature=" not in everything
    assert_hides(caplog.text, ec_key)
    assert "Signature" not in caplog.text


def test_url_that_has_ended(site: Any) -> None:
    """Show no signed URL in an error of a later call with the same arguments."""
    storage = CloudFrontS3Storage(expire_step=900)
    with at(NOW):
        storage.url("a.jpg")
    with at(NOW + 900), without_sha1(), pytest.raises(ImproperlyConfigured) as raised:
        storage.url("a.jpg")
    assert "Signature=" not in everything_of(raised.value)


def test_errors_of_checks(ec_key: PrivateKey, settings: Any) -> None:
    """Show the error of a storage's own code, and no key, even if the text of the error has one."""
    texts = {"default": "of this tenant", "other": ec_key.to_pem().decode()}
    settings.STORAGES = {
        alias: {"BACKEND": f"{__name__}.Fails", "OPTIONS": options_for(ec_key, pem=pem)}
        for alias, pem in texts.items()
    }
    found = check_storages()
    assert [each.obj for each in found] == ['STORAGES["default"]', 'STORAGES["other"]']
    assert "LookupError: no such key: of this tenant" in found[0].msg
    assert_hides(repr(found), ec_key)
