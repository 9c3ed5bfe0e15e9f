"""Shared by the tests of the storages: settings, names, and a frozen clock."""

from __future__ import annotations

import random
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from django.core.checks import CheckMessage
from django.core.files.storage import InMemoryStorage, default_storage
from django.db import connection, models

from cfsigned_django.signing import HashAlgorithm, Policy, PrivateKey, Verifier
from cfsigned_django.storage import (
    CloudFrontFileSystemStorage,
    CloudFrontS3Storage,
    SignedUrlMixin,
)
from cfsigned_django.storage.options import find_signing_problems, options_of
from cfsigned_django.storage.site_storages import find_storage

KEY_ID = "K2JCJMDEHXQW5F"
OTHER_KEY_ID = "K3ABCDEFGHIJKL"
KEY_GROUP_ID = "a1b2c3d4-0123-4567-89ab-cdef01234567"
DOMAIN = "media.example.com"
ORIGIN = f"https://{DOMAIN}"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

S3_BACKEND = "cfsigned_django.storage.CloudFrontS3Storage"
FILE_BACKEND = "cfsigned_django.storage.CloudFrontFileSystemStorage"
#: Storages below, whose domain or signer only a request knows.
OF_REQUEST, SIGNER_OF_REQUEST = f"{__name__}.OfRequest", f"{__name__}.SignerOfRequest"

#: The moment at which most tests sign, in Unix seconds.
NOW = 1_775_000_000
DAY = 24 * 3600
#: The arguments that open every file of a storage.
ANY_RESOURCE: dict[str, Any] = {"resource": "*", "allow_any_resource": True}

BOTH = pytest.mark.parametrize("cls", [CloudFrontS3Storage, CloudFrontFileSystemStorage])

_FOLDERS = ("", "albums/42/", "보고서/2026/", "a b/", "x/" * 12, "q&a/", "50%/", "C#/", "it's (1)/")
_PIECES = (
    *("photo", "보고서", "사진 1", "é", "日本語", "a b", "a+b", "a#b", "a?b", "a&b", "100%", "%20"),
    *("it's", 'say "hi"', "a=b", "a;b", "a:b", "a@b", "a,b", "$", "!", "~", "(1)", "[1]", "{1}"),
    *("a|b", "a^b", "`", "<b>", "\t", "\x7f", "🌅", "-", "_", "..a", "a..", "...", "'"),
)


class InMemory(SignedUrlMixin, InMemoryStorage):
    """Sign the URLs of files in memory, a storage whose paths the package does not know."""


class Tenant:
    """The tenant whose request is being served."""

    name = "a"


class OfTenant(CloudFrontS3Storage):
    """Give each tenant its own domain and folder."""

    @property
    def custom_domain(self) -> str:
        """Return the domain of the request's tenant."""
        return f"{Tenant.name}.example.com"

    @property
    def location(self) -> str:
        """Return the folder of the request's tenant."""
        return Tenant.name.partition("/")[0]


class OfRequest(CloudFrontS3Storage):
    """A storage whose domain only a request knows."""

    @property
    def custom_domain(self) -> str:
        """Fail outside a request."""
        raise LookupError("no request is being served")


class LocationOfRequest(CloudFrontS3Storage):
    """A storage whose folder only a request knows."""

    @property
    def location(self) -> str:
        """Fail outside a request, as an attribute that is missing."""
        raise AttributeError("no schema_name")


class SignerOfRequest(CloudFrontS3Storage):
    """A storage whose signer only a request knows."""

    @property
    def cloudfront_signer(self) -> Any:
        """Fail outside a request."""
        raise LookupError("no request is being served")


class OtherHost(CloudFrontS3Storage):
    """Replace the host of the signed URL, as readthedocs.org does."""

    def url(self, name: str | None, *args: Any, **options: Any) -> str:
        """Return a URL that CloudFront refuses."""
        return super().url(name, *args, **options).replace(DOMAIN, "docs.example.com")


class OfOtherHost(OtherHost):
    """Inherit that, and change nothing."""

    def url(self, name: str | None, *args: Any, **options: Any) -> str:
        """Return the URL of the other class."""
        return super().url(name, *args, **options)


class SomeUnsigned(CloudFrontS3Storage):
    """Leave the signature out of some URLs, and bind the others to an address."""

    def url(self, name: str | None, *args: Any, **options: Any) -> str:
        """Return a URL without a signature for what is public."""
        if name and name.startswith("public/"):
            return self.unsigned_url(name)
        return super().url(name, *args, ip_address="192.0.2.7", **options)


def settings_for(key: PrivateKey, **others: Any) -> dict[str, Any]:
    """Return the settings of a site that signs with the key."""
    return {
        "AWS_CLOUDFRONT_KEY": key.to_pem().decode(),
        "AWS_CLOUDFRONT_KEY_ID": KEY_ID,
        "AWS_S3_CUSTOM_DOMAIN": DOMAIN,
        "AWS_STORAGE_BUCKET_NAME": "media",
    } | others


def options_for(key: PrivateKey, **others: Any) -> dict[str, Any]:
    """Return the options of a storage that signs with the key."""
    return {
        "cloudfront_key": key.to_pem().decode(),
        "cloudfront_key_id": KEY_ID,
        "custom_domain": DOMAIN,
        "bucket_name": "media",
    } | others


def generated_names(count: int, *, seed: int = 20260401) -> list[str]:
    """Return this many different names, with all that a name may contain but ``*`` and ``..``."""
    chance = random.Random(seed)
    names: dict[str, None] = {}
    while len(names) < count:
        name = chance.choice(_FOLDERS) + "".join(chance.choices(_PIECES, k=chance.randint(1, 4)))
        name = unicodedata.normalize(chance.choice(("NFC", "NFD")), name)
        name += chance.choice(("", ".jpg", ".tar.gz", "/"))
        if ".." not in name.split("/"):
            names[name] = None
    return list(names)


def in_one_second(*makers: Callable[[], Any]) -> list[Any]:
    """Return what each callable returns, all of them called within one second."""
    while True:
        second = int(time.time())
        found = [make() for make in makers]
        if int(time.time()) == second:
            return found


@contextmanager
def at(moment: float) -> Iterator[None]:
    """Set the clock that ``url()`` reads to this moment, in Unix seconds."""

    def read_clock() -> float:  # no Mock, which would remember each call
        return moment

    with mock.patch("time.time", read_clock):
        yield


@contextmanager
def counted_signatures() -> Iterator[list[bytes]]:
    """Note each policy that is signed within the block."""
    messages, sign = [], PrivateKey.sign

    def note(key: PrivateKey, message: bytes, hash_algorithm: HashAlgorithm) -> bytes:
        messages.append(message)
        return sign(key, message, hash_algorithm)

    with mock.patch.object(PrivateKey, "sign", note):
        yield messages


@contextmanager
def without_sha1() -> Iterator[None]:
    """Make OpenSSL refuse SHA-1 within the block, as the policies of some machines do."""
    with mock.patch.object(hashes.SHA1, "name", "unknown"):
        yield


def problems_of(storage: SignedUrlMixin) -> list[CheckMessage]:
    """Return what the system checks find wrong with how a storage signs."""
    handed_in = storage.cfsigned.handed_in()
    return find_signing_problems(options_of(storage), handed_in, is_check=True)


def not_refused(
    error: type[Exception] | tuple[type[Exception], ...], named: str, call: Callable[[], object]
) -> str:
    """Return what a call does that should raise this error, with these words; "" if it does."""
    try:
        return f"it returned {call()!r}"
    except Exception as raised:
        is_meant = isinstance(raised, error) and re.search(named, str(raised))
        return "" if is_meant else f"it raised {raised!r}"


def file_of(name: str | None, storage: Any = default_storage) -> Any:
    """Return the value of a file field."""
    field = models.ImageField(storage=storage)
    return field.attr_class(None, field, name)  # type: ignore[arg-type]


@contextmanager
def tables(*made: type[models.Model]) -> Iterator[None]:
    """Have the tables of models that a test defines."""
    with connection.schema_editor() as editor:
        for each in made:
            editor.create_model(each)
    yield
    with connection.schema_editor() as editor:
        for each in reversed(made):
            editor.delete_model(each)


def parameters_of(url: str) -> dict[str, str]:
    """Return the query parameters of a URL, decoded."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def expiry_of(url: str) -> int:
    """Return the moment at which a canned URL ends, in Unix seconds."""
    return int(parameters_of(url)["Expires"])


def verify(
    storage: SignedUrlMixin | str, url: str, *, now: int | None = None, viewer_ip: str = "192.0.2.7"
) -> Policy:
    """Return the policy by which CloudFront would serve the URL of a storage, or raise Denied."""
    now = int(time.time()) if now is None else now
    return Verifier(find_storage(storage).trusted_keys()).verify(url, now=now, viewer_ip=viewer_ip)
