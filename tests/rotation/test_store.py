"""Test the rows, claims and clock of the key pairs' store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.rotation import store
from cfsigned_django.rotation.errors import Claimed
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.rotation import Rotation
from cfsigned_django.rotation.store import KeyPairStore, read_database_clock
from tests.rotation import Killed, Site, fresh
from tests.simulation.faults import Fault


def at_each_call(key_group: Site, seconds: float) -> Rotation:
    """Return a rotation of which each call takes so long."""

    def pass_time(method: str, side: str) -> None:
        if side == "after":
            key_group.wait(seconds)

    return key_group.rotation(boundary=pass_time)


def test_second_machine_is_told(key_group: Site) -> None:
    """While one machine is at a step, another one does not begin it."""
    key_pair = key_group.started()
    calls: list[str] = []

    def come_second(method: str, side: str) -> None:
        if not calls:
            calls.append(method)
            with pytest.raises(Claimed, match="Another process is at the same step"):
                key_group.rotation().trust(fresh(key_pair), now=key_group.now)

    key_group.rotation(boundary=come_second).trust(key_pair, now=key_group.now)

    assert calls == ["list_public_keys"]
    assert fresh(key_pair).claimed_until is None


@pytest.mark.parametrize("step", ["trust", "retire", "restore"])
def test_claim_holds_while_each_call_takes_its_longest(key_group: Site, step: str) -> None:
    """A process that lives keeps its step, although all its calls take longer than one claim."""
    former = key_group.imported()
    key_pair = key_group.started() if step == "trust" else key_group.activated()
    if step == "retire":
        key_group.wait(3780)
        key_pair = fresh(former)
    if step == "restore":
        key_pair = key_group.trusted()
        key_group.set_members(*key_group.members - {str(key_pair)})
    began, seen = key_group.now, []

    def watch(method: str, side: str) -> None:
        claimed = fresh(key_pair).claimed_until
        if side == "after" and claimed is not None:
            key_group.wait(33)
            seen.append(claimed - key_group.now)

    rotation = key_group.rotation(boundary=watch)
    if step == "restore":
        rotation.restore_missing([key_pair], now=key_group.now)
    else:
        getattr(rotation, step)(key_pair, now=key_group.now)

    assert key_group.now - began > timedelta(seconds=60)
    assert min(seen) == timedelta(seconds=27)


def test_process_that_was_held_up_does_not_go_on(key_group: Site) -> None:
    """Who slept until another machine took the step leaves it to that one."""
    key_pair = key_group.started()

    def sleep_once(method: str, side: str) -> None:
        if (method, side) == ("create_public_key", "before") and len(key_group.public_keys) == 1:
            key_group.wait(61)
            key_group.rotation().trust(fresh(key_pair), now=key_group.now)

    with pytest.raises(Claimed):
        key_group.rotation(boundary=sleep_once).trust(key_pair, now=key_group.now)

    assert fresh(key_pair).status == "trusted"
    assert key_group.members == {key_group.foreign, str(fresh(key_pair))} == key_group.public_keys


def test_claim_that_ran_out_and_nobody_took_is_renewed(key_group: Site) -> None:
    """Who slept for long, while nobody else came, goes on."""
    key_pair = key_group.started()

    at_each_call(key_group, 500).trust(key_pair, now=key_group.now)

    assert fresh(key_pair).status == "trusted"


def test_failure_gives_the_step_back(key_group: Site) -> None:
    """After an error the step is free in a few seconds, in which CloudFront may settle."""
    key_pair = key_group.started()
    failing = key_group.rotation(fault=lambda method: Fault.THROTTLED)
    with pytest.raises(AwsError):
        failing.trust(key_pair, now=key_group.now)

    with pytest.raises(Claimed):
        key_group.rotation().trust(key_pair, now=key_group.now)
    key_group.wait(5)
    key_group.rotation().trust(key_pair, now=key_group.now)

    assert fresh(key_pair).status == "trusted"


def test_lock_writes_before_it_reads(key_group: Site) -> None:
    """Who locks the group waits for the others, and sees what they wrote: a write comes first."""
    former, active = key_group.imported(), key_group.activated()
    KeyPair.objects.filter(pk=active.pk).update(changed_by="kim")
    store = key_group.rotation().store

    with CaptureQueriesContext(connection) as queries, store.transaction():
        store.lock(active)

    write, read = [each["sql"] for each in queries if "cfsigned_django_keypair" in each["sql"]]
    assert write.startswith("UPDATE")
    assert key_group.key_group_id in write
    assert not any(each.pk.hex in write.replace("-", "") for each in (former, active))
    assert read.startswith("SELECT")
    assert active.changed_by == "kim"


def test_death_leaves_the_step_for_a_minute(key_group: Site) -> None:
    """The step of a process that died is free when its claim has run out."""
    key_pair = key_group.started()

    def die(method: str, side: str) -> None:
        raise Killed

    with pytest.raises(Killed):
        key_group.rotation(boundary=die).trust(key_pair, now=key_group.now)
    key_group.wait(59)
    with pytest.raises(Claimed):
        key_group.rotation().trust(key_pair, now=key_group.now)
    key_group.wait(1)

    key_group.rotation().trust(key_pair, now=key_group.now)

    assert KeyPair.objects.get().status == "trusted"


def test_late_failure_does_not_shorten_a_removal(
    key_group: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who removes a revoked key keeps others away, whoever was held up at its creation."""
    key_pair = key_group.started()
    lock = KeyPairStore.lock

    def fall_behind(store: KeyPairStore, row: KeyPair) -> None:
        key_group.wait(66)
        KeyPair.objects.filter(pk=row.pk).update(
            status="revoked", next_in=None, claimed_until=key_group.now + timedelta(seconds=60)
        )
        lock(store, row)

    monkeypatch.setattr(KeyPairStore, "lock", fall_behind)
    with pytest.raises(AwsError):
        key_group.rotation(fault=lambda method: Fault.UNREACHABLE).trust(
            key_pair, now=key_group.now
        )

    assert fresh(key_pair).claimed_until == key_group.now + timedelta(seconds=65)


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


def give_public_key(key_group: Site, key_pair: KeyPair, of: str) -> KeyPair:
    """Write the public key of another key into the row, and return that as it is then."""
    answer = key_group.account.api.get_public_key(Id=of)
    pem = answer["PublicKey"]["PublicKeyConfig"]["EncodedKey"]
    KeyPair.objects.filter(pk=key_pair.pk).update(public_key=pem)
    return fresh(key_pair)


def test_retiring_takes_out_the_key_that_signed(key_group: Site) -> None:
    """A foreign public key in the row is left in the group; that of the private key goes."""
    former, active = key_group.imported(), key_group.activated()
    key_group.wait(3780)

    former = give_public_key(key_group, former, key_group.foreign)
    key_group.rotation().retire(former, now=key_group.now)

    assert key_group.members == {key_group.foreign, str(active)} == key_group.public_keys


def test_revoking_takes_out_the_key_that_signed(key_group: Site) -> None:
    """The same where the private key is erased before CloudFront is called."""
    former, active = key_group.imported(), key_group.activated()

    former = give_public_key(key_group, former, key_group.foreign)
    key_group.rotation().revoke(former, now=key_group.now, reason="leaked")

    assert key_group.members == {key_group.foreign, str(active)} == key_group.public_keys
