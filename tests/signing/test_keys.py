"""Keys sign and verify, and nothing shows them by accident.

Modules: signing/keys.py, signing/algorithms.py
"""

from __future__ import annotations

import copy
import pickle
from typing import Any
from unittest import mock

import pytest
from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from cfsigned_django.signing import (
    HashAlgorithm,
    HashRefused,
    InvalidKey,
    KeyAlgorithm,
    PrivateKey,
    PublicKey,
    keys,
)
from cfsigned_django.signing.encoding import encode_base64

MESSAGE = b'{"Statement":[]}'
EACH_HASH = pytest.mark.parametrize("hash_algorithm", list(HashAlgorithm))
# The order of the group of P-256.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def test_generate() -> None:
    """Generate another ECDSA P-256 key each time, unless told otherwise, also by name."""
    made = [PrivateKey.generate(), PrivateKey.generate("ECDSA_P256")]  # type: ignore[arg-type]
    assert {each.algorithm for each in made} == {KeyAlgorithm.ECDSA_P256}
    assert made[0].public_key != made[1].public_key
    with pytest.raises(ValueError, match="P-384"):
        PrivateKey.generate("P-384")  # type: ignore[arg-type]


@EACH_HASH
def test_sign_and_verify(key: PrivateKey, hash_algorithm: HashAlgorithm) -> None:
    """Return the public key that made the signature; refuse what is near it and other keys."""
    signature = key.sign(MESSAGE, hash_algorithm)
    public_key = key.public_key
    assert public_key.verify(signature, MESSAGE, hash_algorithm) is public_key
    other_hash = next(each for each in HashAlgorithm if each is not hash_algorithm)
    for changed in [
        (signature, MESSAGE + b" ", hash_algorithm),
        (signature, MESSAGE, other_hash),
        (signature + b"\0", MESSAGE, hash_algorithm),
        (b"", MESSAGE, hash_algorithm),
    ]:
        with pytest.raises(InvalidKey):
            public_key.verify(*changed)
    other = PrivateKey.generate().sign(MESSAGE, hash_algorithm)
    with pytest.raises(InvalidKey):
        public_key.verify(other, MESSAGE, hash_algorithm)


@pytest.mark.parametrize(
    "error",
    [UnsupportedAlgorithm("policy"), ValueError("policy"), InternalError("policy", [])],
    ids=repr,
)
def test_openssl_that_refuses_a_hash(error: Exception, rsa_key: PrivateKey) -> None:
    """Raise HashRefused if OpenSSL refuses SHA-1; pass other failures on."""
    real: Any = serialization.load_pem_private_key(rsa_key.to_pem(), password=None)
    fake = mock.Mock(spec=rsa.RSAPrivateKey, public_key=real.public_key)
    fake.sign.side_effect = error
    key = PrivateKey(fake)
    with pytest.raises(HashRefused, match="SHA256"):
        key.sign(MESSAGE, HashAlgorithm.SHA1)
    with pytest.raises(type(error), match="policy"):
        key.sign(MESSAGE, HashAlgorithm.SHA256)


def test_t20_ecdsa_signature_form(ec_key: PrivateKey) -> None:
    """Make ECDSA signatures in DER, 92 or 96 characters, one for each message (T20)."""
    messages = [b"%d" % number for number in range(50)]
    signatures = {ec_key.sign(message, HashAlgorithm.SHA256) for message in messages}
    assert signatures == {ec_key.sign(message, HashAlgorithm.SHA256) for message in messages}
    assert len(signatures) == 50
    for signature in signatures:
        assert signature[0] == 0x30
        assert len(encode_base64(signature)) in (92, 96)


class OldEcdsa(ec.ECDSA):
    """ECDSA of an OpenSSL before 3.2."""

    def __init__(self, algorithm: Any, deterministic_signing: bool = False) -> None:
        if deterministic_signing:
            raise UnsupportedAlgorithm("ECDSA with deterministic signature (RFC 6979)")
        super().__init__(algorithm)


def test_ecdsa_without_deterministic_signatures(
    ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sign with a random nonce if OpenSSL is too old for deterministic ones."""
    monkeypatch.setattr(ec, "ECDSA", OldEcdsa)
    monkeypatch.setattr(keys, "_deterministic_ecdsa", keys._deterministic_ecdsa.__wrapped__)
    signatures = {ec_key.sign(MESSAGE, HashAlgorithm.SHA256) for _ in range(3)}
    for each in signatures:
        ec_key.public_key.verify(each, MESSAGE, HashAlgorithm.SHA256)
    assert len(signatures) == 3


def test_ecdsa_signature_has_one_encoding(ec_key: PrivateKey) -> None:
    """Refuse BER if DER is shorter, and r and s side by side without DER."""
    signature = ec_key.sign(MESSAGE, HashAlgorithm.SHA256)
    r, s = decode_dss_signature(signature)
    body = signature[2:]
    padded = bytes([0x02, signature[3] + 1, 0x00]) + signature[4:]
    for other in [
        b"\x30\x81" + signature[1:],
        b"\x30\x80" + body + b"\0\0",
        bytes([0x30, len(padded)]) + padded,
        r.to_bytes(32, "big") + s.to_bytes(32, "big"),
        encode_dss_signature(r, s + ORDER),
        encode_dss_signature(r + ORDER, s),
        encode_dss_signature(0, s),
        encode_dss_signature(r, 0),
        encode_dss_signature(s, r),
    ]:
        with pytest.raises(InvalidKey):
            ec_key.public_key.verify(other, MESSAGE, HashAlgorithm.SHA256)


def test_public_key_value_semantics(key: PrivateKey) -> None:
    """Compare, hash, copy and pickle public keys by value."""
    public_key = key.public_key
    same = [
        PublicKey.load(public_key.to_pem()),
        copy.copy(public_key),
        copy.deepcopy(public_key),
        pickle.loads(pickle.dumps(public_key)),  # noqa: S301
    ]
    assert {public_key, *same} == {public_key}
    assert public_key != PrivateKey.generate().public_key
    assert public_key != public_key.to_pem()
    assert repr(public_key) == f"<PublicKey {key.algorithm} {public_key.fingerprint[:16]}>"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_private_key_is_never_pickled(key: PrivateKey, protocol: int) -> None:
    """Refuse to pickle a private key, alone or in something else; copy by sharing it."""
    for holder in (key, [key], {"key": key}):
        with pytest.raises(TypeError):
            pickle.dumps(holder, protocol)
    assert copy.copy(key) is copy.deepcopy([key])[0] is key
