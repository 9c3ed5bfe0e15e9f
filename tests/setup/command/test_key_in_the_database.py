"""Set up a site that keeps its key in the database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import OperationalError

from cfsigned_django.aws.client import Clients
from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.viewer import Answer, NoAnswer
from tests.setup.command import run, run_to_exit, states
from tests.storage_cases import without_sha1


@pytest.mark.django_db(transaction=True)
class TestWithTheDatabase:
    """Where its table is there, the key goes into the database, sealed."""

    def test_waits_for_its_turn(self, settings: Any, tmp_path: Path) -> None:
        """Leave the key TRUSTED until CloudFront has known it for long enough."""
        text = run("--create", "--apply", "--yes")

        row = KeyPair.objects.get()
        assert row.status == KeyStatus.TRUSTED
        assert row.verified_since is not None
        assert f'AWS_CLOUDFRONT_KEY_GROUP_ID = "{row.key_group_id}"' in text
        assert "cfsigned_rotate --wait" in text
        assert "AWS_CLOUDFRONT_KEY =" not in text
        assert list(tmp_path.iterdir()) == []

    def test_signs_when_it_was_known_for_long_enough(self) -> None:
        """Let the key sign in a later run, once its wait is over."""
        run("--create", "--apply", "--yes")
        KeyPair.objects.update(verified_since=datetime(2026, 1, 1, tzinfo=UTC))

        text = run("--apply")

        row = KeyPair.objects.get()
        assert row.status == KeyStatus.ACTIVE
        assert f"{row.key_pair_id} signs" in text
        assert row.retirement_seconds > 0

    def test_hash_of_the_settings(self, settings: Any) -> None:
        """Probe with the hash that the setting names, where OpenSSL refuses RSA the other."""
        settings.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA256"

        with without_sha1():
            run("--create", "--apply", "--yes", "--key-algorithm", "RSA_2048")

        assert KeyPair.objects.get().verified_since is not None

    def test_second_run_finds_the_key(self, clients: Clients) -> None:
        """Make no second key, before and after the settings name the key group."""
        run("--create", "--apply", "--yes")

        again = run("--json")

        assert set(states(again).values()) == {"done"}
        assert KeyPair.objects.count() == 1

    def test_run_that_died_before_the_end(self, clients: Clients) -> None:
        """Go on with the key that is in the database, and not yet in its key group."""

        def die(*args: object, **given: object) -> None:
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("cfsigned_django.setup.site.SiteSetup.prove", die)
            with pytest.raises(KeyboardInterrupt):
                run("--create", "--apply", "--yes")
        first = KeyPair.objects.get()
        run("--apply")
        then = KeyPair.objects.get()

        assert (first.status, then.status) == (KeyStatus.PENDING, KeyStatus.TRUSTED)
        assert first.key_group_id.startswith("cfsigned-")
        assert not then.key_group_id.startswith("cfsigned-")
        assert first.pk == then.pk

    def test_edge_that_does_not_know_the_key_yet(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Say so, exit with 1, and let the key sign nothing."""

        def answer(url: str, headers: object) -> Answer:
            code = b"InvalidKey" if "Signature=" in url else b"MissingKey"
            return Answer(
                status=403,
                headers={"server": "CloudFront"},
                body=b"<Error><Code>%s</Code></Error>" % code,
            )

        monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(answer))

        text, code = run_to_exit("--create", "--apply", "--yes")

        assert code == 1
        assert "[signed-unknown-key]" in text
        assert KeyPair.objects.get().verified_since is None

    def test_no_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Prove nothing and exit with 0 if no request is answered, and say what to check."""

        def nobody(url: str, headers: object) -> Answer:
            raise NoAnswer("Connection refused")

        monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(nobody))

        text = run("--create", "--apply", "--yes")

        assert "[no-answer]" in text
        assert "[s3-no-answer]" in text
        assert "Check that the domain resolves" in text

    def test_another_key_is_to_sign_next(
        self, clients: Clients, settings: Any, bucket_name: str
    ) -> None:
        """Use the successor that the group of the settings has."""
        run("--create", "--apply", "--yes")
        settings.AWS_CLOUDFRONT_KEY_GROUP_ID = KeyPair.objects.get().key_group_id

        assert set(states(run("--json")).values()) == {"done"}

    def test_database_that_does_not_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Say so in one sentence."""

        def fail() -> bool:
            raise OperationalError("gone")

        monkeypatch.setattr("cfsigned_django.setup.site._is_migrated", fail)

        with pytest.raises(CommandError, match="The database failed"):
            run("--create")
