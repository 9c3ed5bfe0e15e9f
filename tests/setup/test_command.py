"""Run cfsigned_setup as a person and as a machine would."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from cfsigned_django import site_setup
from cfsigned_django.aws.stack import Clients, read_stack
from cfsigned_django.lifecycle import KeyStatus
from cfsigned_django.live_proof import Answer
from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.models import KeyPair
from cfsigned_django.signing import PrivateKey
from tests.ministack_server import Ministack
from tests.setup.accounts import clients_of, make_grown_account
from tests.setup.viewers import Viewer

#: The emulator's data plane looks for buckets in this account.
ACCOUNT = "000000000000"


@pytest.fixture
def clients(ministack: Ministack) -> Clients:
    """Return the clients of the account whose files the data plane serves."""
    return clients_of(ministack, ACCOUNT)


@pytest.fixture(autouse=True)
def _site(
    ministack: Ministack,
    clients: Clients,
    bucket_name: str,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    no_aws_configuration: None,
) -> None:
    """Configure boto3 for the emulator, and send the requests of the proof to the edge."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not checked")
    monkeypatch.chdir(tmp_path)
    settings.AWS_STORAGE_BUCKET_NAME = bucket_name
    viewer = Viewer(
        endpoint_url=ministack.endpoint_url,
        clients=clients,
        read=lambda: read_stack(
            clients,
            bucket=bucket_name,
            distribution_id=getattr(settings, "AWS_CLOUDFRONT_DISTRIBUTION_ID", None),
        ),
    )
    monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(viewer))


@pytest.fixture
def unmigrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the database have no table of key pairs."""
    monkeypatch.setattr("cfsigned_django.site_setup._is_migrated", lambda: False)


def run(*arguments: str) -> str:
    """Return what the command prints."""
    output = StringIO()
    call_command("cfsigned_setup", *arguments, stdout=output, stderr=StringIO())
    return output.getvalue()


def run_to_exit(*arguments: str) -> tuple[str, int]:
    """Return what the command prints, and its exit code where that is not 0."""
    output = StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("cfsigned_setup", *arguments, stdout=output, stderr=StringIO())
    return output.getvalue(), int(str(caught.value.code))


def states(text: str) -> dict[str, str]:
    """Return the state of each step of a JSON report."""
    return {each["name"]: each["state"] for each in json.loads(text)["steps"]}


@pytest.mark.usefixtures("unmigrated")
class TestWithAFile:
    """Without its table, the key goes into a file."""

    def test_plan_changes_nothing(self, clients: Clients, bucket_name: str, tmp_path: Path) -> None:
        """Print each step with its call, its document and why; touch neither AWS nor the disk."""
        text = run("--create")

        assert "to do     bucket-policy: only CloudFront may read the bucket" in text
        assert "s3:PutBucketPolicy" in text
        assert '+      "Principal": {' in text
        assert "Nothing was changed." in text
        assert not read_stack(clients, bucket=bucket_name).bucket.is_ours
        assert list(tmp_path.iterdir()) == []

    def test_from_nothing(self, clients: Clients, bucket_name: str, tmp_path: Path) -> None:
        """Do it all, print settings that work, and prove it."""
        text = run("--create", "--apply", "--yes")

        key = tmp_path / f"cloudfront-{bucket_name}.pem"
        assert "Everything is set up: nothing is to do." in text
        assert f'AWS_CLOUDFRONT_KEY = pathlib.Path("{key}")' in text
        assert "good      unsigned request: 403 MissingKey." in text
        assert "open      signed request: 403 AccessDenied. CloudFront took the signature" in text
        assert "good      request to S3 itself: 403 AccessDenied." in text
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert PrivateKey.load(key).to_pem().decode() not in text

    def test_proof_with_a_file(self, clients: Clients, bucket_name: str) -> None:
        """Open a file that is there, by a signed link alone."""
        run("--create", "--apply", "--yes")
        clients.s3.put_object(Bucket=bucket_name, Key="albums/회의 1.txt", Body=b"private")

        proof = json.loads(run("--apply", "--json"))["proof"]

        assert [(each["verdict"], each["got"]) for each in proof] == [
            ("good", "403 MissingKey"),
            ("good", "200"),
            ("good", "403 AccessDenied"),
        ]

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
        assert found["proof"][0]["verdict"] == "good"

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
        with pytest.raises(CommandError, match="Nothing was changed"):
            run("--apply", "--yes")


def test_waiting_is_shown() -> None:
    """Tell a person how long CloudFront has been at it."""
    shown = StringIO()

    cfsigned_setup.Command(stderr=shown, no_color=True)._show_wait(75)

    assert "75 s so far" in shown.getvalue()


@pytest.mark.usefixtures("unmigrated")
class TestAsking:
    """--apply asks first."""

    @pytest.mark.parametrize("answer", ["no", "", "y"])
    def test_no(self, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Do nothing for any answer but yes."""
        monkeypatch.setattr("builtins.input", lambda prompt: answer)

        with pytest.raises(CommandError, match="Nothing was changed"):
            run("--create", "--apply")

    def test_yes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Do it for yes; ask no more where nothing is to do."""
        monkeypatch.setattr("builtins.input", lambda prompt: "yes")
        run("--create", "--apply")
        monkeypatch.delattr("builtins.input")

        assert "nothing is to do" in run("--apply")

    def test_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Name --yes where nobody is there to answer."""

        def nobody(prompt: str) -> str:
            raise EOFError

        monkeypatch.setattr("builtins.input", nobody)

        with pytest.raises(CommandError, match="--yes"):
            run("--create", "--apply")


@pytest.mark.django_db(transaction=True)
class TestWithTheDatabase:
    """Where its table is there, the key goes into the database, sealed."""

    def test_waits_for_its_turn(self, settings: Any, tmp_path: Path) -> None:
        """Leave the key TRUSTED until CloudFront has known it for long enough."""
        text = run("--create", "--apply", "--yes")

        row = KeyPair.objects.get()
        assert row.status == KeyStatus.TRUSTED
        assert row.good_since is not None
        assert f'AWS_CLOUDFRONT_KEY_GROUP_ID = "{row.key_group_id}"' in text
        assert "cfsigned_rotate --wait" in text
        assert "AWS_CLOUDFRONT_KEY =" not in text
        assert list(tmp_path.iterdir()) == []

    def test_signs_when_it_was_known_for_long_enough(self) -> None:
        """Let the key sign in a later run, once its wait is over."""
        run("--create", "--apply", "--yes")
        KeyPair.objects.update(good_since=datetime(2026, 1, 1, tzinfo=UTC))

        text = run("--apply")

        row = KeyPair.objects.get()
        assert row.status == KeyStatus.ACTIVE
        assert f"{row.key_pair_id} signs" in text
        assert row.retirement_seconds > 0

    def test_second_run_finds_the_key(self, clients: Clients) -> None:
        """Make no second key, before and after the settings name the key group."""
        run("--create", "--apply", "--yes")

        again = run("--json")

        assert set(states(again).values()) == {"done"}
        assert KeyPair.objects.count() == 1

    def test_run_that_died_before_the_end(self, clients: Clients) -> None:
        """Go on with the key that is in the database, and not yet in its key group."""

        def die(self: object, target: object, **given: object) -> None:
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("cfsigned_django.site_setup.SiteSetup.prove", die)
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
        unknown = Answer(status=403, body=b"<Error><Code>InvalidKey</Code></Error>")
        monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(lambda url: unknown))

        text, code = run_to_exit("--create", "--apply", "--yes")

        assert code == 1
        assert "BAD       signed request: 403 InvalidKey." in text
        assert KeyPair.objects.get().good_since is None

    def test_no_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Prove nothing where no request is answered, and say what to check."""

        def nobody(url: str) -> Answer:
            raise ConnectionRefusedError

        monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(nobody))

        text = run("--create", "--apply", "--yes")

        assert text.count("open      ") == 3
        assert "check DNS" in text

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

        monkeypatch.setattr("cfsigned_django.site_setup._is_migrated", fail)

        with pytest.raises(CommandError, match="The database failed"):
            run("--create")


@pytest.mark.usefixtures("unmigrated")
class TestFailures:
    """Every failure is one clear sentence."""

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--bucket", "Media"), "lower-case letters"),
            (("--distribution", "EUNKNOWN1"), "has no distribution with that id"),
            (("--distribution", "nonsense"), "is no id of a distribution"),
            (("--cors-origin", "example.com"), "is no origin"),
        ],
    )
    def test_arguments(self, arguments: tuple[str, ...], said: str) -> None:
        """Say what is wrong with an argument."""
        with pytest.raises(CommandError, match=said):
            run(*arguments)

    def test_no_bucket(self, settings: Any) -> None:
        """Ask for the bucket where neither option nor setting names it."""
        del settings.AWS_STORAGE_BUCKET_NAME

        with pytest.raises(CommandError, match="--bucket"):
            run()

    def test_no_credentials(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Say how to set credentials."""
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")

        with pytest.raises(CommandError, match="AWS_PROFILE"):
            run("--create")

    def test_no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Name the host that cannot be reached."""
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

        with pytest.raises(CommandError, match=r"127\.0\.0\.1:9 cannot be reached"):
            run("--create")

    def test_bucket_of_another_account(self, ministack: Ministack, bucket_name: str) -> None:
        """Say that the bucket is somebody else's, and change nothing."""
        ministack.client("s3", account="999999999997").create_bucket(Bucket=bucket_name)

        with pytest.raises(CommandError, match="belongs to another AWS account"):
            run("--create", "--apply", "--yes")


@pytest.mark.usefixtures("unmigrated")
class TestPrinting:
    """--iam and --export ask nobody."""

    @pytest.fixture(autouse=True)
    def _offline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fail where AWS is asked."""
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    def test_iam(self, bucket_name: str) -> None:
        """Print one policy for each job; rotation touches no bucket, and the site no CloudFront."""
        policies = json.loads(run("--iam"))

        assert set(policies) == {"setup", "look", "rotation", "site"}
        assert "s3:" not in json.dumps(policies["rotation"])
        assert "cloudfront:" not in json.dumps(policies["site"])
        assert f"arn:aws:s3:::{bucket_name}/*" in json.dumps(policies["site"])
        writes = ("Create", "Update", "Put", "Delete")
        looks = [a for s in policies["look"]["Statement"] for a in s["Action"]]
        assert not [each for each in looks if each.partition(":")[2].startswith(writes)]

    def test_export(self, tmp_path: Path) -> None:
        """Print code, with the public key where there is one, and never the private one."""
        without = run("--export", "terraform")
        key = PrivateKey.generate()
        (tmp_path / "key.pem").write_bytes(key.to_pem())

        with_key = run("--export", "cloudformation", "--key-file", str(tmp_path / "key.pem"))

        assert "var.public_key_pem" in without
        template = json.loads(with_key)
        assert template["Parameters"]["PublicKeyPem"]["Default"] == key.public_key.to_pem()
        assert "PRIVATE" not in with_key


def test_every_call_has_its_permission(
    clients: Clients, bucket_name: str, unmigrated: None
) -> None:
    """Call nothing that the policy of --iam does not allow."""
    called: set[str] = set()

    def note(model: Any, **event: Any) -> None:
        called.add(f"{model.service_model.signing_name}:{model.name}")

    original: Callable[[str], Clients] = site_setup.make_clients

    def make_and_listen(region: str) -> Clients:
        made = original(region)
        for client in (made.cloudfront, made.s3, made.sts):
            client.meta.events.register("before-call", note)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cfsigned_setup, "make_clients", make_and_listen)
        run("--create", "--apply", "--yes", "--downloads", "--cors-origin", "https://a.example.com")

    # Operations of S3 whose action has another name (Service Authorization Reference).
    renamed = {
        "s3:HeadBucket": "s3:ListBucket",
        "s3:ListObjectsV2": "s3:ListBucket",
        "s3:GetBucketCors": "s3:GetBucketCORS",
        "s3:PutBucketCors": "s3:PutBucketCORS",
        "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
        "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    }
    allowed = {
        action
        for statement in json.loads(run("--iam"))["setup"]["Statement"]
        for action in statement["Action"]
    }
    assert {renamed.get(each, each) for each in called} <= allowed
    assert len(called) > 20
