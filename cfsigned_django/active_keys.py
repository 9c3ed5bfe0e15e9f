"""Tell the keyring which key pair of the database is ACTIVE.

Stands beside the model, so that the storage works without the app: the app
registers :func:`find_active_signer` when it is ready.
"""

from __future__ import annotations

from django.db import router, transaction

from cfsigned_django.models import KeyPair
from cfsigned_django.signing import HashAlgorithm, Signer


def find_active_signer(
    key_group_id: str, hash_algorithm: HashAlgorithm | None, known: Signer | None
) -> Signer | None:
    """Return the signer of the key group's ACTIVE key pair, or None where it has none.

    ``known``, the answer of last time, is returned again while it holds: its
    key need not be unsealed and parsed anew.
    """
    using = router.db_for_read(KeyPair)
    # In a savepoint, so that a failure leaves the caller's transaction usable.
    with transaction.atomic(using=using):
        row = KeyPair.objects.using(using).filter(active_in=key_group_id).first()
    if row is None:
        return None
    if known is not None and known.key_pair_id == row.key_pair_id:
        return known
    return row.make_signer(hash_algorithm)
