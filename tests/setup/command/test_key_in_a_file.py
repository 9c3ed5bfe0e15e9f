"""Set up a site whose database has no table of key pairs: the key goes into a file."""

from __future__ import annotations

import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from cfsigned_django.aws.account_reader import read_account
from cfsigned_django.aws.client import Clients
from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.signing import PrivateKey
from tests.aws.provisioning.accounts import bucket_of, make_grown_account
from tests.setup.command import run, run_to_exit, states
from tests.storage_cases import without_sha1


@pytest.mark.usefixtures("unmigrated")
class TestWithAFile:
    """Without its table, the key goes into a file."""

    def test_plan_changes_nothing(self, clients: Clients, bucket_name: str, tmp_path: Path) -> None:
        """Print each step with its call, its document and why; touch neither AWS nor the disk."""
        text = run("--create")

        assert "to do     bucket-policy: CloudFront may read the bucket" in text
        assert "s3:PutBucketPolicy" in text
        assert '+      "Principal": {' in text
        assert "Nothing was changed." in text
        assert not bucket_of(read_account(clients, bucket=bucket_name)).is_ours
        assert list(tmp_path.iterdir()) == []

    def test_from_nothing(self, clients: Clients, bucket_name: str, tmp_path: Path) -> None:
        """Do it all, print settings that work, and prove it."""
        text = run("--create", "--apply", "--yes")

        key = tmp_path / f"cloudfront-{bucket_name}.pem"
        assert "Everything is set up: nothing is to do." in text
        assert f'AWS_CLOUDFRONT_KEY = pathlib.Path("{key}")' in text
        for each in ("unsigned-refused", "signed-passes", "tampered-refused", "expired-refused"):
            assert f"[{each}]" in text
        assert "[s3-private]" in text
        assert "0 errors" in text
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert PrivateKey.load(key).to_pem().decode() not in text

    def test_proof_with_a_file(self, clients: Clients, bucket_name: str) -> None:
        """Open a file that is there, by a signed link alone."""
        run("--create", "--apply", "--yes")
        clients.s3.put_object(Bucket=bucket_name, Key="albums/회의 1.txt", Body=b"private")

        proof = json.loads(run("--apply", "--json"))["proof"]

        assert [(each["id"], each["level"]) for each in proof] == [
            ("clock", "ok"),
            ("unsigned-refused", "ok"),
            ("signed-served", "ok"),
            ("tampered-refused", "ok"),
            ("expired-refused", "ok"),
            ("s3-private", "ok"),
        ]

    def test_empty_bucket(self) -> None:
        """Ask for the name that a rotation asks for, if the bucket has no file."""
        proof = json.loads(run("--create", "--apply", "--yes", "--json"))["proof"]

        [passed] = [each for each in proof if each["id"] == "signed-passes"]
        assert passed["subject"].endswith("/.cfsigned-probe")

    def test_hash_of_the_settings(self, settings: Any) -> None:
        """Prove it with the hash that the setting names, where OpenSSL refuses RSA the other."""
        settings.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA256"

        with without_sha1():
            text = run("--create", "--apply", "--yes", "--key-algorithm", "RSA_2048")

        assert "[signed-passes]" in text

    def test_wrong_hash_in_the_settings(
        self, clients: Clients, bucket_name: str, settings: Any
    ) -> None:
        """Name the setting before anything is changed."""
        settings.AWS_CLOUDFRONT_HASH_ALGORITHM = "sha256"

        with pytest.raises(CommandError, match="AWS_CLOUDFRONT_HASH_ALGORITHM is 'sha256'"):
            run("--create", "--apply", "--yes")

        assert not bucket_of(read_account(clients, bucket=bucket_name)).is_ours

    def test_key_that_cannot_sign(self, settings: Any) -> None:
        """Name the setting that lets an RSA key sign where OpenSSL refuses SHA-1."""
        refused = pytest.raises(CommandError, match='AWS_CLOUDFRONT_HASH_ALGORITHM to "SHA256"')

        with without_sha1(), refused:
            run("--create", "--apply", "--yes", "--key-algorithm", "RSA_2048")

    def test_json(self, bucket_name: str) -> None:
        """Print the plan, then what was reached, for machines."""
        planned = run("--create", "--json")
        done = run("--create", "--apply", "--yes", "--json")
        again = run("--json")

        assert set(states(planned).values()) == {"todo"}
        assert set(states(done).values()) == {"done"}
        assert states(again) == states(done)
        assert json.loads(planned)["proof"] is None
        settings = json.loads(done)["settings"]
        assert settings["AWS_STORAGE_BUCKET_NAME"] == bucket_name
        assert settings["AWS_CLOUDFRONT_KEY_ID"].startswith("K")
        assert set(json.loads(again)["settings"]) == set(settings)

    def test_settings_of_the_site(
        self, clients: Clients, bucket_name: str, settings: Any, ec_key: PrivateKey
    ) -> None:
        """Take the distribution, the domain, the region and the key of the settings."""
        settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = make_grown_account(clients, bucket_name)
        settings.AWS_S3_CUSTOM_DOMAIN = "media.example.com"
        settings.AWS_S3_REGION_NAME = "us-east-1"
        settings.AWS_CLOUDFRONT_KEY = ec_key.to_pem()

        found = json.loads(run("--path-pattern", "media/*", "--json"))

        assert states(json.dumps(found))["key-pair"] == "done"
        assert states(json.dumps(found))["domain"] == "done"
        assert found["key"] == "the setting AWS_CLOUDFRONT_KEY"
        assert found["settings"]["AWS_LOCATION"] == "media"
        assert found["settings"]["AWS_S3_CUSTOM_DOMAIN"] == "media.example.com"

    def test_bucket_of_the_default_storage(self, settings: Any) -> None:
        """Take the bucket that the default storage names."""
        backend = "cfsigned_django.storage.CloudFrontS3Storage"
        options = {"bucket_name": "of-the-storage"}
        settings.STORAGES = {"default": {"BACKEND": backend, "OPTIONS": options}}

        assert "no bucket of-the-storage" in run("--create").replace("\n          ", " ")

    def test_local_edge(self, settings: Any, bucket_name: str) -> None:
        """Ask the local edge where the settings name one; no alias is wanted for it."""
        settings.AWS_S3_CUSTOM_DOMAIN = "127.0.0.1:8001"
        settings.AWS_S3_URL_PROTOCOL = "http:"

        found = json.loads(run("--create", "--apply", "--yes", "--json"))

        assert found["settings"]["AWS_S3_CUSTOM_DOMAIN"] == "127.0.0.1:8001"
        assert "domain" not in states(json.dumps(found))
        assert "unsigned-refused" in {each["id"] for each in found["proof"]}

    def test_key_file_is_never_overwritten(self, tmp_path: Path) -> None:
        """Use the key in a file that is there; refuse a file that holds none."""
        path = tmp_path / "key.pem"
        run("--create", "--apply", "--yes", "--key-file", str(path))
        written = path.read_bytes()
        run("--apply", "--yes", "--key-file", str(path))
        other = tmp_path / "other.pem"
        other.write_text("no key")

        with pytest.raises(CommandError):
            run("--apply", "--yes", "--key-file", str(other))

        assert path.read_bytes() == written
        assert other.read_text() == "no key"

    def test_conflicts_are_left_to_a_person(
        self, clients: Clients, bucket_name: str, settings: Any
    ) -> None:
        """Exit with 1 where something wants a decision, after all the rest was done."""
        settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = make_grown_account(clients, bucket_name)

        text, code = run_to_exit("--path-pattern", "media/*", "--apply", "--yes")

        assert code == 1
        assert "1 step wants a decision of yours." in text
        assert "--drop-trusted-signers" in text

    def test_nothing_is_done_where_something_blocks(self, clients: Clients) -> None:
        """Change nothing at all where the distribution is not named."""
        assert "--apply does nothing before this is solved: distribution." in run()
        with pytest.raises(CommandError, match="Nothing was changed"):
            run("--apply", "--yes")


def test_waiting_is_shown() -> None:
    """Tell a person how long CloudFront has been at it."""
    shown = StringIO()

    cfsigned_setup.Command(stderr=shown, no_color=True)._show_wait(75)

    assert "75 s so far" in shown.getvalue()
