"""Test revocations with which another machine interferes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cfsigned_django.aws.client import AwsError
from cfsigned_django.encryption import CannotUnseal
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation
from tests.rotation import Site, fresh, statuses


def meanwhile(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Let another machine do something once a successor was prepared, before it is recorded."""
    prepare = Rotation.prepare_successor
    others = [do]

    def prepare_and_wait(*arguments: Any) -> AwsError | CannotUnseal | None:
        failure = prepare(*arguments)
        if others:
            others.pop()()
        return failure

    monkeypatch.setattr(Rotation, "prepare_successor", prepare_and_wait)


def test_key_that_begins_to_sign_meanwhile_is_replaced(
    key_group: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A TRUSTED key that another machine activates at this moment leaves one that signs."""
    key_group.imported()
    key_pair = key_group.trusted(good_for=301)
    meanwhile(
        monkeypatch, lambda: key_group.rotation().activate(fresh(key_pair), now=key_group.now)
    )

    key_group.rotation().revoke(key_pair, now=key_group.now, reason="")

    assert fresh(key_pair).status == "revoked"
    assert sorted(statuses().values()) == ["active", "retiring", "revoked"]


def test_successor_that_is_revoked_before_the_record_is_replaced(
    key_group: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another machine revokes the successor at this moment, a new one is made."""
    active, successor = key_group.imported(), key_group.trusted()
    meanwhile(
        monkeypatch,
        lambda: key_group.rotation().revoke(fresh(successor), now=key_group.now, reason=""),
    )

    key_group.rotation().revoke(active, now=key_group.now, reason="")

    assert sorted(statuses().values()) == ["active", "revoked", "revoked"]
    signs = KeyPair.objects.get(status=KeyStatus.ACTIVE)
    assert key_group.members == {key_group.foreign, str(signs)}
