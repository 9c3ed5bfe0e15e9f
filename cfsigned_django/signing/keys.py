"""The private and the public key of a CloudFront key pair.

CloudFront accepts RSA 2048 and ECDSA P-256 keys (API reference, PublicKey).
Any other key is refused when it is loaded, not when it is used.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable
from typing import Any, Protocol, Self

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from cfsigned_django.signing import pem
from cfsigned_django.signing.algorithms import HashAlgorithm, KeyAlgorithm
from cfsigned_django.signing.exceptions import HashRefused, InvalidKey

# SHA-1 is not this library's choice: CloudFront assumes it for a URL without
# Hash-Algorithm, and every URL signed before 2026 uses it.
_HASHES: dict[HashAlgorithm, hashes.HashAlgorithm] = {
    HashAlgorithm.SHA1: hashes.SHA1(),  # noqa: S303
    HashAlgorithm.SHA256: hashes.SHA256(),
}
_ECDSA = {name: ec.ECDSA(algorithm) for name, algorithm in _HASHES.items()}
# hashlib takes half as long as cryptography.
_DIGESTS = {HashAlgorithm.SHA1: hashlib.sha1, HashAlgorithm.SHA256: hashlib.sha256}


@functools.cache
def _deterministic_ecdsa(name: HashAlgorithm) -> ec.ECDSA:
    """Return deterministic ECDSA (RFC 6979) for a digest.

    A message then has one signature, in every process: a file has one URL in
    one second, as with RSA, and browsers fetch it once. If cryptography was
    built on an OpenSSL before 3.2, which does not support this, signatures are
    as valid, but differ each time.
    """
    algorithm = Prehashed(_HASHES[name])
    try:
        return ec.ECDSA(algorithm, deterministic_signing=True)
    except UnsupportedAlgorithm:
        return ec.ECDSA(algorithm)


_NO_SHA1 = (
    "The RSA key cannot sign with SHA1: this platform's OpenSSL policy forbids it. "
    "Sign with SHA256 (hash_algorithm), which CloudFront accepts as well."
)
# CloudFront verifies PKCS#1 v1.5, never PSS.
_PKCS1 = padding.PKCS1v15()


class PublicKey:
    """The half of a key pair that CloudFront knows; it verifies signatures."""

    __slots__ = ("_fingerprint", "_key", "algorithm")

    #: The kind of the key, one of CloudFront's two.
    algorithm: KeyAlgorithm

    def __init__(self, key: object) -> None:
        self.algorithm = _algorithm(key)
        assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)  # noqa: S101
        self._key = key
        self._fingerprint: str | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER SubjectPublicKeyInfo, 64 hexadecimal digits."""
        if self._fingerprint is None:  # Signing alone never needs it.
            der = self._key.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            self._fingerprint = hashlib.sha256(der).hexdigest()
        return self._fingerprint

    @classmethod
    def load(cls, source: str | bytes | os.PathLike[str]) -> Self:
        """Return the public key in PEM text, its base64, or a file.

        Raise :exc:`InvalidKey`, which says what was found and what is expected.
        """
        try:
            return cls(pem.load_public_key(source))
        except InvalidKey as error:
            message = str(error)
        source = ""  # It may be a private key, passed by mistake: see PrivateKey.load.
        raise InvalidKey(message)

    def to_pem(self) -> str:
        """Return the PEM text that CreatePublicKey takes as EncodedKey."""
        return self._key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode("ascii")

    def verify(self, signature: bytes, message: bytes, hash_algorithm: HashAlgorithm) -> Self:
        """Return this key if it made the signature; raise :exc:`InvalidKey` otherwise.

        An ECDSA signature is ASN.1 DER, an RSA signature is 256 bytes.
        """
        try:
            if isinstance(self._key, rsa.RSAPublicKey):
                self._key.verify(signature, message, _PKCS1, _HASHES[hash_algorithm])
            else:
                self._key.verify(signature, message, _ECDSA[hash_algorithm])
        except InvalidSignature:
            raise InvalidKey("The signature was not made with this key.") from None
        except (InternalError, UnsupportedAlgorithm):
            # The signature may be valid: this platform's OpenSSL policy may forbid SHA1.
            raise InvalidKey(
                f"The OpenSSL policy of this machine refuses to verify {hash_algorithm} "
                "signatures. Sign with SHA256 instead."
            ) from None
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).load, (self.to_pem(),)

    def __repr__(self) -> str:
        return f"<PublicKey {self.algorithm} {self.fingerprint[:16]}>"


class SigningKey(Protocol):
    """What a :class:`~cfsigned_django.signing.Signer` needs from a key, wherever the key is."""

    @property
    def algorithm(self) -> KeyAlgorithm:
        """The kind of the key, one of CloudFront's two."""

    @property
    def public_key(self) -> PublicKey | None:
        """The public key, or None if it is not known."""

    def sign(self, message: bytes, hash_algorithm: HashAlgorithm) -> bytes:
        """Return the raw signature: PKCS#1 v1.5 for RSA, ASN.1 DER for ECDSA."""


class RsaCallback:
    """A key behind a callback that signs a message, such as ``rsa_signer`` of botocore's signer.

    The callback decides which hash to use. The key is assumed to be RSA, as
    botocore assumes.
    """

    __slots__ = ("_callback",)

    algorithm = KeyAlgorithm.RSA_2048
    public_key = None

    def __init__(self, callback: Callable[[bytes], bytes]) -> None:
        self._callback = callback

    def sign(self, message: bytes, hash_algorithm: HashAlgorithm) -> bytes:
        """Return what the callback returns for the message."""
        return self._callback(message)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RsaCallback) and self._callback == other._callback

    def __hash__(self) -> int:
        return hash(RsaCallback)  # A callback need not have a hash.

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("A signing key is never pickled: pickle its source, such as a path.")


class PrivateKey:
    """A private key, which signs policies. Its repr does not show it, and it cannot be pickled."""

    __slots__ = ("_key", "algorithm", "public_key")

    #: The kind of the key, one of CloudFront's two.
    algorithm: KeyAlgorithm
    #: The half that is added to CloudFront.
    public_key: PublicKey

    def __init__(self, key: Any) -> None:
        self.public_key = PublicKey(key.public_key())
        self.algorithm = self.public_key.algorithm
        assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)  # noqa: S101
        self._key = key

    @classmethod
    def load(
        cls, source: str | bytes | os.PathLike[str], *, password: str | bytes | None = None
    ) -> Self:
        """Return the private key in any form that settings and environments have.

        The source is PKCS#8, PKCS#1 or SEC1 PEM, as text or bytes, or the path
        of such a file as :class:`os.PathLike`. Literal ``\\n``, CRLF, spaces
        for line ends, quotes, a BOM and base64 are undone.

        Raise :exc:`InvalidKey`, which says what was found and what is
        expected, and never contains a byte of the key.
        """
        try:
            return cls(pem.load_private_key(source, password))
        except InvalidKey as error:
            message = str(error)
        # A debug page prints the local variables of every frame that an
        # exception passed. Raised here, it has no context, and the only frame
        # left, this one, holds nothing.
        source, password = "", None
        raise InvalidKey(message)

    @classmethod
    def generate(cls, algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256) -> Self:
        """Return a new key: ECDSA P-256, or RSA 2048 if SHA-1 is still needed."""
        if KeyAlgorithm(algorithm) is KeyAlgorithm.RSA_2048:
            return cls(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        return cls(ec.generate_private_key(ec.SECP256R1()))

    def sign(self, message: bytes, hash_algorithm: HashAlgorithm) -> bytes:
        """Return the raw signature: 256 bytes for RSA, ASN.1 DER (about 71) for ECDSA.

        A message has the same signature each time, in every process; with ECDSA
        only if cryptography was built on OpenSSL 3.2 or newer. Raise
        :exc:`HashRefused` if the OpenSSL policy of this machine forbids SHA1, as
        with FIPS and on some Linux distributions.
        """
        if self.algorithm is KeyAlgorithm.RSA_2048:
            try:
                return self._key.sign(message, _PKCS1, _HASHES[hash_algorithm])  # type: ignore[call-arg, arg-type]
            except (InternalError, UnsupportedAlgorithm, ValueError) as error:
                if hash_algorithm != HashAlgorithm.SHA1:
                    raise
                raise HashRefused(_NO_SHA1) from error
        digest = _DIGESTS[hash_algorithm](message).digest()
        return self._key.sign(digest, _deterministic_ecdsa(hash_algorithm))  # type: ignore[call-arg, arg-type]

    def to_pem(self) -> bytes:
        """Return the key as unencrypted PKCS#8 PEM; encrypt it, or use a file of mode 0600."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("A private key is never pickled: pickle its source, such as a path.")

    def __repr__(self) -> str:
        return f"<PrivateKey {self.algorithm}, public half {self.public_key.fingerprint[:16]}>"


def _algorithm(key: object) -> KeyAlgorithm:
    """Return which of CloudFront's two kinds of key this is; refuse any other kind by its name."""
    wanted = "CloudFront accepts RSA 2048 and ECDSA P-256 (prime256v1) keys. Create one of these."
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size == 2048:
            return KeyAlgorithm.RSA_2048
        raise InvalidKey(f"The key is an RSA key of {key.key_size} bits. {wanted}")
    if isinstance(key, ec.EllipticCurvePublicKey):
        if isinstance(key.curve, ec.SECP256R1):
            return KeyAlgorithm.ECDSA_P256
        raise InvalidKey(f"The key is an elliptic curve key on {key.curve.name}. {wanted}")
    kind = type(key).__name__.removesuffix("PublicKey")
    raise InvalidKey(f"The key is of kind {kind}. {wanted}")
