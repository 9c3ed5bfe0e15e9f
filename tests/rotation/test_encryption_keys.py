"""Change SECRET_KEY, or the encryption keys, by a rotation.

Modules: rotation/rotation.py, rotation/models.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from cfsigned_django.core.encryption import CannotDecrypt
from cfsigned_django.rotation.models import KnownReason
from cfsigned_django.rotation.store import Claimed
from tests.rotation import Site, change, denied, fresh

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


def set_keys(settings: Any, *keys: str) -> None:
    """Set AWS_CLOUDFRONT_ENCRYPTION_KEYS."""
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = list(keys)


def set_secret_key(settings: Any, *keys: str) -> None:
    """Set SECRET_KEY and its fallbacks."""
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = keys[0], list(keys[1:])


# What is set before the change, while both keys must be there, and once the old one is gone.
@pytest.mark.parametrize(
    ("set_to", "before", "during", "after"),
    [
        pytest.param(set_keys, [OLD], [NEW, OLD], [NEW], id="Fernet"),
        pytest.param(set_secret_key, ["old"], ["new", "old"], ["new"], id="SECRET_KEY"),
        pytest.param(set_keys, [], [NEW], [NEW], id="first key"),
        pytest.param(set_secret_key, ["old"], ["new"], ["new"], id="lost"),
    ],
)
@pytest.mark.parametrize("status", ["pending", "trusted"])
def test_start_replaces_the_successor(
    key_group: Site,
    settings: Any,
    set_to: Callable[..., None],
    before: list[str],
    during: list[str],
    after: list[str],
    status: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A start revokes a successor that an old key encrypted, and makes another, once.

    It calls nothing of AWS, so that a site without a permission can start as well.
    """
    set_to(settings, *before)
    active = key_group.imported()
    old = key_group.started() if status == "pending" else key_group.trusted(good_for=301)
    set_to(settings, *during)
    for each in ("get_public_key", "delete_public_key", "update_key_group", "list_public_keys"):
        denied(key_group, each, monkeypatch)

    new = key_group.started()

    row = fresh(old)
    assert (row.status, row.reason) == ("revoked", KnownReason.REPLACED)
    assert (row.encrypted_private_key, row.removed_at) == ("", None)
    assert key_group.started() == new
    assert key_group.signing == active
    set_to(settings, *after)
    assert (new.status, fresh(new).is_outdated, fresh(new).trust_problem) == ("pending", False, "")


def test_malformed_settings_revoke_nothing(key_group: Site, settings: Any) -> None:
    """While an entry of the encryption keys is wrong, the successor stays, for an emergency too."""
    active, waiting = key_group.imported(), key_group.trusted()
    set_keys(settings, "wrong")

    assert key_group.started() == waiting
    key_group.revoke(active)
    assert key_group.signing == waiting
    change(waiting, status="revoked", active_in=None)
    with pytest.raises(ImproperlyConfigured):
        key_group.started()


def test_secret_key_is_not_enough(key_group: Site, settings: Any) -> None:
    """With encryption keys, a key that SECRET_KEY encrypted continues to sign; none begins to.

    Nor does it take over from one that is revoked: it may be a forger's.
    """
    active, trusted = key_group.imported(), key_group.trusted(good_for=301)
    set_keys(settings, NEW)

    with pytest.raises(CannotDecrypt, match="--start"):
        key_group.rotation().activate(trusted, now=key_group.now)
    assert fresh(active).make_signer().key_pair_id == str(active)
    assert key_group.signing == active

    key_group.revoke(active)
    assert key_group.signing not in (active, trusted)
    assert fresh(trusted).status == "revoked"


def test_revocation_takes_the_successor(key_group: Site, settings: Any) -> None:
    """In an emergency, a successor that may sign takes over, whichever key encrypted it."""
    set_keys(settings, OLD)
    active, waiting = key_group.imported(), key_group.trusted(good_for=301)
    set_keys(settings, NEW, OLD)

    key_group.revoke(active)

    assert key_group.signing == waiting


def test_successor_that_signs_meanwhile(key_group: Site, settings: Any) -> None:
    """A successor that another machine activates at this moment is not revoked."""
    set_keys(settings, OLD)
    waiting = key_group.trusted(good_for=301)
    set_keys(settings, NEW, OLD)
    left = [{"status": "active", "active_in": key_group.key_group_id, "next_in": None}]

    def activate(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("UPDATE") and left:
            change(waiting, **left.pop())
        return execute(sql, *arguments)

    with connection.execute_wrapper(activate), pytest.raises(Claimed):
        key_group.started()

    assert fresh(waiting).status != "revoked"
