"""Make what all cases share: the keys, the storages that sign with them, and the names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from storages.backends.s3 import S3Storage

from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage

DOMAIN = "d111111abcdef8.cloudfront.net"
KEY_ID = "K2JCJMDEHXQW5F"
BUCKET = "media"
#: Covers every name.
RESOURCE = "albums/*"
#: For how long stable URLs stay the same, in seconds.
STEP = 86_400

#: What the others are compared with.
THEIRS = "django-storages, RSA"
OURS = "cfsigned_django, RSA"
OURS_ECDSA = "cfsigned_django, ECDSA"
REUSE = "cfsigned_django, one signature for all"
HIT = "cfsigned_django, stable URL, known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Hold the keys of a run, which are made for it."""

    rsa: PrivateKey = field(default_factory=lambda: PrivateKey.generate(KeyAlgorithm.RSA_2048))
    ecdsa: PrivateKey = field(default_factory=lambda: PrivateKey.generate(KeyAlgorithm.ECDSA_P256))


def names_of_round(number: int, count: int) -> list[str]:
    """Return names that no other round has, such as Django gives to what is uploaded."""
    return [f"albums/2026/{number + 1:04}/photo_{each:06}.jpg" for each in range(count)]


def options(key: PrivateKey) -> dict[str, Any]:
    """Return the options of a storage that signs with the key, for either package."""
    return {
        "bucket_name": BUCKET,
        "custom_domain": DOMAIN,
        "cloudfront_key_id": KEY_ID,
        "cloudfront_key": key.to_pem().decode(),
    }


def their_storage(key: PrivateKey) -> S3Storage:
    """Return django-storages' storage."""
    make: Any = S3Storage
    storage: S3Storage = make(**options(key))
    return storage


def our_storage(key: PrivateKey, **more: Any) -> CloudFrontS3Storage:
    """Return this package's storage, with options besides."""
    return CloudFrontS3Storage(**options(key), **more)


def urls_of(names: Sequence[str]) -> list[str]:
    """Return the URLs of the names, without a signature."""
    return [f"https://{DOMAIN}/{name}" for name in names]
