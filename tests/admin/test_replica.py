"""Test that the page tells what the database of writes says, where another one is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import Settings

from cfsigned_django.rotation.models import KeyPair
from tests.admin import (
    LIST,
    FakeCloudFront,
    Visitor,
    activated,
    address,
    detail,
    imported,
    started,
)
from tests.admin.conftest import DENIED

FallBehind = Callable[[], None]


class ReadFromReplica:
    """Read key pairs from the replica, and write them into the primary."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Return the replica; people and their sessions are not of interest here."""
        return "replica" if model is KeyPair else None

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """Return the primary."""
        return "default"


@pytest.fixture
def fall_behind(settings: Settings, db: None) -> Iterator[FallBehind]:
    """Return what gives the site a replica, which knows what is there now and no more."""
    connections.settings["replica"] = {
        **connections["default"].settings_dict,
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
    }
    replica = connections["replica"]
    replica.connect()  # a test may not open one that it did not name, as pytest-django sees it
    with replica.schema_editor() as editor:
        editor.create_model(KeyPair)

    def copy() -> None:
        KeyPair.objects.using("replica").bulk_create(KeyPair.objects.using("default"))
        settings.DATABASE_ROUTERS = [f"{__name__}.ReadFromReplica"]

    yield copy
    BaseDatabaseWrapper.close(replica)  # SQLite's own leaves one in memory open
    del connections["replica"], connections.settings["replica"]


def written(key_pair: KeyPair) -> KeyPair:
    """Return the key pair as the primary has it."""
    return KeyPair.objects.using("default").get(pk=key_pair.pk)


def test_step_right_after_the_start(admin: Visitor, fall_behind: FallBehind) -> None:
    """A key that was made a moment ago is there for the next step, and in its history."""
    fall_behind()
    admin.take("start", algorithm="ECDSA_P256")
    key_pair = KeyPair.objects.using("default").get()

    assert f"Fingerprint: {key_pair.fingerprint}" in admin.get(detail(key_pair))
    assert str(key_pair) in admin.get(f"{LIST}{key_pair.pk}/history/")
    assert "BEGIN PUBLIC KEY" in admin.client.get(address("download", key_pair)).text
    admin.take("trust", key_pair)
    assert admin.levels == ["success"]
    assert written(key_pair).status == "trusted"


def test_revocation_that_comes_half_way(
    admin: Visitor, cloudfront: FakeCloudFront, fall_behind: FallBehind
) -> None:
    """What cannot be undone is told as done, though the replica does not know of it yet."""
    imported()
    key_pair = activated()
    fall_behind()
    cloudfront.failure = DENIED

    admin.take("revoke", key_pair, typed=str(key_pair))

    assert written(key_pair).status == "revoked"
    assert admin.levels == ["warning", "error"]


def test_id_of_another_key_pair(
    admin: Visitor, fall_behind: FallBehind, settings: Settings
) -> None:
    """An id that was written down a moment ago is not taken for another key."""
    former = imported()
    key_pair = started()
    fall_behind()
    KeyPair.objects.using("default").filter(pk=former.pk).update(key_pair_id="K2JCJMDEHXQW5F")

    settings.AWS_CLOUDFRONT_BY_HAND = True
    admin.take("trust", key_pair, key_pair_id="K2JCJMDEHXQW5F")

    assert set(admin.context["form"].errors) == {"key_pair_id"}


def test_key_of_another_group(admin: Visitor, fall_behind: FallBehind) -> None:
    """A key that left this group a moment ago is shown as one of another group."""
    key_pair = started()
    fall_behind()
    rows = KeyPair.objects.using("default").filter(pk=key_pair.pk)
    rows.update(key_group_id="former", next_in="former")

    admin.get()

    assert list(admin.context["elsewhere"]) == [key_pair]
    assert admin.context["overview"].live == []
