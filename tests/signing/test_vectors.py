"""Compare with AWS's shared signer test cases and with botocore: the bytes, and signatures.

Modules: signing/policy.py, signing/signer.py
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cfsigned_django.signing import (
    HashAlgorithm,
    InvalidKey,
    KeyAlgorithm,
    Policy,
    PublicKey,
    Signer,
)
from cfsigned_django.signing.encoding import decode_base64, encode_base64
from tests.signing.cases import EXPIRES, KEY_ID, ORIGIN, generated_policies, parameters

DATA = json.loads((Path(__file__).parent / "vectors/aws_vectors.json").read_text("utf-8"))
VECTORS: dict[str, dict[str, Any]] = {vector["id"]: vector for vector in DATA["vectors"]}
RSA_1024 = "aws-shared-rsa1024"

# Case, vector, and the arguments behind it: the resource or raw URL, the end
# and what else stands in the policy.
IMAGE, VIDEO = f"{ORIGIN}/image.jpg", f"{ORIGIN}/video.mp4"
CLI = ("http://example.com/hi", 1451606400)
CANNED = [
    ("T1", "c1 SHA1", IMAGE, EXPIRES),
    ("T3", "c2 SHA1", f"{IMAGE}?size=large", EXPIRES),
    ("T13", "rsa2048 cli canned", *CLI),
    ("T15", "enc-space SHA256", f"{ORIGIN}/a b.jpg", EXPIRES),
    ("T16", "enc-korean SHA256", f"{ORIGIN}/한글.pdf", EXPIRES),
    ("T17", "enc-quote-q SHA256", f"{ORIGIN}/x.jpg?n=it's", EXPIRES),
    ("T18 path", "enc-plus-path SHA256", f"{ORIGIN}/a+b.jpg", EXPIRES),
    ("T18 query", "enc-plus-query SHA256", f"{ORIGIN}/x.jpg?name=a+b", EXPIRES),
    (
        "T18 disposition",
        "enc-rcd SHA256",
        f'{ORIGIN}/x.jpg?response-content-disposition=attachment%3B filename%3D"a.txt"',
        EXPIRES,
    ),
    ("T19", "ecdsa rust SHA1", VIDEO, EXPIRES),
    ("T20", "ecdsa rfc6979 SHA256", VIDEO, EXPIRES),
]
START = {"date_greater_than": 1767200000}
OFFICE = {"ip_address": "192.168.0.0/24"}
CUSTOM: list[tuple[str, str, str, int, dict[str, Any]]] = [
    ("T5", "v3 SHA1", VIDEO, EXPIRES, START),
    ("T7", "v4 SHA1", f"{ORIGIN}/document.pdf", EXPIRES, OFFICE),
    ("T9", "v5 SHA1", f"{ORIGIN}/images/*", EXPIRES, {}),
    ("T11", "v6 cookie SHA1", f"{ORIGIN}/*", EXPIRES, {"ip_address": "10.0.0.0/8"}),
    ("T12", "v7 cookie canned /* SHA1", f"{ORIGIN}/*", EXPIRES, {}),
    ("T14", "rsa2048 cli custom ip", *CLI, {"ip_address": "12.34.56.78"}),
]


def verify_as_published(vector: dict[str, Any], hash_algorithm: str) -> None:
    """Verify with the published key; without PublicKey for RSA-1024, which it refuses."""
    signature = decode_base64(vector["signature"])
    message = vector["policy"].encode("utf-8")
    text = DATA["public_keys"][vector["key"]]
    if vector["key"] != RSA_1024:
        PublicKey.load(text).verify(signature, message, HashAlgorithm(hash_algorithm))
        return
    key = serialization.load_pem_public_key(text.encode("ascii"))
    assert isinstance(key, rsa.RSAPublicKey)
    hash_class = hashes.SHA1 if hash_algorithm == "SHA1" else hashes.SHA256
    key.verify(signature, message, padding.PKCS1v15(), hash_class())


def test_published_signatures() -> None:
    """Verify each published signature, and refuse it under the other hash (T19, T20)."""
    for vector in VECTORS.values():
        verify_as_published(vector, vector["hash"])
        with pytest.raises((InvalidKey, InvalidSignature)):
            verify_as_published(vector, "SHA256" if vector["hash"] == "SHA1" else "SHA1")


def test_published_bytes() -> None:
    """Read each policy, and write it again in the same bytes and the same base64."""
    for vector in VECTORS.values():
        policy = Policy.from_json(vector["policy"]).to_json()
        assert policy == vector["policy"]
        if "policy_b64" in vector:
            assert encode_base64(policy.encode("utf-8")) == vector["policy_b64"]
        assert encode_base64(decode_base64(vector["signature"])) == vector["signature"]


def test_canned_urls(signer: Signer) -> None:
    """Sign the very bytes of each vector, and emit the URL that they name."""
    names = ["Signature", "Key-Pair-Id"]
    names += ["Hash-Algorithm"] if signer.hash_algorithm is HashAlgorithm.SHA256 else []
    for case, vector_id, url, until in CANNED:
        policy = VECTORS[vector_id]["policy"]
        resource = json.loads(policy)["Statement"][0]["Resource"]
        signed = signer.sign_url(url, date_less_than=until)
        own, _, added = signed.partition("Expires=")
        assert own == f"{resource}{'&' if '?' in resource else '?'}", case
        assert [segment.partition("=")[0] for segment in added.split("&")[1:]] == names, case
        assert parameters(signed)["Expires"] == str(until), case
        assert parameters(signed)["Key-Pair-Id"] == KEY_ID, case
        signer.private_key.public_key.verify(
            decode_base64(parameters(signed)["Signature"]),
            policy.encode("ascii"),
            signer.hash_algorithm,
        )


@pytest.mark.parametrize(
    ("vector_id", "resource", "until", "conditions"),
    [case[1:] for case in CUSTOM],
    ids=[case[0] for case in CUSTOM],
)
def test_custom_policy(
    vector_id: str, resource: str, until: int, conditions: dict[str, Any], rsa_signer: Signer
) -> None:
    """Write the very bytes of the vector, in the policy, the URL and the cookies."""
    vector = VECTORS[vector_id]
    policy = Policy(resource=resource, date_less_than=until, **conditions)
    assert policy.to_json() == vector["policy"]
    url = resource.replace("*", "photo1.jpg")
    signed = parameters(rsa_signer.sign_url(url, policy=policy))
    cookies = rsa_signer.sign_cookies(policy)
    assert signed["Policy"] == cookies["CloudFront-Policy"] == vector["policy_b64"]
    assert signed["Signature"] == cookies["CloudFront-Signature"]
    rsa_signer.private_key.public_key.verify(
        decode_base64(signed["Signature"]), vector["policy"].encode("ascii"), HashAlgorithm.SHA1
    )


def test_small_key() -> None:
    """Refuse the public key of the file that CloudFront would not take."""
    with pytest.raises(InvalidKey, match="RSA key of 1024 bits"):
        PublicKey.load(DATA["public_keys"][RSA_1024])


# botocore's CloudFrontSigner, which Django's storages use today


def test_urls_are_equal() -> None:
    """Give botocore's URLs byte for byte, and its policy if it can build one."""
    # Sign with a digest, as only what is signed is compared: RSA takes a hundred times as long.
    digests = mock.Mock(
        algorithm=KeyAlgorithm.RSA_2048,
        public_key=None,
        sign=lambda message, kind: hashlib.new(kind, message).digest(),
    )
    ours = Signer(key_pair_id=KEY_ID, private_key=digests)
    theirs = CloudFrontSigner(KEY_ID, lambda message: hashlib.sha1(message).digest())  # noqa: S324
    for url, policy in generated_policies(200):
        until = datetime.fromtimestamp(policy.date_less_than, UTC)
        expected = theirs.generate_presigned_url(url, date_less_than=until)
        assert ours.sign_url(url, date_less_than=until) == expected
        if not policy.is_canned:
            expected = theirs.generate_presigned_url(url, policy=policy.to_json())
            assert ours.sign_url(url, policy=policy) == expected
        start, address = policy.date_greater_than, policy.ip_address
        if start is None or address is None:  # It sets no more than one condition beside the end.
            since = None if start is None else datetime.fromtimestamp(start, UTC)
            built = theirs.build_policy(policy.resource, until, since, address)
            assert built == policy.to_json()
