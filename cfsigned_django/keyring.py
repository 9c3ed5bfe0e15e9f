"""Answer which key signs now.

Today that is the key of the settings, or of a storage's options. The question
has a module of its own so that it is asked in one place only.
"""

from __future__ import annotations

from cfsigned_django.conf import KeySource
from cfsigned_django.signing import HashAlgorithm, PublicKey, Signer


def get_signer(
    source: KeySource, key_pair_id: str, hash_algorithm: HashAlgorithm | None = None
) -> Signer:
    """Return the signer of a configured key.

    Raise :exc:`cfsigned_django.signing.InvalidKey` where the source holds no
    key that CloudFront takes.
    """
    return Signer(key_pair_id=key_pair_id, private_key=source.load(), hash_algorithm=hash_algorithm)


def trusted_keys(signer: Signer) -> dict[str, PublicKey]:
    """Return the public keys, by key pair id, that CloudFront must trust for the signer's URLs."""
    return {signer.key_pair_id: signer.private_key.public_key}
