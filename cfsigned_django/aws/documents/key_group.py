"""Build what makes a key group and its public key (KeyGroupConfig, PublicKeyConfig)."""

from __future__ import annotations

from cfsigned_django.aws.documents import Document


def key_group_config(name: str, key_pair_ids: list[str]) -> Document:
    """Return what makes a key group; CloudFront wants at least one key in it."""
    return {"Name": name, "Items": key_pair_ids, "Comment": "Made by cfsigned_setup"}


def public_key_config(name: str, caller_reference: str, public_key_pem: str) -> Document:
    """Return what makes a public key."""
    return {"CallerReference": caller_reference, "Name": name, "EncodedKey": public_key_pem}
