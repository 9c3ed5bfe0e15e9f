"""Take options and signers from constructor, class and settings, and follow the settings."""

from __future__ import annotations

import pickle
import re
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.test import override_settings
from storages.backends.s3 import S3Storage as UntypedS3Storage

from cfsigned_django.checks import check_storages
from cfsigned_django.core import conf
from cfsigned_django.core.validation import TABLE
from cfsigned_django.signing import HashAlgorithm, HashRefused, PrivateKey, Signer, Verifier
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.site_storages import current_signer
from cfsigned_django.storage.urls import SignedUrlMixin, StorageInternals
from tests.checks.test_every_id import WRONG
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
    in_one_second,
    not_refused,
    parameters_of,
    problems_of,
    verify,
    without_sha1,
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

pytestmark = pytest.mark.usefixtures("site")


def url_of(storage: SignedUrlMixin) -> str:
    """Return the URL of a file, made at NOW, and what ends it."""
    with at(NOW):
        return f"{storage.url('a.jpg')}#"


def shared_of(storage: SignedUrlMixin) -> list[str]:
    """Return the query that many names share, and an unsigned URL, at NOW."""
    with at(NOW):
        resource = ANY_RESOURCE if storage.querystring_auth else {}
        return [storage.url("b.jpg", **resource), storage.unsigned_url("b.jpg")]


@BOTH
@pytest.mark.parametrize("option", OTHER_VALUES)
@pytest.mark.parametrize("step", [0, 1], ids="step {}".format)
def test_each_option(cls: Any, option: str, step: int, ec_key: PrivateKey, site: Any) -> None:
    """Take it from the constructor, else from the class, else from its setting as it changes."""
    site.AWS_CLOUDFRONT_EXPIRE_STEP = step
    if option != "hash_algorithm":  # which an RSA key may choose
        site.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
    value, shown = OTHER_VALUES[option]
    setting, default = conf.OPTIONS[option].name, conf.setting_of(option)
    subclass = type("Subclass", (cls,), {option: value})
    followed, given, assigned = cls(), cls(**{option: default}), cls()
    before, shared = url_of(followed), shared_of(followed)
    assert shown not in before
    assert url_of(given) == url_of(assigned) == before
    assert shown in url_of(cls(**{option: value}))
    assert shown in url_of(subclass())
    assert url_of(subclass(**{option: default})) == before
    with override_settings(**{setting: value}):
        assert shown in url_of(followed)
        assert shared_of(followed)[0] != shared[0]
        assert (shown in shared_of(followed)[1]) == (option in ("custom_domain", "url_protocol"))
        assert url_of(given) == before
    assert (url_of(followed), shared_of(followed)) == (before, shared)
    setattr(assigned, option, value)
    assert shown in url_of(assigned)
    with override_settings(**{setting: default}):
        assert shown in url_of(assigned)
    setattr(assigned, option, default)
    assert url_of(assigned) == before


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


def test_location(site: Any) -> None:
    """Follow AWS_LOCATION, but keep a location that the constructor was given, or is assigned."""
    followed = CloudFrontS3Storage(), CloudFrontFileSystemStorage()
    given, empty = CloudFrontS3Storage(location="private"), CloudFrontS3Storage(location="")
    for location in ("media", "files"):
        with override_settings(AWS_LOCATION=location):
            for each in followed:
                assert each.url("a.jpg").startswith(f"{ORIGIN}/{location}/a.jpg?")
            assert given.unsigned_url("a.jpg") == f"{ORIGIN}/private/a.jpg"
            assert empty.unsigned_url("a.jpg") == f"{ORIGIN}/a.jpg"
    empty.location = "later"
    assert empty.url("a.jpg").startswith(f"{ORIGIN}/later/a.jpg?")


def test_options_of_other_storages(site: Any) -> None:
    """Accept any option for a storage that accepts any; it knows which are valid."""

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


def test_default_settings_are_asked_once(site: Any) -> None:
    """Ask an overridden get_default_settings() once, as django-storages does."""
    asked = []

    class Asked(Defaults):
        def get_default_settings(self) -> dict[str, Any]:
            asked.append(self)
            return super().get_default_settings()

    storage = Asked(querystring_expire=30)
    storage.url("a.jpg")
    assert (storage.querystring_expire, storage.custom_domain) == (30, "p.example.com")
    assert len(asked) == 2


@pytest.mark.parametrize("is_set", [True, False])
def test_defaults_are_those_of_django_storages(is_set: bool, site: Any) -> None:
    """Follow django-storages' settings, with its defaults, for each option that both have."""
    of_both = [*OTHER_VALUES.items(), ("cloudfront_key", ("x", "")), ("location", ("a/b", ""))]
    theirs = UntypedS3Storage(cloudfront_signer=None).get_default_settings().keys()
    named = {name: value for name, (value, _) in of_both if name in theirs}
    settings = {"AWS_LOCATION": "location"} | {
        conf.OPTIONS[name].name: name for name in named if name != "location"
    }
    for setting, name in settings.items():
        delattr(site, setting)
        if is_set:
            setattr(site, setting, named[name])
    followed, plain = CloudFrontS3Storage(), UntypedS3Storage(cloudfront_signer=None)
    assert len(named) == 7
    assert conf.hide_all({each: getattr(followed, each) for each in named}) == conf.hide_all(
        {each: getattr(plain, each) for each in named}
    )


def test_names_of_subclasses(site: Any) -> None:
    """Leave to subclasses all names but the options and what the reference documents."""
    added = {name for name in vars(SignedUrlMixin) if not name.startswith("_")}
    assert added - {*conf.OPTIONS, "cloudfront_signer"} == {
        *("url", "unsigned_url", "is_public", "name_of", "sign_cookies", "resource_url"),
        *("trusted_keys", "sign_upload"),
        # For this package, and names of Django.
        *("cfsigned", "deconstruct", "delete", "generate_filename", "save"),
    }
    used = {*dir(StorageInternals), *vars(CloudFrontS3Storage().cfsigned)}
    taken = {name for name in used - {*dir(CloudFrontS3Storage)} if not name.startswith("__")}
    theirs: Any = type("Theirs", (CloudFrontS3Storage,), dict.fromkeys(taken, "theirs"))
    storage = theirs()
    with at(NOW):
        url = storage.url("a/b.jpg", folder="a")
        assert verify(storage, url, now=NOW).resource == f"{ORIGIN}/a/*"
        assert (
            storage.sign_cookies(folder="a")[1] == CloudFrontS3Storage().sign_cookies(folder="a")[1]
        )
    assert {getattr(storage, name) for name in taken} == {"theirs"}


def test_mixin_over_s3storage() -> None:
    """Refuse the mixin before S3Storage, and name the class to derive from."""
    with pytest.raises(TypeError, match="CloudFrontS3Storage"):
        type("Mine", (SignedUrlMixin, UntypedS3Storage), {})


def test_trusted_keys_need_a_key(site: Any) -> None:
    """Name the setting that a verifier lacks, even if the storage does not sign."""
    site.AWS_CLOUDFRONT_KEY = site.AWS_CLOUDFRONT_KEY_ID = None
    for auth in (True, False):
        with pytest.raises(ImproperlyConfigured, match="E001"):
            CloudFrontFileSystemStorage(querystring_auth=auth).trusted_keys()


# Signers that are handed in


@pytest.fixture
def foreign(ec_key: PrivateKey) -> CloudFrontSigner:
    """Return a signer of botocore's with a callback of the user's, as for KMS."""
    key = serialization.load_pem_private_key(ec_key.to_pem(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return CloudFrontSigner(
        OTHER_KEY_ID, partial(key.sign, signature_algorithm=ec.ECDSA(hashes.SHA256()))
    )


def key_of(storage: CloudFrontS3Storage) -> str:
    """Return the id of the key that signs."""
    with at(NOW):
        return parameters_of(storage.url("a.jpg"))["Key-Pair-Id"]


def test_own_signer(site: Any, rsa_key: PrivateKey) -> None:
    """Sign with a Signer that is handed in, over key and hash of the settings or without a key."""
    sha256 = HashAlgorithm.SHA256
    own = Signer(key_pair_id=OTHER_KEY_ID, private_key=rsa_key, hash_algorithm=sha256)
    storage = CloudFrontS3Storage(cloudfront_signer=own, hash_algorithm="SHA1")
    for key_id in (KEY_ID, None):
        site.AWS_CLOUDFRONT_KEY_ID = key_id
        url = storage.url("a.jpg", ip_address="192.0.2.0/24")
        assert verify(storage, url).ip_address == "192.0.2.0/24"
        assert url.endswith("&Hash-Algorithm=SHA256")
        assert storage.trusted_keys() == {OTHER_KEY_ID: rsa_key.public_key}
    site.AWS_S3_CUSTOM_DOMAIN = None
    with pytest.raises(ImproperlyConfigured, match="E004"):
        storage.url("a.jpg")


@pytest.mark.parametrize("step", [0, 86400])
def test_assigned_later(step: int, foreign: CloudFrontSigner) -> None:
    """Sign with a signer that is assigned after the first URL, until signing is turned off."""
    storage = CloudFrontS3Storage(expire_step=step)
    assert key_of(storage) == KEY_ID
    storage.cloudfront_signer = foreign
    assert key_of(storage) == OTHER_KEY_ID
    storage.querystring_auth = False
    assert storage.url("a.jpg") == f"{ORIGIN}/a.jpg"


def test_signer_of_botocore(foreign: CloudFrontSigner, ec_key: PrivateKey) -> None:
    """Sign django-storages' URL with a signer of botocore, and all that only this package signs.

    Only its public key is not known.
    """
    options = {"cloudfront_signer": foreign, "querystring_expire": 60}
    both: Any = UntypedS3Storage(**options), CloudFrontS3Storage(**options)
    theirs, ours = in_one_second(*(partial(each.url, "한글 1.jpg") for each in both))
    # An ECDSA signature is another one each time.
    assert ours.partition("&Signature=")[0] == theirs.partition("&Signature=")[0]
    assert parameters_of(ours)["Key-Pair-Id"] == OTHER_KEY_ID

    storage = CloudFrontS3Storage(cloudfront_signer=foreign, hash_algorithm="SHA256")
    verifier = Verifier({OTHER_KEY_ID: ec_key.public_key})
    for arguments in ({"ip_address": "192.0.2.7"}, {"folder": "a"}, {"download": "a.pdf"}):
        url = storage.url("a/b.jpg", **arguments)  # type: ignore[arg-type]
        assert verifier.verify(url, now=0, viewer_ip="192.0.2.7").date_less_than
    with pytest.raises(ImproperlyConfigured, match=OTHER_KEY_ID):
        storage.trusted_keys()


@pytest.mark.parametrize("given", ["a key", 42, SimpleNamespace(key_id=KEY_ID)], ids=str)
def test_signer_of_no_kind(given: Any) -> None:
    """Refuse what cannot sign at each URL that needs a signature, without showing it."""
    storage = CloudFrontS3Storage(cloudfront_signer=given)
    for _ in range(2):
        with pytest.raises(ImproperlyConfigured, match=r"cloudfront_signer") as caught:
            storage.url("a.jpg")
        assert type(given).__name__ in str(caught.value)
    assert storage.unsigned_url("a.jpg") == f"{ORIGIN}/a.jpg"


class OfSubclass(CloudFrontS3Storage):
    """Return, or forget to return, a signer that it made."""

    made: Any = None

    def get_cloudfront_signer(self, key_id: str, key: Any) -> Any:
        """Return what a test says."""
        return self.made


def test_signer_of_a_subclass(foreign: CloudFrontSigner) -> None:
    """Use what an overridden get_cloudfront_signer returns; refuse None if URLs must be signed."""
    storage = OfSubclass()
    for ask in (partial(current_signer, storage), partial(storage.url, "a.jpg")):
        with pytest.raises(ImproperlyConfigured, match="get_cloudfront_signer"):
            ask()
    storage.made = foreign
    assert key_of(storage) == OTHER_KEY_ID
    signer = current_signer(storage)
    assert signer is not None
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(signer.private_key)


def test_signer_of_a_subclass_that_calls_its_parent() -> None:
    """Make a signer of the ID and the key that the subclass passes on."""
    key = PrivateKey.generate()

    class WithKey(CloudFrontS3Storage):
        def get_cloudfront_signer(self, key_id: str, _: Any) -> Any:
            return super().get_cloudfront_signer(OTHER_KEY_ID, key.to_pem())

    verifier = Verifier({OTHER_KEY_ID: key.public_key})
    with at(NOW):
        assert verifier.verify(WithKey().url("a.jpg"), now=NOW).resource == f"{ORIGIN}/a.jpg"


@pytest.mark.parametrize("options", [{"cloudfront_signer": None}, {"querystring_auth": False}])
def test_a_signer_that_nobody_needs(options: dict[str, Any], site: Any) -> None:
    """Make public URLs if signing is turned off, whatever get_cloudfront_signer returns."""
    storage = OfSubclass(**options)
    assert storage.url("a.jpg") == f"{ORIGIN}/a.jpg"
    assert current_signer(storage) is None
    site.STORAGES = {"default": {"BACKEND": f"{__name__}.OfSubclass", "OPTIONS": options}}
    site.AWS_CLOUDFRONT_KEY = site.AWS_CLOUDFRONT_KEY_ID = None
    assert check_storages() == []


# Configurations that cannot sign


@BOTH
@pytest.mark.parametrize(
    ("unset", "check_id"),
    [("AWS_CLOUDFRONT_KEY", "E003"), ("AWS_CLOUDFRONT_KEY_ID", "E002")],
)
@pytest.mark.parametrize("value", [None, ""], ids=repr)
def test_half_a_key(cls: Any, unset: str, check_id: str, value: str | None, site: Any) -> None:
    """Refuse half a key as soon as a storage is made, with django-storages' own sentence."""
    setattr(site, unset, value)
    with pytest.raises(ImproperlyConfigured, match=f"{unset}.*{check_id}") as caught:
        cls()
    assert "must be provided together" in str(caught.value)  # for code that looks for it


@pytest.mark.parametrize("value", [None, "", b""], ids=repr)
def test_no_key_at_all(value: Any, site: Any, tmp_path: Path) -> None:
    """Store files if key and id are both empty, as variables leave them: only url() refuses."""
    site.AWS_CLOUDFRONT_KEY = value
    site.AWS_CLOUDFRONT_KEY_ID = ""
    storage = CloudFrontFileSystemStorage(location=str(tmp_path))
    name = storage.save("a.txt", ContentFile(b"text"))
    with storage.open(name) as file:
        assert file.read() == b"text"
    with pytest.raises(ImproperlyConfigured, match="E001"):
        storage.url(name)


#: A setting, a value that makes no URL possible, and the id of the check that says so.
WRONG_SETTINGS = [
    (setting, value, check_id)
    for check_id, changes in WRONG
    # The site's key is RSA, which may sign with SHA1.
    if len(changes) == 1 and check_id.startswith("E") and check_id != "E011"
    for setting, value in changes.items()
]


@BOTH
def test_no_url_from_half_a_configuration(cls: Any, site: Any) -> None:
    """Raise, with the setting and the remedy of the check, instead of making a bad link."""
    storage = cls()
    wrong = []
    for setting, value, check_id in WRONG_SETTINGS:
        remedy = f"{TABLE[f'cfsigned.{check_id}']} (cfsigned.{check_id})"
        named = f"(?s)(?=.*{setting}).*{re.escape(remedy)}$"
        assert storage.url("a.jpg")
        with override_settings(**{setting: value}):
            if seen := not_refused(ImproperlyConfigured, named, lambda: storage.url("a.jpg")):
                wrong.append((setting, value, seen))
    assert wrong == []


#: Values of options that have no setting.
WRONG_OPTIONS: list[tuple[str, Any]] = [
    *(("public", each) for each in ("covers/", None, [7])),
    *(("public", [each]) for each in ("covers", "", "/", "covers/*", "../covers/", "covers//")),
    *(("public", [each]) for each in ("covers\\", "covers/\n", "표지/")),
    ("public", ["covers/", "logos"]),
    *(("attachment_types", each) for each in ("text/html", None, [".svg"], [b"text/html"])),
    ("attachment_types", ["text/html; charset=utf-8"]),
    ("content_type_from_name", "False"),
]


@pytest.mark.parametrize(("option", "value"), WRONG_OPTIONS, ids=str)
def test_wrong_options(option: str, value: Any, site: Any) -> None:
    """Refuse another form, in whatever uses the option; a check names it."""
    for is_signing in (True, False):
        options = {option: value, "querystring_auth": is_signing}
        site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
        storage: Any = storages["default"]
        calls = [storage.url]
        if option == "public":
            sign_upload = partial(storage.sign_upload, size=1)
            calls += [storage.is_public, storage.unsigned_url, sign_upload]
        for call in calls:
            with pytest.raises(ImproperlyConfigured, match=f"The option {option}"):
                call("covers/a.html")
        [found] = [each for each in check_storages() if each.id != "cfsigned.W016"]
        assert (found.id, f"The option {option}" in found.msg) == ("cfsigned.E044", True)


@pytest.mark.parametrize(
    "options", [{"querystring_auth": False}, {"cloudfront_signer": None}], ids=str
)
def test_public_urls(options: dict[str, Any], site: Any) -> None:
    """Public URLs need no key, but a domain without a scheme; a path after it is accepted.

    So a family of storages, of which some are those of MinIO, can have one base class.
    """
    key = site.AWS_CLOUDFRONT_KEY
    site.AWS_CLOUDFRONT_KEY = site.AWS_CLOUDFRONT_KEY_ID = None
    assert CloudFrontS3Storage(**options).url("a.jpg") == f"{ORIGIN}/a.jpg"
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
    for domain in ("Media.example.com/Media", "localhost:9000/media/a-b_c"):
        site.AWS_S3_CUSTOM_DOMAIN = domain
        url, host = CloudFrontS3Storage(**options).url("가.jpg"), domain.partition("/")[0]
        assert url == UntypedS3Storage(querystring_auth=False).url("가.jpg").replace(
            host, host.lower()
        )
        assert CloudFrontS3Storage(**options).name_of(url) == "가.jpg"
        assert check_storages() == []
        with pytest.raises(ImproperlyConfigured, match="E005"):
            CloudFrontS3Storage(cloudfront_key=key, cloudfront_key_id=KEY_ID).url("a.jpg")
    for domain in ("https://media.example.com/", "media.example.com/", "media.example.com/x?y"):
        site.AWS_S3_CUSTOM_DOMAIN = domain
        with pytest.raises(ImproperlyConfigured, match="E005"):
            CloudFrontS3Storage(**options).url("a.jpg")
    site.AWS_S3_CUSTOM_DOMAIN = None
    with pytest.raises(ImproperlyConfigured, match="AWS_S3_CUSTOM_DOMAIN"):
        CloudFrontS3Storage(**options).unsigned_url("a.jpg")


@BOTH
def test_misspelled_option(cls: Any, site: Any) -> None:
    """Name an option that does not exist and the nearest that does, in check as well."""
    for name, nearest in (
        ("expire_stepp", "expire_step"),
        ("Location", "location"),
        ("cloudfront_signr", "cloudfront_signer"),
        ("zzzz", None),
    ):
        with pytest.raises(ImproperlyConfigured, match=f"'{name}' for {cls.__name__}") as refused:
            cls(**{name: 60})
        assert (f"'{nearest}'" in str(refused.value)) is (nearest is not None)

        path = f"{cls.__module__}.{cls.__name__}"
        site.STORAGES = {"default": {"BACKEND": path, "OPTIONS": {name: 60}}}
        [found] = check_storages()
        assert str(refused.value) in found.msg


def test_location_that_is_no_text(site: Any) -> None:
    """Name the setting, or the option, in check as well."""
    for setting, options, named in (
        (None, {}, "AWS_LOCATION is None"),
        ("", {"location": 7}, "location is 7"),
    ):
        entry = {"BACKEND": S3_BACKEND, "OPTIONS": options}
        with override_settings(AWS_LOCATION=setting, STORAGES={"default": entry}):
            with pytest.raises(ImproperlyConfigured, match=named):
                storages["default"].url("a.jpg")
            assert [named in each.msg for each in check_storages()] == [True]


@pytest.mark.parametrize("arguments", [{}, {"expire_step": 60}, ANY_RESOURCE], ids=repr)
def test_openssl_without_sha1(arguments: dict[str, Any], site: Any, ec_key: PrivateKey) -> None:
    """If OpenSSL refuses SHA-1, each URL raises with the words of the system check."""
    storage = CloudFrontS3Storage()
    with without_sha1():
        for name in ("a.jpg", "a.jpg", "a b.jpg"):
            with pytest.raises(ImproperlyConfigured, match=r"AWS_CLOUDFRONT_KEY") as caught:
                storage.url(name, **arguments)
            assert TABLE["cfsigned.E012"] in str(caught.value)
        with pytest.raises(ImproperlyConfigured, match=r"AWS_CLOUDFRONT_KEY"):
            storage.sign_cookies(folder="a")
        assert problems_of(CloudFrontS3Storage(cloudfront_key=ec_key.to_pem())) == []
        (found,) = problems_of(CloudFrontS3Storage(hash_algorithm="SHA1"))
        assert found.id == "cfsigned.E012"
        (found,) = problems_of(storage)
        assert found.id == "cfsigned.E012"
        assert found.msg in str(caught.value)
        site.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA256"
        assert "Hash-Algorithm=SHA256" in storage.url("a.jpg", **arguments)


def test_signer_whose_hash_openssl_refuses(site: Any, rsa_key: PrivateKey) -> None:
    """Name no setting if the signer was handed in, of whose hash no setting decides."""
    signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key)
    with without_sha1(), pytest.raises(HashRefused) as caught:
        CloudFrontS3Storage(cloudfront_signer=signer).url("a.jpg")
    assert "AWS_" not in str(caught.value)
