"""Hold keys that sign and verify, and that nothing writes down by accident."""

from __future__ import annotations

import base64
import copy
import hashlib
import pickle
from typing import Any
from unittest import mock

import pytest
from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given, strategies as st

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


def test_names_are_those_of_cloudfront() -> None:
    """Spell the algorithms as the parameter and the contract do."""
    assert [str(each) for each in HashAlgorithm] == ["SHA1", "SHA256"]
    assert [str(each) for each in KeyAlgorithm] == ["RSA_2048", "ECDSA_P256"]


def test_generated_key(key: PrivateKey) -> None:
    """Generate a key of the kind asked for, which loads again."""
    loaded = PrivateKey.load(key.to_pem())
    assert loaded.algorithm is key.algorithm is key.public_key.algorithm
    assert loaded.public_key == key.public_key
    assert key.to_pem().startswith(b"-----BEGIN PRIVATE KEY-----\n")


def test_generate_by_default_and_by_name() -> None:
    """Generate ECDSA P-256 unless told otherwise, also by the name that settings hold."""
    assert PrivateKey.generate().algorithm is KeyAlgorithm.ECDSA_P256
    assert PrivateKey.generate("ECDSA_P256").algorithm is KeyAlgorithm.ECDSA_P256  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="P-384"):
        PrivateKey.generate("P-384")  # type: ignore[arg-type]


def test_generated_keys_differ() -> None:
    """Make another key each time."""
    assert len({PrivateKey.generate().public_key.fingerprint for _ in range(5)}) == 5


@EACH_HASH
def test_sign_and_verify(key: PrivateKey, hash_algorithm: HashAlgorithm) -> None:
    """Return the public key that made the signature, and refuse everything near it."""
    signature = key.sign(MESSAGE, hash_algorithm)
    public_key = key.public_key
    assert public_key.verify(signature, MESSAGE, hash_algorithm) is public_key
    other_hash = next(each for each in HashAlgorithm if each is not hash_algorithm)
    for changed in [
        (signature, MESSAGE + b" ", hash_algorithm),
        (signature, MESSAGE, other_hash),
        (signature[:-1], MESSAGE, hash_algorithm),
        (signature + b"\0", MESSAGE, hash_algorithm),
        (b"\0" + signature, MESSAGE, hash_algorithm),
        (b"", MESSAGE, hash_algorithm),
        (bytes(256), MESSAGE, hash_algorithm),
    ]:
        with pytest.raises(InvalidKey, match="not made with this key"):
            public_key.verify(*changed)


@EACH_HASH
def test_other_key_refuses(
    key: PrivateKey, rsa_key: PrivateKey, hash_algorithm: HashAlgorithm
) -> None:
    """Refuse the signature of another key, of the same kind or not."""
    signature = PrivateKey.generate().sign(MESSAGE, hash_algorithm)
    for public_key in (key.public_key, rsa_key.public_key):
        with pytest.raises(InvalidKey):
            public_key.verify(signature, MESSAGE, hash_algorithm)


def test_rsa_signature_length(rsa_key: PrivateKey) -> None:
    """Make RSA signatures of 256 bytes, 344 characters, the same each time (PKCS#1 v1.5)."""
    signature = rsa_key.sign(MESSAGE, HashAlgorithm.SHA1)
    assert (len(signature), len(encode_base64(signature))) == (256, 344)
    assert signature == rsa_key.sign(MESSAGE, HashAlgorithm.SHA1)


@pytest.mark.parametrize(
    "error",
    [UnsupportedAlgorithm("policy"), ValueError("policy"), InternalError("policy", [])],
    ids=repr,
)
def test_openssl_that_refuses_a_hash(error: Exception, rsa_key: PrivateKey) -> None:
    """Say that OpenSSL refuses SHA-1, and what signs in its place; pass other failures on."""
    key = PrivateKey.load(rsa_key.to_pem())
    key._key = mock.Mock(sign=mock.Mock(side_effect=error))
    with pytest.raises(HashRefused, match="sign with SHA256"):
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


def test_ecdsa_without_deterministic_signatures(
    ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sign with a random nonce where OpenSSL is too old for deterministic ones."""

    class OldEcdsa(ec.ECDSA):
        def __init__(self, algorithm: Any, deterministic_signing: bool = False) -> None:
            if deterministic_signing:
                raise UnsupportedAlgorithm("ECDSA with deterministic signature (RFC 6979)")
            super().__init__(algorithm)

    monkeypatch.setattr(ec, "ECDSA", OldEcdsa)
    found = keys._deterministic_ecdsa(HashAlgorithm.SHA256)
    assert found is keys._ECDSA[HashAlgorithm.SHA256]
    monkeypatch.setitem(keys._DETERMINISTIC_ECDSA, HashAlgorithm.SHA256, found)
    signature, public_key = ec_key.sign(MESSAGE, HashAlgorithm.SHA256), ec_key.public_key
    assert public_key.verify(signature, MESSAGE, HashAlgorithm.SHA256) is public_key


def test_ecdsa_signature_has_one_encoding(ec_key: PrivateKey) -> None:
    """Refuse BER where DER is shorter, and r and s side by side without DER."""
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


def test_ecdsa_negated_signature_is_valid(ec_key: PrivateKey) -> None:
    """Accept (r, -s) beside (r, s), as ECDSA does: half of all that openssl makes are of each."""
    r, s = decode_dss_signature(ec_key.sign(MESSAGE, HashAlgorithm.SHA256))
    negated = encode_dss_signature(r, ORDER - s)
    assert ec_key.public_key.verify(negated, MESSAGE, HashAlgorithm.SHA256) == ec_key.public_key


@given(signature=st.binary(max_size=300))
def test_any_bytes_are_refused(key: PrivateKey, signature: bytes) -> None:
    """Refuse any other bytes as a signature, with no other error."""
    with pytest.raises(InvalidKey):
        key.public_key.verify(signature, MESSAGE, HashAlgorithm.SHA256)


def test_public_key_text(key: PrivateKey) -> None:
    """Write the PEM text that CreatePublicKey takes, and a fingerprint of its DER."""
    text = key.public_key.to_pem()
    assert text.startswith("-----BEGIN PUBLIC KEY-----\n")
    loaded = load_pem_public_key(text.encode("ascii"))
    assert isinstance(loaded, ec.EllipticCurvePublicKey) == (
        key.algorithm is KeyAlgorithm.ECDSA_P256
    )
    lines = text.splitlines()[1:-1]
    der = base64.b64decode("".join(lines))
    assert key.public_key.fingerprint == hashlib.sha256(der).hexdigest()


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
    """Refuse to pickle a private key, alone or in something else."""
    for holder in (key, [key], {"key": key}):
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(holder, protocol)


def test_private_key_copies(key: PrivateKey) -> None:
    """Copy by sharing: the key never changes, and no second one lies in memory."""
    assert copy.copy(key) is key
    assert copy.deepcopy([key])[0] is key


def test_keys_take_no_attributes(key: PrivateKey) -> None:
    """Have no place for further attributes."""
    with pytest.raises(AttributeError):
        key.password = "x"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        key.public_key.owner = "x"  # type: ignore[attr-defined]
