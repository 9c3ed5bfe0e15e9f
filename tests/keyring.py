"""Test how keys are kept, and which one signs."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
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


def derived(secret: str | None = None) -> Fernet:
    """Return the encryption key that follows from a SECRET_KEY, by default that of the settings."""
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"cfsigned_django.encryption")
    key = hkdf.derive((secret or settings.SECRET_KEY).encode())
    return Fernet(base64.urlsafe_b64encode(key))


class ReadFromReplica:
    """Route reads of key pairs to a replica, and all else to the primary."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Return the replica."""
        return "replica" if model is KeyPair else None

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """Return the primary."""
        return "default"
