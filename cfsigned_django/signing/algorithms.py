"""The hashes and the kinds of key that CloudFront accepts, as the API and URLs spell them."""

from __future__ import annotations

from enum import StrEnum


class HashAlgorithm(StrEnum):
    """The hash of a signature, as the ``Hash-Algorithm`` parameter spells it."""

    SHA1 = "SHA1"
    SHA256 = "SHA256"


class KeyAlgorithm(StrEnum):
    """The kinds of key that CloudFront accepts for signed URLs and cookies."""

    RSA_2048 = "RSA_2048"
    ECDSA_P256 = "ECDSA_P256"
