"""Test how keys are kept, and which one signs."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from tests.storage_cases import KEY_GROUP_ID as KEY_GROUP_ID


def make_key_pair(private_key: PrivateKey, key_pair_id: str | None, **fields: Any) -> KeyPair:
    """Save a key pair of the key group, ACTIVE unless the fields say otherwise."""
    values = {
        "key_group_id": KEY_GROUP_ID,
        "key_pair_id": key_pair_id,
        "status": KeyStatus.RETIRING,
        "created_at": timezone.now(),
    }
    key_pair = KeyPair.from_private_key(private_key)
    for name, value in {**values, **fields}.items():
        setattr(key_pair, name, value)
    key_pair.save(force_insert=True)
    return key_pair
