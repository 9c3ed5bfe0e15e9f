"""Run manage.py cfsigned_doctor."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from cfsigned_django import keyring
from cfsigned_django.doctor.fetching import Answer
from cfsigned_django.doctor.kinds import finding
from cfsigned_django.lifecycle import KeyStatus
from cfsigned_django.models import KeyPair
from cfsigned_django.signing import Policy, PrivateKey, Signer
from tests.doctor.world import NOW, ORIGIN, World
from tests.storage_cases import DOMAIN, KEY_GROUP_ID, KEY_ID, S3_BACKEND

MODULE = "cfsigned_django.management.commands.cfsigned_doctor"


def run(*arguments: str, **options: Any) -> tuple[str, int]:
    """Run the command; return what it printed, and its exit code."""
    stdout = io.StringIO()
    try:
        call_command("cfsigned_doctor", *arguments, stdout=stdout, no_color=True, **options)
    except SystemExit as end:
        return stdout.getvalue(), int(end.code or 0)
    return stdout.getvalue(), 0


@pytest.fixture
def online(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Let the command reach the emulator and the edge of a healthy site."""
    monkeypatch.setattr(f"{MODULE}._make_clients", lambda storage: world.clients)
    monkeypatch.setattr(f"{MODULE}.make_client", lambda name: world.clients.cloudfront)
    monkeypatch.setattr(f"{MODULE}.fetch", world.fetch)
    monkeypatch.setattr(f"{MODULE}.time", mock.Mock(time=lambda: NOW))
    return world


@pytest.fixture
def signing_site(site: Any, db: None) -> Any:
    """Return a site that can sign, with no AWS behind it."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    keyring.forget()  # what an earlier test has left in the database
    return site


def test_healthy_site(online: World) -> None:
    """Print one line for each thing that is in order, and exit with 0."""
    text, code = run("--object", "albums/1.jpg", "--cors-origin", ORIGIN)

    assert code == 0
    lines = text.splitlines()
    assert lines[-1].startswith("0 errors, 0 warnings, ")
    assert [
        each for each in lines if not re.match(r"ok |note |\s+(why|fix): |0 errors", each)
    ] == []
    assert len(lines) < 30
    assert re.search(rf"^ok +CloudFront has {online.key_pair_id}, .* \[keys\]$", text, re.MULTILINE)


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
    monkeypatch.setattr(f"{MODULE}._make_clients", None)

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
    signing_site.STORAGES["default"]["OPTIONS"] = {"cloudfront_signer": object()}

    text, code = run("--offline", "--json")

    assert json.loads(text)[0]["id"] == "foreign-signer"
    assert code == 0


def store(key: PrivateKey, **fields: Any) -> KeyPair:
    """Save a key pair of the site's key group."""
    row = KeyPair.from_private_key(
        key,
        key_group_id=KEY_GROUP_ID,
        created_at="2026-11-01T00:00:00Z",
        **{"status": KeyStatus.ACTIVE, "active_in": KEY_GROUP_ID, "key_pair_id": KEY_ID, **fields},
    )
    row.save()
    return row


def test_active_key(signing_site: Any, ec_key: PrivateKey) -> None:
    """Say that a key of the database signs."""
    signing_site.AWS_CLOUDFRONT_KEY = signing_site.AWS_CLOUDFRONT_KEY_ID = None
    signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    store(ec_key)

    text, code = run("--offline")

    assert code == 0
    assert f"{KEY_ID} of the database signs (ECDSA_P256). [signing-key]" in text


def test_nothing_signs(signing_site: Any) -> None:
    """Say that neither the settings nor the database hold a key that signs."""
    signing_site.AWS_CLOUDFRONT_KEY = signing_site.AWS_CLOUDFRONT_KEY_ID = None
    signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID

    text, code = run("--offline")

    assert code == 1
    assert f"Key group {KEY_GROUP_ID} has no ACTIVE key pair in the database" in text
    assert "[cannot-sign]" in text


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda row, site: setattr(site, "SECRET_KEY", "another"), "sealed-key"),
        (
            lambda row, site: KeyPair.objects.update(
                public_key=PrivateKey.generate().public_key.to_pem()
            ),
            "sealed-key-differs",
        ),
        (lambda row, site: KeyPair.objects.update(fingerprint="0" * 64), "sealed-key-differs"),
    ],
    ids=["secret", "public-key", "fingerprint"],
)
def test_sealed_keys(
    change: Callable[[KeyPair, Any], object],
    expected: str,
    signing_site: Any,
    ec_key: PrivateKey,
) -> None:
    """Find private keys of the database that are of no use, of keys that shall sign."""
    retired = {"status": KeyStatus.RETIRED, "active_in": None, "key_pair_id": "KRETIRED12345"}
    store(PrivateKey.generate(), **retired)
    row = store(ec_key)
    change(row, signing_site)

    text, code = run("--offline", "--json")

    found = json.loads(text)
    assert code == 1
    assert [each["id"] for each in found if each["level"] == "error"] == [expected]
    assert found[0]["subject"] == f"KeyPair {KEY_ID}"


@pytest.mark.parametrize(("group", "expected"), [(None, []), (KEY_GROUP_ID, ["database"])])
def test_no_database(group: str | None, expected: list[str], signing_site: Any) -> None:
    """Report a database that fails only where keys may come from it."""
    signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = group
    with mock.patch(
        "cfsigned_django.doctor.examination.key_pairs", side_effect=DatabaseError("no table")
    ):
        text, _ = run("--offline", "--json")

    errors = [each["id"] for each in json.loads(text) if each["level"] == "error"]
    assert errors[:1] == expected


def signed(key: PrivateKey, *, until: int, key_pair_id: str = KEY_ID) -> str:
    """Return a URL of the site."""
    signer = Signer(key_pair_id=key_pair_id, private_key=key)
    return signer.sign_url(f"https://{DOMAIN}/a.jpg", date_less_than=until)


def test_explain_offline(signing_site: Any, rsa_key: PrivateKey) -> None:
    """Explain a URL with the keys of the settings."""
    url = signed(rsa_key, until=int(time.time()) - 7200)

    text, code = run("--explain", url, "--offline")

    assert code == 1
    assert "The URL expired 2 h" in text
    assert "[url-expired]" in text
    assert url.partition("Signature=")[2].partition("&")[0] not in text


def test_explain_with_keys_of_the_database(signing_site: Any, ec_key: PrivateKey) -> None:
    """Say what became of a key, and take a URL of an ACTIVE one for good."""
    until = int(time.time()) + 600
    store(ec_key, key_pair_id="KACTIVE123456")
    pending = {"status": KeyStatus.PENDING, "active_in": None, "next_in": KEY_GROUP_ID}
    store(PrivateKey.generate(), key_pair_id=None, **pending)
    revoked = PrivateKey.generate()
    store(
        revoked,
        status=KeyStatus.REVOKED,
        active_in=None,
        key_pair_id="KREVOKED12345",
        revoked_at="2026-11-02T00:00:00Z",
    )
    retired = PrivateKey.generate()
    store(
        retired,
        status=KeyStatus.RETIRED,
        active_in=None,
        key_pair_id="KRETIRED12345",
        retired_at="2026-11-03T00:00:00Z",
    )

    def explain(key: PrivateKey, key_pair_id: str) -> str:
        url = signed(key, until=until, key_pair_id=key_pair_id)
        return run("--offline", "--explain", url)[0]

    good = explain(ec_key, "KACTIVE123456")
    bad = explain(revoked, "KREVOKED12345")
    old = explain(retired, "KRETIRED12345")

    assert "[url-good]" in good
    assert "KREVOKED12345 was revoked on 2026-11-02." in bad
    assert "KRETIRED12345 was retired on 2026-11-03." in old


def test_explain_online(online: World) -> None:
    """Ask the key group, and know every public key of the account."""
    other = PrivateKey.generate()
    key_pair_id = online.add_public_key(other, "another-site")
    online.clients.cloudfront.create_public_key(
        PublicKeyConfig={"CallerReference": "x", "Name": "for-fields", "EncodedKey": "no key"}
    )
    url = signed(other, until=NOW + 600, key_pair_id=key_pair_id)
    own = signed(online.key, until=NOW + 600, key_pair_id=online.key_pair_id)

    foreign, code = run("--explain", url)
    good, _ = run("--explain", own)

    assert code == 1
    assert "[url-key-not-in-group]" in foreign
    assert "[url-unknown-key]" not in foreign
    assert "The key group holds its key. [url-good]" in good


def test_explain_where_aws_is_out_of_reach(online: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Say that AWS could not be asked, which is no fault of the URL's."""
    from tests.doctor.test_failures import Failing, denied

    failing = Failing(online.clients.cloudfront, denied)
    monkeypatch.setattr(f"{MODULE}.make_client", lambda name: failing)
    own = signed(online.key, until=NOW + 600, key_pair_id=online.key_pair_id)

    text, code = run("--explain", own)

    assert code == 0
    assert "[aws-not-asked]" in text


def test_explain_without_a_database(signing_site: Any, rsa_key: PrivateKey) -> None:
    """Explain a URL although the database fails."""
    url = signed(rsa_key, until=int(time.time()) + 600)
    with mock.patch(
        "cfsigned_django.doctor.explanation.key_pairs", side_effect=DatabaseError("no table")
    ):
        text, code = run("--explain", url, "--offline")

    assert code == 0
    assert "[url-good]" in text


def test_explain_with_a_viewer(signing_site: Any, rsa_key: PrivateKey) -> None:
    """Compare the viewer's address with the one that the URL is for."""
    address = f"https://{DOMAIN}/a.jpg"
    policy = Policy(
        resource=address, date_less_than=int(time.time()) + 600, ip_address="192.0.2.0/24"
    )
    url = Signer(key_pair_id=KEY_ID, private_key=rsa_key).sign_url(address, policy=policy)

    within, code = run("--explain", url, "--offline", "--viewer-ip", "192.0.2.1")
    outside, other_code = run("--explain", url, "--offline", "--viewer-ip", "198.51.100.7")

    assert (code, other_code) == (0, 1)
    assert "[url-good]" in within
    assert "for viewers from 192.0.2.0/24, not for 198.51.100.7. [url-address]" in outside


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
    monkeypatch.setattr(f"{MODULE}.make_client", lambda name, **given: made.update({name: given}))
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
    from cfsigned_django.doctor.report import write_report

    one = finding("url-expired", "Expired.", subject="URL")
    *_, last = write_report([one], lambda level, line: line)

    assert last == "1 error, 0 warnings, 0 in order."
