"""Answer which key signs now.

That is the ACTIVE key pair of the storage's key group, where the app is
installed and has one, and the key of the settings otherwise. A process looks
again every AWS_CLOUDFRONT_KEYRING_SECONDS; between two looks an answer costs
no query. This module knows no model: the app registers where to look.
"""

from __future__ import annotations

import os
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

from cfsigned_django import conf
from cfsigned_django.conf import KeySource
from cfsigned_django.lease import FindActive as FindActive, Found as Found, Lease as Lease
from cfsigned_django.lookup import NOTHING_SIGNS, Keyring as Keyring
from cfsigned_django.signing import HashAlgorithm, PublicKey, Signer
from cfsigned_django.url_cache import drop_all

#: The one of this process, once the app has said where to look.
_keyring: Keyring | None = None


def register(find_active: FindActive) -> None:
    """Let the keyring look for ACTIVE key pairs in the database."""
    global _keyring
    _keyring = Keyring(find_active)
    drop_all()


def _renew_locks() -> None:
    if _keyring is not None:
        _keyring.renew_locks()


# Servers fork their workers. A thread that looked at that moment is not there
# in the child, and would keep its lock for good. Windows knows no fork.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_renew_locks)


def needs_settings_key(config: conf.Config) -> bool:
    """Tell whether the settings must hold a whole key, since none can come from elsewhere."""
    is_set = config.cloudfront_key is not None or bool(config.cloudfront_key_id)
    return is_set or not looks_in_database(config.key_group_id)


def looks_in_database(key_group_id: str | None) -> bool:
    """Tell whether a key group's key may come from the database."""
    return bool(key_group_id) and _keyring is not None


def forget() -> None:
    """Look again at the next URL: after a move that this process made itself."""
    if _keyring is not None:
        _keyring.expire()
        drop_all()


@receiver(setting_changed)
def _look_again(*, setting: str, **kwargs: Any) -> None:
    """Look again after override_settings and its like: the test may have keys of its own."""
    if setting.startswith(("AWS_", "SECRET_KEY", "DATABASE")):
        forget()


def lease_signer(
    key_group_id: str | None, hash_algorithm: HashAlgorithm | None, fallback: Signer | None
) -> Lease:
    """Return the signer of the group's ACTIVE key pair, else ``fallback``.

    Other threads are not kept waiting while one looks, unless nobody has
    looked for two intervals. Raise :exc:`ImproperlyConfigured` where nothing
    can sign.
    """
    if key_group_id and _keyring is not None:
        return _keyring.lease(key_group_id, hash_algorithm, fallback)
    if fallback is None:
        raise ImproperlyConfigured(NOTHING_SIGNS.format(key_group_id))
    return Lease(signer=fallback)


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
