"""Set up a site whose key goes into a file: its database has no table of key pairs.

Modules: management/commands/cfsigned_setup.py, tools/setup/site_setup.py
"""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command

from cfsigned_django.aws.client import Clients
from cfsigned_django.management.commands import cfsigned_setup
from cfsigned_django.signing import PrivateKey
from cfsigned_django.tools.account.reader import read_account
from cfsigned_django.tools.account.state.apply import Provisioner
from cfsigned_django.tools.setup.keys import SettingsKey
from cfsigned_django.tools.setup.report import settings_as_text
from cfsigned_django.viewer import Answer
from tests.aws.failing import denied
from tests.storage_cases import without_sha1
from tests.tools.account.state.accounts import bucket_of, make_grown_account
from tests.tools.setup import APPLY, failing_report, let_fail, proof, report, run, states

pytestmark = pytest.mark.usefixtures("site_in_aws", "unmigrated")
SEOUL = "ap-northeast-2"


def is_set_up(clients: Clients, bucket_name: str) -> bool:
    """Return whether there is a bucket of this account."""
    return bucket_of(read_account(clients, bucket=bucket_name)).is_ours


@pytest.mark.usefixtures("nothing_shared")
def test_from_nothing(
    clients: Clients, bucket_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plan and change nothing; ask and do it all, print settings that work, prove it; find it done.

    It asks beside the JSON, not in it, and no more once nothing is left to do.
    """
    planned = report("--create")
    untouched = not is_set_up(clients, bucket_name) and list(tmp_path.iterdir()) == []
    monkeypatch.setattr("sys.stdin", StringIO("yes\n"))
    printed, asked = StringIO(), StringIO()
    with redirect_stdout(printed):
        command = ("cfsigned_setup", "--create", "--apply", "--json")
        call_command(*command, stdout=printed, stderr=asked)
    done = json.loads(printed.getvalue())
    path = tmp_path / f"cloudfront-{bucket_name}.pem"
    written = path.read_bytes()
    for key in ("albums/", "albums/회의 1.txt"):
        clients.s3.put_object(Bucket=bucket_name, Key=key, Body=b"private")
    again = report("--apply")
    text = run("--apply") + run()

    assert untouched
    assert set(states(planned).values()) == {"todo"}
    assert planned["proof"] is None
    assert asked.getvalue()
    assert set(states(done).values()) == {"done"}
    assert states(again) == states(done)
    refused = ["unsigned-refused", "s3-private"]
    assert proof(done) == dict.fromkeys(["clock", "signed-passes", *refused], "ok")
    assert proof(again) == dict.fromkeys(["clock", "signed-served", *refused], "ok")
    [passed] = [each for each in done["proof"] if each["id"] == "signed-passes"]
    assert passed["subject"].endswith("/.cfsigned-probe")
    [served] = [each for each in again["proof"] if each["id"] == "signed-served"]
    assert served["subject"].endswith(quote("/albums/회의 1.txt"))  # not the folder's own object
    assert done["settings"] == again["settings"]
    assert done["settings"]["AWS_STORAGE_BUCKET_NAME"] == bucket_name
    assert done["settings"]["AWS_CLOUDFRONT_KEY_ID"].startswith("K")
    assert f'AWS_CLOUDFRONT_KEY = pathlib.Path("{path}")' in text
    assert path.read_bytes() == written
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "PRIVATE" not in text + json.dumps([planned, done, again])


@pytest.mark.parametrize(("name", "proves"), [("SHA256", True), (None, False)])
def test_hash_of_the_settings(name: str | None, proves: bool, set_up_site: Any) -> None:
    """Sign the proof with the hash of the setting; name the setting if OpenSSL refuses it."""
    set_up_site.AWS_CLOUDFRONT_HASH_ALGORITHM = name
    refused = pytest.raises(CommandError, match="AWS_CLOUDFRONT_HASH_ALGORITHM")

    with without_sha1(), nullcontext() if proves else refused:
        assert "signed-passes" in proof(report("--apply"))


def test_hash_that_nothing_has(clients: Clients, bucket_name: str, settings: Any) -> None:
    """Refuse it before anything is changed."""
    settings.AWS_CLOUDFRONT_HASH_ALGORITHM = "sha256"

    with pytest.raises(CommandError, match="AWS_CLOUDFRONT_HASH_ALGORITHM"):
        run(*APPLY)

    assert not is_set_up(clients, bucket_name)


def test_settings_of_the_site(
    clients: Clients, bucket_name: str, settings: Any, ec_key: PrivateKey
) -> None:
    """Take the distribution, the domain, the region and the key of the settings."""
    settings.AWS_CLOUDFRONT_DISTRIBUTION_ID = make_grown_account(clients, bucket_name)
    settings.AWS_S3_CUSTOM_DOMAIN = "media.example.com"
    settings.AWS_S3_REGION_NAME = "us-east-1"
    settings.AWS_CLOUDFRONT_KEY = ec_key.to_pem()

    found = report("--path-pattern", "media/*")

    assert states(found)["key-pair"] == states(found)["domain"] == "done"
    assert found["key"] == SettingsKey.place
    assert found["settings"]["AWS_LOCATION"] == "media"
    assert found["settings"]["AWS_S3_CUSTOM_DOMAIN"] == "media.example.com"


@pytest.mark.usefixtures("empty_account")
@pytest.mark.parametrize(
    ("pattern", "present", "location"),
    [
        ("media/*", None, "media"),
        ("/media/private/*", "media", "media/private"),
        ("media/*", "media/private/", "media/private/"),
        ("media/*", "media2", "media"),
        ("media/.cfsigned-probe*", None, None),  # what names no folder gives no location
        ("media/*.jpg", None, None),
        ("*/media/*", None, None),
    ],
)
def test_location(pattern: str, present: str | None, location: str | None, settings: Any) -> None:
    """Print the location that a storage needs for the paths; keep one that lies among them.

    A new one comes with a comment: files whose names begin with the folder would move.
    """
    settings.AWS_LOCATION = present

    found = report("--create", "--path-pattern", pattern)["settings"].get("AWS_LOCATION")
    text = settings_as_text({"AWS_LOCATION": location}) if location else ""

    assert found == location
    assert text.startswith("#") == (location not in (None, present))


@pytest.mark.usefixtures("empty_account")
def test_bucket_of_the_default_storage(settings: Any) -> None:
    """Take the bucket that the default storage names."""
    backend = "cfsigned_django.storage.CloudFrontS3Storage"
    settings.STORAGES = {
        "default": {"BACKEND": backend, "OPTIONS": {"bucket_name": "of-the-storage"}}
    }

    assert report("--create")["settings"]["AWS_STORAGE_BUCKET_NAME"] == "of-the-storage"


def test_local_edge(set_up_site: Any) -> None:
    """Ask the local edge if the settings name one; it needs no alias."""
    set_up_site.AWS_S3_CUSTOM_DOMAIN = "127.0.0.1:8001"
    set_up_site.AWS_S3_URL_PROTOCOL = "http:"

    found = report("--apply")

    assert found["settings"]["AWS_S3_CUSTOM_DOMAIN"] == "127.0.0.1:8001"
    assert "domain" not in states(found)
    assert "unsigned-refused" in proof(found)


def test_files_that_cannot_be_listed(set_up_site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Say that the files cannot be listed, not that there are none."""
    let_fail(monkeypatch, "s3", "list_objects_v2", denied)

    [passes] = [each for each in report("--apply")["proof"] if each["id"] == "signed-passes"]

    assert "s3:ListBucket" in passes["what"]


def test_domain_without_a_certificate(set_up_site: Any) -> None:
    """Leave the domain to a person, and prove and name CloudFront's own, which works."""
    works, set_up_site.AWS_S3_CUSTOM_DOMAIN = set_up_site.AWS_S3_CUSTOM_DOMAIN, "files.example.com"

    found = failing_report("--apply")

    assert [name for name, state in states(found).items() if state != "done"] == ["domain"]
    assert found["settings"]["AWS_S3_CUSTOM_DOMAIN"] == works
    assert proof(found)["signed-passes"] == "ok"


@pytest.mark.usefixtures("empty_account")
@pytest.mark.parametrize(
    ("setting", "profile", "region"),
    [(None, None, "us-east-1"), (None, SEOUL, SEOUL), ("eu-west-1", SEOUL, "eu-west-1")],
)
def test_region_of_a_new_bucket(
    setting: str | None,
    profile: str | None,
    region: str,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Use the region of the setting, else of boto3's configuration, else us-east-1."""
    settings.AWS_S3_REGION_NAME = setting
    if profile:
        monkeypatch.setenv("AWS_DEFAULT_REGION", profile)

    assert report("--create")["settings"]["AWS_S3_REGION_NAME"] == region
    assert f'region = "{region}"' in run("--create", "--export", "terraform")

    monkeypatch.setenv("AWS_PROFILE", "of somebody else")  # an export asks no profile
    assert f'region = "{setting or "us-east-1"}"' in run("--create", "--export", "terraform")


def test_blocker(clients: Clients, bucket_name: str) -> None:
    """Plan, but do nothing at all, while no distribution is named."""
    assert states(report())["distribution"] == "conflict"
    assert "distribution" in run().splitlines()[-1]
    with pytest.raises(CommandError, match="--distribution"):
        run("--apply", "--yes")
    assert not is_set_up(clients, bucket_name)


@pytest.mark.parametrize("answer", ["no", "", "y", None])
def test_not_confirmed(
    answer: str | None, clients: Clients, bucket_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Do nothing for any answer but yes, and name --yes if there is no terminal."""
    monkeypatch.setattr("sys.stdin", StringIO("" if answer is None else f"{answer}\n"))

    with pytest.raises(CommandError, match="--yes" if answer is None else None):
        run("--create", "--apply")

    assert not is_set_up(clients, bucket_name)


def test_waiting_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show for how long CloudFront has been deploying the change."""

    def wait(provisioner: Provisioner) -> list[Any]:
        provisioner.on_wait(75)
        raise OSError("ended")

    monkeypatch.setattr(Provisioner, "apply", wait)
    shown = StringIO()
    with pytest.raises(CommandError, match="ended"):
        call_command("cfsigned_setup", *APPLY, stdout=StringIO(), stderr=shown)

    assert "75 s" in shown.getvalue()


def test_proof_behind_an_error_page(
    clients: Clients, set_up_site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prove a setup whose distribution answers 403 with its own error page: the status decides.

    Without a file to ask for, the page may hide anything: that is an error.
    """
    ask = cfsigned_setup.Command.fetch

    def ask_behind_page(url: str, headers: Mapping[str, str]) -> Answer:
        answer = ask(url, headers)
        is_refused = answer.status == 403 and "cloudfront" in url
        return replace(answer, body=b"<!DOCTYPE html><p>Members only") if is_refused else answer

    monkeypatch.setattr(cfsigned_setup.Command, "fetch", staticmethod(ask_behind_page))
    without_a_file = failing_report("--apply")
    clients.s3.put_object(Bucket=set_up_site.AWS_STORAGE_BUCKET_NAME, Key="a.txt", Body=b"private")
    with_a_file = report("--apply")

    refused = ["unsigned-refused", "s3-private"]
    assert proof(with_a_file) == dict.fromkeys(["clock", "signed-served", *refused], "ok")
    assert proof(without_a_file)["html-answer"] == "error"
