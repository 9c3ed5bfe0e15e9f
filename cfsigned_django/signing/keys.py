"""Hold the two halves of a CloudFront key pair.

CloudFront takes RSA 2048 and ECDSA P-256 keys (API reference, PublicKey);
whatever else is offered is refused when it is loaded, not when it is used.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol, Self

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from cfsigned_django.signing import pem
from cfsigned_django.signing.exceptions import HashRefused, InvalidKey


class HashAlgorithm(StrEnum):
    """Name the hash of a signature as the ``Hash-Algorithm`` parameter spells it."""

    SHA1 = "SHA1"
    SHA256 = "SHA256"


class KeyAlgorithm(StrEnum):
    """Name the kinds of key that CloudFront accepts for signed URLs and cookies."""

    RSA_2048 = "RSA_2048"
    ECDSA_P256 = "ECDSA_P256"


# SHA-1 is not this library's choice: it is what CloudFront assumes for a URL
# without Hash-Algorithm, and what every link signed before 2026 carries.
_HASHES: dict[HashAlgorithm, hashes.HashAlgorithm] = {
    HashAlgorithm.SHA1: hashes.SHA1(),  # noqa: S303
    HashAlgorithm.SHA256: hashes.SHA256(),
}
_ECDSA = {name: ec.ECDSA(algorithm) for name, algorithm in _HASHES.items()}
# For a digest that hashlib made, which takes half as long there as in cryptography.
_DIGEST_ECDSA = ec.ECDSA(Prehashed(_HASHES[HashAlgorithm.SHA256]))


def _deterministic_ecdsa(name: HashAlgorithm) -> ec.ECDSA:
    """Return ECDSA as RFC 6979 makes it: one message has one signature, in every process.

    So a URL that is signed again stays the same, and what a browser cached
    is found. Where cryptography was built on an OpenSSL before 3.2, which
    cannot do that, signatures are as good, and another one each time.
    """
    try:
        return ec.ECDSA(_HASHES[name], deterministic_signing=True)
    except UnsupportedAlgorithm:
        return _ECDSA[name]


_DETERMINISTIC_ECDSA = {name: _deterministic_ecdsa(name) for name in _HASHES}


def has_deterministic_ecdsa() -> bool:
    """Tell whether ECDSA signatures of one message are the same here, each time."""
    return _DETERMINISTIC_ECDSA[HashAlgorithm.SHA256].deterministic_signing


_NO_SHA1 = (
    "The RSA key cannot sign with SHA1: the policy of this platform's OpenSSL refuses it. Let it "
    "sign with SHA256 (hash_algorithm), which CloudFront takes as well."
)
# CloudFront verifies PKCS#1 v1.5, never PSS.
_PKCS1 = padding.PKCS1v15()


class PublicKey:
    """Verify signatures with the half of the key pair that CloudFront knows."""

    __slots__ = ("_fingerprint", "_key", "algorithm")

    #: Which of CloudFront's two kinds of key this is.
    algorithm: KeyAlgorithm

    def __init__(self, key: object) -> None:
        self.algorithm = _algorithm(key)
        assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)  # noqa: S101
        self._key = key
        self._fingerprint: str | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER SubjectPublicKeyInfo, 64 hexadecimal digits."""
        if self._fingerprint is None:  # Whoever only signs never asks.
            der = self._key.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            self._fingerprint = hashlib.sha256(der).hexdigest()
        return self._fingerprint

    @classmethod
    def load(cls, source: str | bytes | os.PathLike[str]) -> Self:
        """Read a public key from PEM text, its base64, or a file.

        Raise :exc:`InvalidKey`, with what was seen and what is wanted.
        """
        try:
            return cls(pem.load_public_key(source))
        except InvalidKey as error:
            message = str(error)
        source = ""  # It may be a private key, given by mistake: see PrivateKey.load.
        raise InvalidKey(message)

    def to_pem(self) -> str:
        """Return the PEM text that CreatePublicKey takes as EncodedKey."""
        return self._key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode("ascii")

    def verify(self, signature: bytes, message: bytes, hash_algorithm: HashAlgorithm) -> Self:
        """Return this key if it made the signature; raise :exc:`InvalidKey` otherwise.

        An ECDSA signature is ASN.1 DER, an RSA one is 256 bytes.
        """
        try:
            if isinstance(self._key, rsa.RSAPublicKey):
                self._key.verify(signature, message, _PKCS1, _HASHES[hash_algorithm])
            else:
                self._key.verify(signature, message, _ECDSA[hash_algorithm])
        except InvalidSignature:
            raise InvalidKey("The signature was not made with this key.") from None
        except (InternalError, UnsupportedAlgorithm):
            # Not "bad": the policy of this platform's OpenSSL may refuse SHA1.
            raise InvalidKey(f"OpenSSL refuses to verify with {hash_algorithm}.") from None
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
    """What a :class:`~cfsigned_django.signing.Signer` needs of a key, wherever the key is kept."""

    @property
    def algorithm(self) -> KeyAlgorithm:
        """Which of CloudFront's two kinds of key this is."""

    @property
    def public_key(self) -> PublicKey | None:
        """The half that CloudFront is given; None if the key does not tell."""

    def sign(self, message: bytes, hash_algorithm: HashAlgorithm) -> bytes:
        """Return the raw signature: PKCS#1 v1.5 for RSA, ASN.1 DER for ECDSA."""


class CallbackKey:
    """A key behind a callback that signs a message, such as ``rsa_signer`` of botocore's signer.

    The callback decides which hash it uses. It is taken for an RSA key, as
    botocore does.
    """

    __slots__ = ("_callback",)

    algorithm = KeyAlgorithm.RSA_2048
    public_key = None

    def __init__(self, callback: Callable[[bytes], bytes]) -> None:
        self._callback = callback

    def sign(self, message: bytes, hash_algorithm: HashAlgorithm) -> bytes:
        """Return what the callback makes of the message."""
        return self._callback(message)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("A signing key is never pickled: pickle where it comes from instead.")


class PrivateKey:
    """Sign policies. The key itself shows in no repr and in no pickle."""

    __slots__ = ("_key", "algorithm", "public_key")

    #: Which of CloudFront's two kinds of key this is.
    algorithm: KeyAlgorithm
    #: The half that CloudFront is given.
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
        """Read a private key in any of the forms that settings and environments hold.

        PKCS#8, PKCS#1 or SEC1 PEM, as text or bytes; also with literal
        ``\\n``, CRLF, on one line with spaces, in quotes, behind a BOM, in
        base64; or the path of such a file as :class:`os.PathLike`.

        Raise :exc:`InvalidKey`, with what was seen and what is wanted, never
        with a byte of the key.
        """
        try:
            return cls(pem.load_private_key(source, password))
        except InvalidKey as error:
            message = str(error)
        # A debug page prints the local variables of every frame that an
        # exception passed. Raised out here, it has no context, and this frame,
        # the only one left, is empty.
        source, password = "", None
        raise InvalidKey(message)

    @classmethod
    def generate(cls, algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256) -> Self:
        """Make a new key: ECDSA P-256, or RSA 2048 where SHA-1 links are still needed."""
        if KeyAlgorithm(algorithm) is KeyAlgorithm.RSA_2048:
            return cls(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        return cls(ec.generate_private_key(ec.SECP256R1()))

    def sign(self, message: bytes, hash_algorithm: HashAlgorithm) -> bytes:
        """Return the raw signature: 256 bytes for RSA, ASN.1 DER (about 71) for ECDSA.

        The same message gives the same signature, in every process; with ECDSA
        where :func:`has_deterministic_ecdsa` says so. Raise
        :exc:`HashRefused` where the policy of this machine's OpenSSL forbids
        SHA1, as those of FIPS and of some distributions do.
        """
        if self.algorithm is KeyAlgorithm.RSA_2048:
            try:
                return self._key.sign(message, _PKCS1, _HASHES[hash_algorithm])  # type: ignore[call-arg, arg-type]
            except (InternalError, UnsupportedAlgorithm, ValueError) as error:
                if hash_algorithm != HashAlgorithm.SHA1:
                    raise
                raise HashRefused(_NO_SHA1) from error
        return self._key.sign(message, _DETERMINISTIC_ECDSA[hash_algorithm])  # type: ignore[call-arg, arg-type]

    def sign_quickly(self, message: bytes) -> bytes:
        """Return an ECDSA signature with SHA256 that nobody compares with an earlier one.

        It is another one each time, and made in a tenth less of the time than
        that of :meth:`sign`.
        """
        return self._key.sign(hashlib.sha256(message).digest(), _DIGEST_ECDSA)  # type: ignore[call-arg, arg-type]

    def to_pem(self) -> bytes:
        """Return the key as unencrypted PKCS#8 PEM, for sealing or for a file of mode 0600."""
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
        raise TypeError("A private key is never pickled: pickle where it comes from instead.")

    def __repr__(self) -> str:
        return f"<PrivateKey {self.algorithm}, public half {self.public_key.fingerprint[:16]}>"


def _algorithm(key: object) -> KeyAlgorithm:
    """Return which of CloudFront's two kinds this public key is; refuse any other by name."""
    wanted = "CloudFront signs with RSA 2048 or ECDSA P-256 (prime256v1) keys: create one of those."
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
