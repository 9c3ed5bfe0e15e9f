"""Sign a URL to try a key with, or say which setting lets it sign."""

from __future__ import annotations

from cfsigned_django.signing import HashAlgorithm, HashRefused, Signer
from cfsigned_django.validation import hash_refused, raise_first_error


def sign_or_explain(
    signer: Signer, url: str, hash_algorithm: HashAlgorithm | None, *, date_less_than: int
) -> str:
    """Return the URL, signed with the hash with which storages will sign.

    Raise :exc:`~django.core.exceptions.ImproperlyConfigured`, which names
    AWS_CLOUDFRONT_HASH_ALGORITHM, where this machine's OpenSSL refuses it.
    """
    signer = signer.with_hash(hash_algorithm)
    try:
        return signer.sign_url(url, date_less_than=date_less_than)
    except HashRefused:
        raise_first_error([hash_refused(signer.key_pair_id)])
        raise
