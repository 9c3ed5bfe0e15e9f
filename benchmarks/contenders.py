"""Make what is measured: both storages with the same key, and the bare signature."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from storages.backends.s3 import S3Storage

from benchmarks.rounds import Contender
from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from cfsigned_django.signing.policy import canned_policy_json
from cfsigned_django.storage import CloudFrontS3Storage

DOMAIN = "d111111abcdef8.cloudfront.net"

DJANGO_STORAGES = "django-storages, RSA and SHA1"
BARE_SIGNATURE = "the RSA signature alone"
OURS_RSA = "cfsigned_django, RSA and SHA1"
OURS_RSA_SHA256 = "cfsigned_django, RSA and SHA256"
OURS_ECDSA = "cfsigned_django, ECDSA and SHA256"


def plain_names(count: int) -> list[str]:
    """Return different names, such as Django gives to what is uploaded."""
    return [f"albums/2026/{number:05}/photo_{number * 7919:08x}.jpg" for number in range(count)]


def make_contenders(names: Sequence[str]) -> dict[str, Contender]:
    """Return the contenders by title, with keys that are made for them."""
    rsa_key = PrivateKey.generate(KeyAlgorithm.RSA_2048)
    ecdsa_key = PrivateKey.generate(KeyAlgorithm.ECDSA_P256)
    theirs: Any = S3Storage
    return {
        DJANGO_STORAGES: theirs(**_options(rsa_key)).url,
        BARE_SIGNATURE: _bare_signature(rsa_key, names),
        OURS_RSA: CloudFrontS3Storage(**_options(rsa_key)).url,
        OURS_RSA_SHA256: CloudFrontS3Storage(**_options(rsa_key), hash_algorithm="SHA256").url,
        OURS_ECDSA: CloudFrontS3Storage(**_options(ecdsa_key)).url,
    }


def _options(key: PrivateKey) -> dict[str, str]:
    return {
        "bucket_name": "media",
        "custom_domain": DOMAIN,
        "cloudfront_key_id": "K2JCJMDEHXQW5F",
        "cloudfront_key": key.to_pem().decode(),
    }


def _bare_signature(key: PrivateKey, names: Sequence[str]) -> Contender:
    """Sign what the others sign, with cryptography and nothing round it."""
    private_key = serialization.load_pem_private_key(key.to_pem(), None)
    assert isinstance(private_key, rsa.RSAPrivateKey)
    until = int(time.time()) + 3600
    messages = {
        name: canned_policy_json(f"https://{DOMAIN}/{name}", until).encode() for name in names
    }
    sign = partial(
        private_key.sign,
        padding=padding.PKCS1v15(),
        algorithm=hashes.SHA1(),  # noqa: S303 - what django-storages signs with
    )
    return lambda name: sign(messages[name])
