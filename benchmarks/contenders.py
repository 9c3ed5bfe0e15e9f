"""Make what signs one URL: this package, what people use instead, and the bare signature."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from benchmarks.keys import (
    BUCKET,
    DOMAIN,
    HIT,
    KEY_ID,
    OURS,
    OURS_ECDSA,
    RESOURCE,
    REUSE,
    STEP,
    THEIRS,
    Keys,
    names_of_round,
    our_storage,
    their_storage,
)
from benchmarks.rounds import Timed
from cfsigned_django.signing import PrivateKey
from cfsigned_django.signing.policy import canned_policy_json

BOTOCORE = "botocore's CloudFrontSigner, RSA"
PRESIGNED = "boto3, presigned URL of S3"
BARE_RSA = "the RSA signature alone"
BARE_ECDSA = "the ECDSA signature alone"
OURS_SHA256 = "cfsigned_django, RSA and SHA256"

#: How many times as many names the quick ones are given: so the clock can tell them apart, and
#: what a turn costs at its begin, with the caches of the processor full of another's, weighs alike.
LOTS = 10

Sign = Callable[[str], object]


def signing_turns(keys: Keys, *, names: int) -> Iterator[Timed]:
    """Yield the turns; each round has names of its own, the same for all but for their number."""
    few: Any = partial(names_of_round, count=names)
    many: Any = partial(names_of_round, count=names * LOTS)
    stable = our_storage(keys.rsa, expire_step=STEP)
    yield Timed(title=THEIRS, work=_of(their_storage(keys.rsa)), items=few)
    yield Timed(title=BOTOCORE, work=_botocore(keys.rsa), items=few)
    yield Timed(title=PRESIGNED, work=_presigned(), items=few)
    yield Timed(title=BARE_RSA, work=bare_signature(keys.rsa), items=_messages(few))
    yield Timed(title=OURS, work=our_storage(keys.rsa).url, items=few)
    yield Timed(
        title=OURS_SHA256, work=our_storage(keys.rsa, hash_algorithm="SHA256").url, items=few
    )
    yield Timed(title=BARE_ECDSA, work=bare_signature(keys.ecdsa), items=_messages(many))
    yield Timed(title=OURS_ECDSA, work=our_storage(keys.ecdsa).url, items=many)
    yield Timed(title=REUSE, work=partial(stable.url, resource=RESOURCE), items=many)
    # As when a page is visited again: the names are those of the first time, read anew.
    yield Timed(title=HIT, work=stable.url, items=lambda number: many(0))


def _of(storage: Any) -> Sign:
    sign: Sign = storage.url
    return sign


def bare_signature(key: PrivateKey) -> Callable[[bytes], bytes]:
    """Return what signs with cryptography, and nothing round it."""
    private_key = serialization.load_pem_private_key(key.to_pem(), None)
    # Not by partial(): names of arguments take cryptography 0.3 µs.
    if isinstance(private_key, rsa.RSAPrivateKey):
        sign_rsa, sha1 = private_key.sign, hashes.SHA1()  # noqa: S303 - django-storages' hash
        pkcs1 = padding.PKCS1v15()
        return lambda message: sign_rsa(message, pkcs1, sha1)
    assert isinstance(private_key, ec.EllipticCurvePrivateKey)
    sign_ecdsa, ecdsa = private_key.sign, ec.ECDSA(hashes.SHA256())
    return lambda message: sign_ecdsa(message, ecdsa)


def _messages(names: Callable[[int], Sequence[str]]) -> Callable[[int], list[bytes]]:
    """Return what the others sign for these names."""

    def messages(number: int) -> list[bytes]:
        until = int(time.time()) + 3600
        urls = (f"https://{DOMAIN}/{name}" for name in names(number))
        return [canned_policy_json(url, until).encode() for url in urls]

    return messages


def _botocore(key: PrivateKey) -> Sign:
    signer = CloudFrontSigner(KEY_ID, bare_signature(key))
    hour = timedelta(hours=1)

    def sign(name: str) -> object:
        until = datetime.now(UTC) + hour
        return signer.generate_presigned_url(f"https://{DOMAIN}/{name}", date_less_than=until)

    return sign


def _presigned() -> Sign:
    session = boto3.Session(
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",  # AWS's own example
        aws_secret_access_key="invented",
        region_name="eu-central-1",
    )
    client = session.client("s3", config=Config(signature_version="s3v4"))

    def sign(name: str) -> object:
        return client.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": name})

    return sign
