"""What is compared: names as users have them, one pair of keys, and the storages that use them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from storages.backends.s3 import S3Storage

from cfsigned_django.core import keyring
from cfsigned_django.core.keyring import SigningState
from cfsigned_django.signing import KeyAlgorithm, Policy, PrivateKey, Signer
from cfsigned_django.storage import CloudFrontS3Storage

DOMAIN = "d111111abcdef8.cloudfront.net"
#: Both cover every name below.
FOLDER_NAME = "albums"
RESOURCE = "albums/*"
#: Stable URLs stay the same for this many seconds.
STEP = 86_400

#: Each kind of name has its own row; `{}` is a number.
KINDS = {
    "plain": "albums/2026/photo-{}.jpg",
    "Korean": "albums/2026/사진-{}.jpg",
    "spaces": "albums/2026/my photo {}.jpg",
    "parentheses": "albums/2026/photo-({}).jpg",
    "+ and &": "albums/2026/salt+pepper&co-{}.jpg",
    "long and mixed": "albums/2026/제주도 여름 휴가/가족 사진 (원본) + 친구들 & more, {}.jpeg",
}

RSA = PrivateKey.generate(KeyAlgorithm.RSA_2048)
ECDSA = PrivateKey.generate(KeyAlgorithm.ECDSA_P256)


def names(kind: str, first: int, count: int) -> list[str]:
    """Return this many names of a kind, numbered from `first`."""
    return [KINDS[kind].format(number) for number in range(first, first + count)]


def settings_for(key: PrivateKey) -> dict[str, Any]:
    """Return the settings with which a site of either package signs with the key."""
    return {
        "AWS_STORAGE_BUCKET_NAME": "media",
        "AWS_S3_CUSTOM_DOMAIN": DOMAIN,
        "AWS_CLOUDFRONT_KEY_ID": "K2JCJMDEHXQW5F",
        "AWS_CLOUDFRONT_KEY": key.to_pem().decode(),
    }


def options(key: PrivateKey) -> dict[str, Any]:
    """Return the same as options of a storage."""
    prefix = re.compile("AWS_(S3_|STORAGE_)?")
    return {prefix.sub("", name).lower(): value for name, value in settings_for(key).items()}


def ours(
    key: PrivateKey, cls: type[CloudFrontS3Storage] = CloudFrontS3Storage, **more: Any
) -> CloudFrontS3Storage:
    """Return a storage of this package."""
    return cls(**options(key), **more)


def of_key_group(key: PrivateKey, **more: Any) -> CloudFrontS3Storage:
    """Return a storage that signs with the key which the database says is that of its group."""
    signer = Signer(key_pair_id="K3D5EWEUDCCXON", private_key=key)
    found = SigningState(key_group_id="group", signer=signer)
    keyring.register(lambda *_: found, interval=60)
    return ours(key, key_group_id="3f1c8a52-6a5e-4c3f-9d2b-0a7e5b8c9d10", **more)


def theirs(key: PrivateKey | None) -> Any:
    """Return a storage of django-storages; one without a key does not sign."""
    make: Any = S3Storage
    return make(**options(key)) if key else make(bucket_name="media", custom_domain=DOMAIN)


def bare_signature(key: PrivateKey) -> Callable[[bytes], bytes]:
    """Return cryptography's own signature, with nothing around it."""
    private_key = serialization.load_pem_private_key(key.to_pem(), None)
    if isinstance(private_key, rsa.RSAPrivateKey):
        sign_rsa, pkcs1 = private_key.sign, padding.PKCS1v15()
        sha1 = hashes.SHA1()  # noqa: S303 - the hash that CloudFront assumes for RSA
        return lambda message: sign_rsa(message, pkcs1, sha1)
    assert isinstance(private_key, ec.EllipticCurvePrivateKey)
    sign_ecdsa = private_key.sign
    sha256 = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    return lambda message: sign_ecdsa(message, sha256)


def messages(given: list[str]) -> list[bytes]:
    """Return the policies that are signed for these names."""
    storage, until = ours(RSA), int(time.time()) + 3600
    urls = (storage.unsigned_url(name) for name in given)
    return [Policy(resource=url, date_less_than=until).to_json().encode() for url in urls]
