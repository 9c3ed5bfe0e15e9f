"""Run manage.py cfsigned_doctor."""

from __future__ import annotations

import json
import re
from typing import Any
from unittest import mock

import pytest
from botocore.signers import CloudFrontSigner
from django.core.management import CommandError, call_command

from cfsigned_django.aws import client
from cfsigned_django.doctor.catalog import finding
from cfsigned_django.signing import PrivateKey
from cfsigned_django.viewer import Answer
from tests.doctor.command_line import MODULE, run
from tests.doctor.world import ORIGIN, World
from tests.golden import assert_golden
from tests.storage_cases import S3_BACKEND


def test_healthy_site(online: World) -> None:
    """Print one line for each thing that is in order, and exit with 0."""
    text, code = run("--object", "albums/1.jpg", "--cors-origin", ORIGIN)

    assert code == 0
    assert_golden("doctor-healthy-site", online.anonymous(text))


def test_sick_site(online: World) -> None:
    """Print errors first, each with why and what to do, and exit with 1."""
    online.set_members(online.add_public_key(PrivateKey.generate(), "other"))

    text, code = run("--object", "albums/1.jpg")

    assert code == 1
    first, second, third, *_ = text.splitlines()
    assert first.startswith(f"ERROR    {online.key_pair_id} is not in the key group site (")
    assert first.endswith("[key-not-in-group]")
    assert second == "         why: CloudFront answers InvalidKey (Unknown Key) to every link."
    assert third.startswith("         fix: Add the public key to the key group")
    assert text.splitlines()[-1].startswith("2 errors, 0 warnings, ")


def test_json(online: World) -> None:
    """Print what machines read: a list of findings, with the fields of the contract."""
    text, code = run("--json", "--object", "albums/1.jpg")

    assert code == 0
    found = json.loads(text)
    assert {*found[0]} == {"id", "level", "what", "why", "fix", "subject"}
    assert {each["level"] for each in found} == {"ok"}


def test_offline(signing_site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at settings and database, and touch no network."""
    monkeypatch.setattr(f"{MODULE}.fetch", None)
    monkeypatch.setattr(f"{MODULE}.make_clients", None)

    text, code = run("--offline", "--json")

    assert code == 0
    assert [each["id"] for each in json.loads(text)] == ["settings", "signing-key"]


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("AWS_S3_CUSTOM_DOMAIN", None, ["cfsigned.E004"]),
        ("AWS_CLOUDFRONT_KEY", "no key", ["cfsigned.E007"]),
        ("AWS_CLOUDFRONT_KEY", None, ["cfsigned.E003"]),
        ("AWS_CLOUDFRONT_ENCRYPTION_KEYS", ["no key"], ["cfsigned.E023", "signing-key"]),
        ("AWS_S3_URL_PROTOCOL", "http:", ["cfsigned.W005", "signing-key"]),
    ],
)
def test_settings(setting: str, value: Any, expected: list[str], signing_site: Any) -> None:
    """Report the system checks as findings, also where no storage can be made."""
    setattr(signing_site, setting, value)

    text, code = run("--offline", "--json")

    assert [each["id"] for each in json.loads(text)] == expected
    assert code == (0 if expected[0].startswith("cfsigned.W") else 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--storage", "nobody"), "There is no storage 'nobody' in STORAGES, which has default"),
        (("--storage", "files"), "does not sign URLs"),
        (("--storage", "public"), "its files are public"),
        (("--object", "/"), "--object is the name of a file"),
        (("--object", "../../x"), "--object '../../x': "),
        (("--cors-origin", "app.example.com"), "is no origin"),
        (("--cors-origin", "https://app.example.com/a"), "is no origin"),
        (("--viewer-ip", "home"), "is no IP address"),
    ],
)
def test_wrong_arguments(arguments: tuple[str, ...], words: str, signing_site: Any) -> None:
    """Refuse what cannot be meant, in one sentence."""
    signing_site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "files": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "public": {"BACKEND": S3_BACKEND, "OPTIONS": {"querystring_auth": False}},
    }

    with pytest.raises(CommandError, match=re.escape(words)):
        call_command("cfsigned_doctor", "--offline", *arguments)


def test_foreign_signer(signing_site: Any) -> None:
    """Say that nothing is known of a signer that is not this package's."""
    signing_site.STORAGES["default"]["OPTIONS"] = {
        "cloudfront_signer": CloudFrontSigner("K2JCJMDEHXQW5F", lambda message: b"signed")
    }

    text, code = run("--offline", "--json")

    assert json.loads(text)[0]["id"] == "foreign-signer"
    assert code == 0


def test_nothing_secret_is_printed(online: World) -> None:
    """Print no part of the private key, and no signature, whatever is found."""
    online.between = lambda answer: Answer(status=403, headers=answer.headers, body=b"<html>")

    text, _ = run("--json", "--object", "albums/1.jpg")

    pem = online.key.to_pem().decode()
    assert all(line not in text for line in pem.splitlines()[1:-1])
    assert "Signature=" not in text


def test_clients_of_the_storage(signing_site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for the bucket where the storage says that it is."""
    made: dict[str, dict[str, Any]] = {}
    monkeypatch.setattr(client, "make_client", lambda name, **given: made.update({name: given}))
    signing_site.AWS_S3_REGION_NAME = "eu-west-1"
    signing_site.AWS_S3_ENDPOINT_URL = "http://127.0.0.1:9"
    with (
        mock.patch(f"{MODULE}.Examination.online", lambda self: self.make_clients() and []),
        mock.patch(f"{MODULE}.Examination.offline", return_value=[]),
    ):
        run()

    assert made["cloudfront"] == {}
    assert made["s3"] == {"region_name": "eu-west-1", "endpoint_url": "http://127.0.0.1:9"}
    assert made["sts"] == {"region_name": "eu-west-1"}


def test_plural() -> None:
    """Count one error as one."""
    from cfsigned_django.doctor.findings import write_report

    one = finding("url-expired", "Expired.", subject="URL")
    *_, last = write_report([one], lambda level, line: line)

    assert last == "1 error, 0 warnings, 0 in order."
