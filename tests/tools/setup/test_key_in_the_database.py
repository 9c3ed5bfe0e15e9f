"""Set up a site that keeps its key in the database, encrypted.

Modules: management/commands/cfsigned_setup.py, tools/setup/site_setup.py
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError
from django.db import OperationalError, connection
from django.utils import timezone

from cfsigned_django.aws.client import Clients
from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.account.reader import read_account
from cfsigned_django.tools.setup.keys import SettingsKey
from cfsigned_django.tools.setup.site_setup import SiteSetup
from cfsigned_django.viewer import Answer
from tests.pages import DOCS, read
from tests.storage_cases import without_sha1
from tests.tools.setup import APPLY, proof, report, run, states
from tests.tools.setup.viewers import nobody_answers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("site_in_aws")]


def test_waits_for_its_turn(settings: Any, tmp_path: Path) -> None:
    """Leave the key TRUSTED until CloudFront has known it for long enough, then let it sign."""
    done = report(*APPLY)
    row = KeyPair.objects.get()
    again = report()
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = row.key_group_id
    named = report()
    KeyPair.objects.update(verified_since=datetime(2026, 1, 1, tzinfo=UTC))
    run("--apply")
    signing = KeyPair.objects.get()

    assert (row.status, row.verified_since is None) == (KeyStatus.TRUSTED, False)
    assert done["settings"]["AWS_CLOUDFRONT_KEY_GROUP_ID"] == row.key_group_id
    assert not {"AWS_CLOUDFRONT_KEY", "AWS_CLOUDFRONT_KEY_ID"} & set(done["settings"])
    assert states(again) == states(named) == dict.fromkeys(states(done), "done")
    assert list(tmp_path.iterdir()) == []
    assert (signing.pk, signing.status) == (row.pk, KeyStatus.ACTIVE)
    assert signing.retirement_seconds > 0


def test_where_the_key_is_kept(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, before anything is done, the database that gets the key, and what encrypts it.

    The page about it shows the line.
    """
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "NAME", "shop")
        patch.setitem(connection.settings_dict, "HOST", "db.example.com")
        by_default = report("--create")["key"]
    settings.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [Fernet.generate_key()]
    with_keys = report("--create")["key"]

    assert all(each in by_default for each in ("default", "shop", "db.example.com", "SECRET_KEY"))
    shown = by_default.replace(connection.vendor, "postgresql")
    assert f"kept in {shown}.\n" in read(DOCS / "aws" / "private-key.md")
    assert "AWS_CLOUDFRONT_ENCRYPTION_KEYS" in with_keys
    assert "SECRET_KEY" not in with_keys


def test_key_in_another_database(clients: Clients, key_of_nobody: str) -> None:
    """Add a second key to the group if the first one went into another database by mistake."""
    run("--apply", "--yes")
    second = KeyPair.objects.get()

    group = read_account(clients, bucket=None).key_group(second.key_group_id)
    assert group is not None
    assert group.key_pair_ids == (key_of_nobody, second.key_pair_id)


def test_run_that_died_before_the_end(settings: Any) -> None:
    """Go on with the key that is in the database, and not yet in its key group.

    It is probed with the hash of the setting, if OpenSSL refuses RSA the other.
    """
    settings.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA256"

    def die(*args: object, **given: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SiteSetup, "prove", die)
        with pytest.raises(KeyboardInterrupt):
            run(*APPLY, "--key-algorithm", "RSA_2048")
    first = KeyPair.objects.get()
    with without_sha1():
        run("--apply")
    then = KeyPair.objects.get()

    assert (first.status, then.status) == (KeyStatus.PENDING, KeyStatus.TRUSTED)
    assert first.key_group_id.startswith("cfsigned-")
    assert not then.key_group_id.startswith("cfsigned-")
    assert first.pk == then.pk
    assert then.verified_since is not None


@pytest.mark.usefixtures("key_of_nobody")
def test_edge_that_does_not_know_the_key_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit with 75, and let the key sign nothing; prove nothing if no request is answered."""

    def answer(url: str, headers: object) -> Answer:
        code = b"InvalidKey" if "Signature=" in url else b"MissingKey"
        body = b"<Error><Code>%s</Code></Error>" % code
        return Answer(status=403, headers={"server": "CloudFront"}, body=body)

    monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(answer))
    found = report("--apply", "--yes")
    monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(nobody_answers))
    unanswered = report("--apply")

    assert "signed-unknown-key" in proof(found)
    assert found["exit"] == 75
    assert {"no-answer", "s3-no-answer"} <= set(proof(unanswered))
    assert KeyPair.objects.get().verified_since is None


def test_database_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Report the failure without a traceback."""

    def fail(*arguments: object, **named: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(connection.introspection, "table_names", fail)

    with pytest.raises(CommandError, match="OperationalError"):
        run("--create")


@pytest.mark.usefixtures("set_up_site")
class TestKeyOfTheSettings:
    """The key of the settings signs, while the database has others for later."""

    def add(self, private_key: PrivateKey, group: str, **fields: Any) -> KeyPair:
        """Return a key pair of the group that has been trusted for a year."""
        since = timezone.now().replace(year=2025)
        row = KeyPair.from_private_key(
            private_key, key_group_id=group, created_at=since, verified_since=since, **fields
        )
        row.save()
        return row

    def test_signing_key_is_set_up(self, settings: Any) -> None:
        """Prove the key that signs, and let no successor sign, which only a rotation does.

        But bring no key of a trusted signer into the group: it may be leaked,
        and a successor is about to replace it.
        """
        group = settings.AWS_CLOUDFRONT_KEY_GROUP_ID
        row = self.add(
            PrivateKey.generate(),
            group,
            next_in=group,
            key_pair_id="K2JCJMDEHXQW5F",
            status=KeyStatus.TRUSTED,
        )

        planned, found = report(), report("--apply", "--yes")

        row.refresh_from_db()
        assert planned["key"] == SettingsKey.place
        assert found["settings"]["AWS_CLOUDFRONT_KEY_ID"] == settings.AWS_CLOUDFRONT_KEY_ID
        assert row.status == KeyStatus.TRUSTED

        settings.AWS_CLOUDFRONT_KEY_ID = "APKAIOSFODNN7EXAMPLE"
        assert str(connection.settings_dict["NAME"]) in report()["key"]

    @pytest.mark.parametrize(
        ("status", "has_successor"),
        [(KeyStatus.ACTIVE, False), (KeyStatus.REVOKED, False), (KeyStatus.REVOKED, True)],
    )
    def test_imported_key_is_the_databases(
        self, settings: Any, rsa_key: PrivateKey, status: KeyStatus, has_successor: bool
    ) -> None:
        """Leave a key that was imported to the database, which may have revoked it."""
        group = settings.AWS_CLOUDFRONT_KEY_GROUP_ID
        self.add(
            rsa_key,
            group,
            active_in=group if status is KeyStatus.ACTIVE else None,
            key_pair_id=settings.AWS_CLOUDFRONT_KEY_ID,
            status=status,
        )
        if has_successor:
            self.add(PrivateKey.generate(), group, next_in=group, status=KeyStatus.PENDING)

        assert str(connection.settings_dict["NAME"]) in report()["key"]
