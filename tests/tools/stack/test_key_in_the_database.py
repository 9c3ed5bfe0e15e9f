"""Deploy the stack of a site that keeps its key in the database, or in its settings.

Modules: management/commands/cfsigned_setup.py, tools/setup/site_stack.py
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import OperationalError, connection
from django.utils import timezone

from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from cfsigned_django.tools.setup.key_provider import SettingsKey
from cfsigned_django.tools.setup.site_stack import choose_key
from tests.core.aws import Account
from tests.core.aws.failing import Failing
from tests.keyring import make_key_pair
from tests.pages import DOCS, read
from tests.simulation.answers import refusal
from tests.tools.stack.conftest import Aws
from tests.tools.stack.running import APPLY, errors, report, run
from tests.tools.stack.test_command import counts, parameters

pytestmark = pytest.mark.django_db(transaction=True)


def test_waits_for_its_turn(aws: Aws, settings: Any, tmp_path: Path) -> None:
    """Leave the key TRUSTED until CloudFront has known it for long enough, then let it sign."""
    planned = report()
    nothing = KeyPair.objects.count()
    done = report(*APPLY, code=75)
    row = KeyPair.objects.get()
    again = report("--check")
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = row.key_group_id
    KeyPair.objects.update(verified_since=datetime(2026, 1, 1, tzinfo=UTC))
    signing = report(*APPLY)

    assert nothing == 0
    assert planned["key_group"] == {"id": None, "has_key": False}
    assert (row.status, errors(done)) == (KeyStatus.TRUSTED, [])
    assert row.key_group_id == parameters(aws)["KeyGroupId"]
    assert not {"AWS_CLOUDFRONT_KEY", "AWS_CLOUDFRONT_KEY_ID"} & set(done["settings"])
    assert again["changes"] == []
    assert errors(signing) == []
    assert KeyPair.objects.get().status == KeyStatus.ACTIVE
    assert counts(aws) == (1, 1, 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("aws")
def test_key_made_by_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """End with 75, not 1, if another process makes the key at the same moment."""
    generate = PrivateKey.generate

    def generate_later(algorithm: KeyAlgorithm) -> PrivateKey:
        group = "media-us-east-1"
        pending = {"status": KeyStatus.PENDING, "key_group_id": group, "next_in": group}
        make_key_pair(generate(algorithm), None, **pending)
        return generate(algorithm)

    monkeypatch.setattr(PrivateKey, "generate", generate_later)

    assert "Another process" in run(*APPLY, code=75)


def test_named_key_group(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the key to the group that is named, beside the keys of others.

    A full one is said before anything is executed, as in a rotation.
    """
    account = Account(api=aws.clients.cloudfront)
    other = account.upload("other")
    group_id = account.make_group(other)
    # The emulator has no quotas.
    full = Failing(
        account.api, lambda name: refusal("TooManyPublicKeysInKeyGroup", name), "update_key_group"
    )
    clients: Any = replace(aws.clients, cloudfront=full)
    with monkeypatch.context() as patch:
        patch.setattr(cfsigned_setup, "make_clients", lambda **given: clients)
        said = run("--key-group", group_id, *APPLY, code=1)
    left = aws.cloudformation.describe_stacks()["Stacks"], counts(aws)[2]
    report("--key-group", group_id, *APPLY, code=75)
    report("--check")
    items = account.group_config(group_id)["Items"]

    assert "as many public keys as its quota allows" in said
    assert left == ([], 0)
    assert items[0] == other
    assert len(items) == 2
    assert parameters(aws)["KeyGroupId"] == group_id


def test_where_the_key_is_kept(aws: Aws, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, before anything is done, the database that gets the key, and what encrypts it.

    The page about it shows the line.
    """
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "HOST", "db.example.com")
        by_default = report()["key"]
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [Fernet.generate_key()]
    with_keys = report()["key"]

    assert all(each in by_default for each in ("default", "db.example.com", "SECRET_KEY"))
    name = str(connection.settings_dict["NAME"])
    shown = by_default.replace(connection.vendor, "postgresql").replace(name, "shop")
    assert f"kept in {shown}.\n" in read(DOCS / "aws" / "private-key.md")
    assert "AWS_CLOUDFRONT_ENCRYPTION_KEYS" in with_keys
    assert "SECRET_KEY" not in with_keys


@pytest.mark.usefixtures("aws")
def test_database_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Report the failure without a traceback."""

    def fail(*arguments: object, **named: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(connection.introspection, "table_names", fail)

    assert "OperationalError" in run(code=1)


OWN, TRUSTED_SIGNER = "K2JCJMDEHXQW5F", "APKAIOSFODNN7EXAMPLE"
ACTIVE: dict[str, Any] = {"status": KeyStatus.ACTIVE, "active_in": "group", "key_pair_id": OWN}
REVOKED: dict[str, Any] = {"status": KeyStatus.REVOKED, "key_pair_id": OWN}
SUCCESSOR: dict[str, Any] = {"status": KeyStatus.TRUSTED, "next_in": "group", "key_pair_id": "K3"}


@pytest.mark.parametrize(
    ("key_id", "imported", "successor", "is_of_settings"),
    [
        (OWN, None, None, True),
        (None, None, None, True),
        # A successor is let sign by a rotation alone.
        (OWN, None, SUCCESSOR, True),
        # What may have leaked is brought into no group.
        (TRUSTED_SIGNER, None, SUCCESSOR, False),
        (None, None, SUCCESSOR, False),
        # A key that was imported is the database's, which may have revoked it.
        (OWN, ACTIVE, None, False),
        (OWN, REVOKED, None, False),
        (OWN, REVOKED, SUCCESSOR, False),
        (OWN, None, {**ACTIVE, "key_pair_id": "K3"}, False),
    ],
)
def test_key_that_is_set_up(
    key_id: str | None,
    imported: dict[str, Any] | None,
    successor: dict[str, Any] | None,
    is_of_settings: bool,
    settings: Any,
    ec_key: PrivateKey,
) -> None:
    """Set up the key of the settings while it signs, else what the database has for the group."""
    settings.AWS_CLOUDFRONT_KEY, settings.AWS_CLOUDFRONT_KEY_ID = ec_key.to_pem().decode(), key_id
    since = timezone.now().replace(year=2025)
    for key, fields in ((ec_key, imported), (PrivateKey.generate(), successor)):
        if fields is not None:
            make_key_pair(key, **{"key_group_id": "group", "verified_since": since, **fields})

    found = choose_key(key_file=None, stack_name="media", group_id="group", new_group="media-x")

    assert isinstance(found, SettingsKey) is is_of_settings
