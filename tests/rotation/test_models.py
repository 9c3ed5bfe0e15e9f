"""Keep key pairs in the database so that no code, and no dump, can do harm."""

from __future__ import annotations

import base64
import copy
import io
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from cfsigned_django.rotation.lifecycle import KeyState, KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import HashAlgorithm, KeyAlgorithm, PrivateKey
from tests.keyring import KEY_GROUP_ID, make_key_pair
from tests.leaks import fragments

pytestmark = pytest.mark.django_db

ACTIVE = {"status": KeyStatus.ACTIVE, "active_in": KEY_GROUP_ID}


@pytest.mark.parametrize(
    ("fields", "other"),
    [
        (ACTIVE, ACTIVE),
        (
            {"status": KeyStatus.PENDING, "next_in": KEY_GROUP_ID},
            {"status": KeyStatus.TRUSTED, "next_in": KEY_GROUP_ID},
        ),
        ({"key_pair_id": "K1"}, {"key_pair_id": "K1", "key_group_id": "another"}),
    ],
    ids=["two ACTIVE", "two successors", "one key pair id twice"],
)
def test_two_of_a_kind(fields: Any, other: Any, ec_key: PrivateKey) -> None:
    """Refuse a second ACTIVE key pair, a second successor and a key pair id that is taken."""
    make_key_pair(ec_key, **{"key_pair_id": "K1", **fields})

    with pytest.raises(IntegrityError), transaction.atomic():
        make_key_pair(ec_key, **{"key_pair_id": "K2", **other})
    assert KeyPair.objects.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"status": KeyStatus.ACTIVE},
        {"status": KeyStatus.ACTIVE, "active_in": "another"},
        {"status": KeyStatus.RETIRING, "active_in": KEY_GROUP_ID},
        {"status": KeyStatus.PENDING},
        {"status": KeyStatus.TRUSTED, "next_in": "another"},
        {"status": KeyStatus.REVOKED, "next_in": KEY_GROUP_ID},
    ],
    ids=str,
)
def test_the_unique_columns_follow_the_state(fields: Any, ec_key: PrivateKey) -> None:
    """Refuse a row whose unique columns do not say what its state says."""
    with pytest.raises(IntegrityError), transaction.atomic():
        make_key_pair(ec_key, "K1", **fields)


def test_a_move_by_a_query_is_refused_as_well(ec_key: PrivateKey) -> None:
    """Refuse to make a second key pair ACTIVE past the model."""
    make_key_pair(ec_key, "K1", **ACTIVE)
    make_key_pair(ec_key, "K2")

    with pytest.raises(IntegrityError), transaction.atomic():
        KeyPair.objects.filter(key_pair_id="K2").update(**ACTIVE)


def test_key_groups_are_apart(ec_key: PrivateKey) -> None:
    """Allow an ACTIVE key pair in each key group, and any number without a key pair id."""
    make_key_pair(ec_key, "K1", **ACTIVE)
    make_key_pair(
        ec_key, "K2", key_group_id="another", status=KeyStatus.ACTIVE, active_in="another"
    )
    make_key_pair(ec_key, None)
    make_key_pair(ec_key, None)

    assert KeyPair.objects.count() == 4


def secrets_of(key: PrivateKey) -> list[bytes]:
    """Return every form in which a private key could lie in a dump."""
    private = load_pem_private_key(key.to_pem(), None)
    if isinstance(private, EllipticCurvePrivateKey):
        integers = [private.private_numbers().private_value]
    else:
        assert isinstance(private, RSAPrivateKey)
        rsa = private.private_numbers()
        integers = [rsa.d, rsa.p, rsa.q, rsa.dmp1, rsa.dmq1, rsa.iqmp]
    found = [line.encode() for line in fragments(key)] + [b"PRIVATE KEY"]
    raw = [each.to_bytes((each.bit_length() + 7) // 8, "big") for each in integers]
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        raw.append(private.private_bytes(Encoding.DER, form, NoEncryption()))
        raw.append(private.private_bytes(Encoding.PEM, form, NoEncryption()))
    for each in raw:
        found += [each, each.hex().encode(), base64.b64encode(each)[:-4]]
        found.append(base64.urlsafe_b64encode(each)[:-4])
    found += [str(each).encode() for each in integers]
    return found


@pytest.mark.parametrize("kind", ["rsa_key", "ec_key"])
def test_a_dump_holds_no_usable_key(kind: str, request: pytest.FixtureRequest) -> None:
    """Find no part of a private key in a dump, in any form, however it is unpacked."""
    key: PrivateKey = request.getfixturevalue(kind)
    key_pair = make_key_pair(key, "K1")
    output = io.StringIO()
    call_command("dumpdata", "cfsigned_django", stdout=output)
    sealed = key_pair.encrypted_private_key
    dump = output.getvalue().encode()
    unpacked = dump + base64.urlsafe_b64decode(sealed) + json.dumps(key_pair.public_key).encode()

    assert sealed.encode() in dump
    assert not any(secret in unpacked for secret in secrets_of(key))


def test_the_search_for_keys_finds_them(rsa_key: PrivateKey, ec_key: PrivateKey) -> None:
    """Find each key where it does lie, so that the search above proves something."""
    for key in (rsa_key, ec_key):
        assert any(secret in key.to_pem() for secret in secrets_of(key))
        der = load_pem_private_key(key.to_pem(), None).private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
        )
        assert any(secret in base64.b64encode(der) for secret in secrets_of(key))
        assert any(secret in der for secret in secrets_of(key))


def test_the_row_shows_no_key(ec_key: PrivateKey) -> None:
    """Keep the key out of str, repr, a pickle and a copy of the row."""
    key_pair = make_key_pair(ec_key, "K1")
    signer = key_pair.make_signer()
    shown = f"{key_pair} {key_pair!r} {signer!r}".encode()

    for text in (shown, pickle.dumps(key_pair), repr(vars(copy.deepcopy(key_pair))).encode()):
        assert not any(secret in text for secret in secrets_of(ec_key))


def test_a_row_has_a_name(ec_key: PrivateKey) -> None:
    """Call a key pair by its id, and before it has one by kind and fingerprint."""
    fingerprint = ec_key.public_key.fingerprint[:12]

    assert str(make_key_pair(ec_key, "K1")) == "K1"
    assert str(make_key_pair(ec_key, None)) == f"ECDSA P-256 {fingerprint}"


@pytest.mark.parametrize("kind", ["rsa_key", "ec_key"])
@pytest.mark.parametrize("asked", [None, *HashAlgorithm])
def test_the_signer_of_a_row(
    kind: str, asked: HashAlgorithm | None, request: pytest.FixtureRequest
) -> None:
    """Sign with the key of the row; the hash that was asked for is for RSA keys."""
    key: PrivateKey = request.getfixturevalue(kind)
    signer = make_key_pair(key, "K1").make_signer(asked)

    assert signer.key_pair_id == "K1"
    assert signer.private_key.to_pem() == key.to_pem()
    default = HashAlgorithm.SHA1 if kind == "rsa_key" else HashAlgorithm.SHA256
    expected = default if kind == "ec_key" or asked is None else asked
    assert signer.hash_algorithm is expected


def test_what_the_row_says_of_a_key(rsa_key: PrivateKey, ec_key: PrivateKey) -> None:
    """Take algorithm, fingerprint and public half from the key."""
    for key, algorithm in ((rsa_key, KeyAlgorithm.RSA_2048), (ec_key, KeyAlgorithm.ECDSA_P256)):
        row = KeyPair.objects.get(pk=make_key_pair(key, None).pk)
        assert row.algorithm == algorithm
        assert row.fingerprint == key.public_key.fingerprint
        assert row.public_key == key.public_key.to_pem()
        assert row.caller_name == f"cfsigned-{row.pk}"


@pytest.mark.parametrize(("microseconds", "rounded"), [(0, 0), (1, 1), (999_999, 1)])
def test_waits_begin_at_the_end_of_a_second(
    microseconds: int, rounded: int, ec_key: PrivateKey
) -> None:
    """Round moments up for the rules, so that no wait ends early."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    within = moment + timedelta(microseconds=microseconds)
    row = make_key_pair(
        ec_key, "K1", verified_since=within, retiring_at=within, retirement_seconds=9
    )

    second = int(moment.timestamp()) + rounded
    assert KeyPair.objects.get(pk=row.pk).state == KeyState(
        status=KeyStatus.RETIRING, verified_since=second, retiring_since=second, retirement=9
    )


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ((), 0),
        (("trusted_at",), 1),
        (("trusted_at", "active_at"), 2),
        (("trusted_at", "active_at", "retiring_at"), 3),
        (("trusted_at", "active_at", "retiring_at", "retired_at"), 4),
        (("trusted_at", "revoked_at"), 5),
    ],
)
def test_since_when_it_is_so(fields: tuple[str, ...], days: int, ec_key: PrivateKey) -> None:
    """Return when the key pair came into its present state."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    order = ("created_at", "trusted_at", "active_at", "retiring_at", "retired_at", "revoked_at")
    moments = {name: begin + timedelta(days=order.index(name)) for name in ("created_at", *fields)}

    row = KeyPair(**moments)

    assert row.since == begin + timedelta(days=days)


@pytest.mark.django_db(transaction=True)
def test_migrate_from_nothing_and_back() -> None:
    """Make the table from no table, and take it away again."""
    [first, *others] = sorted(
        name
        for app, name in MigrationExecutor(connection).loader.disk_migrations
        if app == "cfsigned_django"
    )
    table = KeyPair._meta.db_table
    assert first.startswith("0001")

    call_command("migrate", "cfsigned_django", "zero", verbosity=0)
    assert table not in connection.introspection.table_names()

    call_command("migrate", "cfsigned_django", verbosity=0)
    assert table in connection.introspection.table_names()
    applied = MigrationExecutor(connection).loader.applied_migrations
    assert {("cfsigned_django", name) for name in (first, *others)} <= set(applied)
