"""Read one clock on all machines, whatever their own says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from cfsigned_django.rotation import store
from cfsigned_django.rotation.store import read_database_clock


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul", "America/Chicago"])
def test_the_time_is_in_utc(zone: str, settings: Settings) -> None:
    """Return the present moment, not one that is hours off, whatever TIME_ZONE says."""
    settings.TIME_ZONE = zone

    moment = read_database_clock("default")

    assert moment.utcoffset() == timedelta(0)
    assert abs(moment - timezone.now()) < timedelta(minutes=20)


@pytest.mark.django_db(transaction=True)
def test_the_time_goes_on_in_a_transaction() -> None:
    """Return the present moment, not that at which the transaction began."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        first = read_database_clock("default")
        assert any(read_database_clock("default") > first for _ in range(10_000))


@pytest.mark.parametrize("vendor", ["postgresql", "mysql", "oracle"])
def test_a_server_is_asked(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a server for its time, which is in UTC without saying so."""
    fake: Any = mock.MagicMock(vendor=vendor)
    cursor = fake.cursor.return_value.__enter__.return_value
    cursor.fetchone.return_value = (datetime(2026, 1, 1, 12),)
    monkeypatch.setattr(store, "connections", {"other": fake})

    assert read_database_clock("other") == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert "UTC" in cursor.execute.call_args.args[0]
