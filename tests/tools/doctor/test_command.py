"""Run manage.py cfsigned_doctor, and manage.py cfsigned_doctor --explain.

Modules: management/commands/cfsigned_doctor.py, tools/doctor/examination.py, tools/doctor/local.py,
tools/doctor/known_keys.py
"""

from __future__ import annotations

import io
import json
import re
import time
from datetime import timedelta
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import timezone

from cfsigned_django import keyring
from cfsigned_django.aws import client
from cfsigned_django.rotation.active import find_active_signer
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import Policy, PrivateKey, Signer
from cfsigned_django.signing.encoding import encode_base64
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.tools.doctor.known_keys import settings_keys, site_domains
from tests.aws import Account
from tests.aws.failing import Failing, denied
from tests.golden import assert_golden
from tests.simulation.strict_cloudfront import StrictCloudFront
from tests.storage_cases import (
    DOMAIN,
    KEY_GROUP_ID,
    KEY_ID,
    OTHER_KEY_ID,
    S3_BACKEND,
    options_for,
    without_sha1,
)
from tests.tools.doctor.conftest import MODULE
from tests.tools.doctor.world import (
    BACKUP,
    KEY_NOT_IN_GROUP,
    NOW,
    OFFICE,
    ORIGIN,
    S3,
    Change,
    World,
    behavior,
    both,
    cors,
    cors_policy,
    headers_policy,
    open_like,
    origin,
    policy,
    settings_with,
)


def run(*arguments: str) -> tuple[str, int]:
    """Run the command; return what it printed, and its exit code."""
    stdout = io.StringIO()
    try:
        call_command("cfsigned_doctor", *arguments, stdout=stdout, no_color=True)
    except SystemExit as end:
        return stdout.getvalue(), int(end.code or 0)
    return stdout.getvalue(), 0


def levels(*arguments: str) -> tuple[dict[str, str], int]:
    """Run the command; return the level of each finding by its id, and the exit code."""
    text, code = run(*arguments, "--json")
    return {each["id"]: each["level"] for each in json.loads(text)}, code


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


def test_healthy_site(online: World) -> None:
    """Print one line for each thing that is in order, and exit with 0."""
    text, code = run("--object", "albums/1.jpg", "--cors-origin", ORIGIN)

    assert code == 0
    assert_golden("doctor-healthy-site", text)


def test_broken_site(online: World, site: Any) -> None:
    """Print errors first, each with why and what to do, and exit with 1."""
    broken = both(
        KEY_NOT_IN_GROUP,
        open_like("*.pdf", "media/public/*"),
        behavior(ViewerProtocolPolicy="allow-all", ResponseHeadersPolicyId=None),
        origin(OriginPath="/old"),
        policy({}, BACKUP, OFFICE),
        cors("https://other.example.com"),
        settings_with(AWS_S3_REGION_NAME="eu-west-1"),
    )
    broken(online)

    text, code = run("--object", "albums/1.jpg", "--cors-origin", ORIGIN)

    assert code == 1
    assert_golden("doctor-broken-site", text)


def test_scopes_of_signed_cookies(online: World, site: Any) -> None:
    """Require CORS with credentials as soon as the settings have scopes of signed cookies."""
    headers_policy(cors_policy("own", ORIGIN, override=True))(online)
    asked = ["--object", "albums/1.jpg", "--cors-origin", ORIGIN]
    before, _ = levels(*asked)

    site.AWS_CLOUDFRONT_COOKIE_SCOPES = ["tests.cookies.test_middleware.Courses"]

    assert "cors-credentials-missing" not in before
    assert levels(*asked)[0]["cors-credentials-missing"] == "warning"


def stored(**fields: Any) -> Change:
    """Return a key pair in the database."""
    return lambda world: store(PrivateKey.generate(), **fields)


def rows_with(**columns: object) -> Change:
    """Change columns of each key pair."""
    return lambda world: KeyPair.objects.update(**columns)


def handed_in(signer: object) -> Change:
    """Give the storage a signer by an option."""
    entry = {"BACKEND": S3_BACKEND, "OPTIONS": {"cloudfront_signer": signer}}
    return settings_with(STORAGES={"default": entry})


NO_KEY = settings_with(
    AWS_CLOUDFRONT_KEY=None, AWS_CLOUDFRONT_KEY_ID=None, AWS_CLOUDFRONT_KEY_GROUP_ID=KEY_GROUP_ID
)
#: A key pair that signs, and one that is over, of which nothing is said.
RETIRED = stored(status=KeyStatus.RETIRED, active_in=None, key_pair_id="KRETIRED12345")
STORED = both(RETIRED, rows_with(encrypted_private_key=""), stored())
NEW_SECRET = "a new secret key, as long as Django wants one: 0123456789"
#: What is found without the network, the errors first -> what is changed of a site that signs.
OFFLINE: list[tuple[str, Change]] = [
    ("signing-key", both()),
    # Checks of the settings, also where no storage can be made.
    ("cfsigned.E004", settings_with(AWS_S3_CUSTOM_DOMAIN=None)),
    ("cfsigned.E007", settings_with(AWS_CLOUDFRONT_KEY="no key")),
    ("cfsigned.E003", settings_with(AWS_CLOUDFRONT_KEY=None)),
    ("cfsigned.E023 signing-key", settings_with(AWS_CLOUDFRONT_ENCRYPTION_KEYS=["no key"])),
    ("cfsigned.W005 signing-key", settings_with(AWS_S3_URL_PROTOCOL="http:")),
    ("foreign-signer", handed_in(CloudFrontSigner(KEY_ID, lambda message: b"signed"))),
    # Keys of the database: none, one that signs, and such as are of no use.
    ("cannot-sign", NO_KEY),
    ("signing-key", both(NO_KEY, STORED)),
    ("cfsigned.W007 signing-key", both(STORED, settings_with(SECRET_KEY=NEW_SECRET))),
    ("cfsigned.W013 signing-key", both(STORED, rows_with(fingerprint="0" * 64))),
    (
        "cfsigned.W013 signing-key",
        both(STORED, rows_with(public_key=PrivateKey.generate().public_key.to_pem())),
    ),
    ("cfsigned.W013 signing-key", RETIRED),  # whose private key must be erased
    # Keys that sign, but were encrypted with a previous key.
    (
        "cfsigned.W011 signing-key",
        both(STORED, settings_with(AWS_CLOUDFRONT_ENCRYPTION_KEYS=[Fernet.generate_key()])),
    ),
    (
        "cfsigned.W011 signing-key",
        both(
            STORED,
            settings_with(SECRET_KEY=NEW_SECRET, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]),
        ),
    ),
    (
        "cfsigned.W012 signing-key",
        both(settings_with(SECRET_KEY="weak", SECRET_KEY_FALLBACKS=[]), STORED),
    ),
]


@pytest.mark.parametrize(
    ("expected", "change"), OFFLINE, ids=[f"{at} {ids}" for at, (ids, _) in enumerate(OFFLINE)]
)
def test_offline(
    expected: str, change: Change, signing_site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Examine settings and database without the network; an error is exit code 1."""
    monkeypatch.setattr(f"{MODULE}.fetch", None)
    monkeypatch.setattr(f"{MODULE}.make_clients", None)
    change(World(settings=signing_site))
    keyring.forget()

    text, code = run("--offline", "--json")

    found = json.loads(text)
    assert [each["id"] for each in found] == expected.split()
    assert code == int("cfsigned.E" in expected or "cannot-sign" in expected)
    assert all({*each} == {"id", "level", "what", "why", "fix", "subject"} for each in found)
    assert all(KEY_ID in each["what"] for each in found if each["id"] == "signing-key")
    about = [each for each in found if each["id"] in ("cfsigned.W007", "cfsigned.W013")]
    assert all(each["what"].startswith((f"{KEY_ID} (", "KRETIRED12345 (")) for each in about)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--storage", "nobody"), "'nobody'"),
        (("--storage", "files"), "'files'"),
        (("--storage", "public"), "querystring_auth"),
        (("--object", "/"), "--object"),
        (("--object", "../../x"), "--object '../../x'"),
        (("--object", "covers/a.jpg"), "--object 'covers/a.jpg': It is public"),
        (("--cors-origin", "app.example.com"), "'app.example.com'"),
        (("--cors-origin", "https://app.example.com/a"), "'https://app.example.com/a'"),
        (("--viewer-ip", "home"), "'home'"),
    ],
)
def test_wrong_arguments(arguments: tuple[str, ...], words: str, signing_site: Any) -> None:
    """Refuse what cannot be meant, and name it."""
    signing_site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND, "OPTIONS": {"public": ["covers/"]}},
        "files": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "public": {"BACKEND": S3_BACKEND, "OPTIONS": {"querystring_auth": False}},
    }

    with pytest.raises(CommandError, match=re.escape(words)):
        call_command("cfsigned_doctor", "--offline", *arguments)


def test_clients_of_the_storage(signing_site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for the bucket at the region and endpoint of the storage."""
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


def test_nothing_but_the_emulator(online: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the endpoint that the client knows whether the bucket is private, never AWS instead."""
    fetch = mock.Mock(side_effect=online.fetch)
    monkeypatch.setattr(f"{MODULE}.fetch", fetch)

    found, code = levels("--object", "albums/1.jpg")

    assert (found["s3-private"], code) == ("ok", 0)
    hosts = {urlsplit(each.args[0]).netloc for each in fetch.call_args_list}
    assert hosts == {DOMAIN, urlsplit(S3).netloc}


class TestKeys:
    """The command says which key signs, or why none does."""

    def test_key_that_cannot_sign(self, online: World, site: Any, rsa_key: PrivateKey) -> None:
        """Say once that OpenSSL refuses SHA-1, and examine all that needs no signer."""
        site.AWS_CLOUDFRONT_KEY = rsa_key.to_pem().decode()

        with without_sha1():
            found, code = levels()

        assert code == 1
        assert found["cfsigned.E012"] == "error"
        assert found["unsigned-refused"] == "ok"
        assert not {"signing-key", "cannot-sign", "signed-served"} & found.keys()

    def test_keys_that_cannot_sign(self, signing_site: Any, rsa_key: PrivateKey) -> None:
        """Name a key that is not of the settings, also if a check says the same of another's."""
        own = {"BACKEND": S3_BACKEND, "OPTIONS": options_for(rsa_key, key_group_id=None)}
        signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key)
        before = signing_site.STORAGES

        with without_sha1():
            handed_in(signer)(World(settings=signing_site))
            by_option = levels("--offline")
            signing_site.STORAGES = before
            NO_KEY(World(settings=signing_site))
            store(rsa_key, key_pair_id=OTHER_KEY_ID)
            alone = levels("--offline")
            signing_site.STORAGES = {**before, "own": own}
            text, _ = run("--offline", "--json")

        assert by_option == alone == ({"cannot-sign": "error"}, 1)
        found = {each["id"]: each["what"] for each in json.loads(text) if each["level"] == "error"}
        assert "AWS_CLOUDFRONT_KEY" in found["cfsigned.E012"]
        assert OTHER_KEY_ID in found["cannot-sign"]

    @pytest.mark.parametrize("group", [None, KEY_GROUP_ID])
    def test_no_database(self, group: str | None, signing_site: Any, rsa_key: PrivateKey) -> None:
        """Report a database that fails only if keys may come from it, and explain a URL anyway."""
        signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = group
        failing = mock.Mock(side_effect=DatabaseError("no table"))
        with (
            mock.patch("cfsigned_django.tools.doctor.examination.primary_rows", failing),
            mock.patch("cfsigned_django.tools.doctor.known_keys.primary_rows", failing),
        ):
            found, _ = levels("--offline")
            explained, code = levels("--explain", signed(rsa_key), "--offline")

        assert ("database" in found) is (group is not None)
        assert "url-good" in explained
        assert code == 0

    @pytest.mark.parametrize("has_key", [False, True])
    def test_no_table(
        self, has_key: bool, signing_site: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Say "migrate" once before the first migration, whether or not a key of settings signs."""
        if not has_key:
            NO_KEY(World(settings=signing_site))
        signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
        monkeypatch.setattr(KeyPair._meta, "db_table", "nowhere")
        # As a new process, which knows no key yet.
        keyring.register(find_active_signer, interval=60)

        text, code = run("--offline", "--json")

        found = {each["id"]: each for each in json.loads(text)}
        signs = {"signing-key"} if has_key else set()
        assert ({*found}, code) == ({"database", *signs}, 1)
        assert "manage.py migrate" in found["database"]["fix"]

    @pytest.mark.parametrize(
        ("setting", "group", "days", "expected"),
        [
            (KEY_GROUP_ID, KEY_GROUP_ID, 0, {"rotation-waits": "ok"}),
            (KEY_GROUP_ID, KEY_GROUP_ID, 30, {"rotation-stuck": "warning"}),
            (None, KEY_GROUP_ID, 0, {"rotation-waits": "ok"}),
            (KEY_GROUP_ID, "another", 30, {}),
            (None, None, 30, {}),
        ],
    )
    def test_rotation(
        self,
        setting: str | None,
        group: str | None,
        days: int,
        expected: dict[str, str],
        signing_site: Any,
        ec_key: PrivateKey,
    ) -> None:
        """Say what a rotation of the storage's group waits for, or that it is stuck."""
        signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = setting
        options = {"key_group_id": group}
        signing_site.STORAGES = {
            "default": {"BACKEND": S3_BACKEND, "OPTIONS": options},
            "rotated": {"BACKEND": S3_BACKEND},
        }
        moment = timezone.now() - timedelta(days=days)
        retiring = {"active_in": None, "active_at": moment, "retiring_at": moment}
        store(ec_key, status=KeyStatus.RETIRING, **retiring)
        store(PrivateKey.generate(), key_pair_id="KACTIVE1234567")

        text, _ = run("--offline", "--json")

        found = [each for each in json.loads(text) if each["id"].startswith("rotation-")]
        assert {each["id"]: each["level"] for each in found} == expected
        assert all(each["subject"] == f"key group {KEY_GROUP_ID}" for each in found)
        assert all(KEY_ID in each["what"] for each in found)


# Why a URL is refused


def signed(
    key: PrivateKey, *, key_pair_id: str = KEY_ID, host: str = DOMAIN, **conditions: Any
) -> str:
    """Return a URL of the site, good for ten minutes if nothing else is said."""
    address = f"https://{host}/a.jpg"
    until = max(NOW, int(time.time())) + 600  # good by the clock of the site and by that of online
    policy = Policy(resource=address, **{"date_less_than": until, **conditions})
    return Signer(key_pair_id=key_pair_id, private_key=key).sign_url(address, policy=policy)


@pytest.mark.parametrize(
    ("conditions", "arguments", "expected", "exit_code"),
    [
        ({}, [], "url-good", 0),
        ({"date_less_than": 1_750_000_000}, [], "url-expired", 1),
        ({"ip_address": "192.0.2.0/24"}, ["--viewer-ip", "192.0.2.1"], "url-good", 0),
        ({"ip_address": "192.0.2.0/24"}, ["--viewer-ip", "198.51.100.7"], "url-address", 1),
    ],
)
def test_keys_of_the_settings(
    conditions: dict[str, Any],
    arguments: list[str],
    expected: str,
    exit_code: int,
    signing_site: Any,
    rsa_key: PrivateKey,
) -> None:
    """Explain a URL with the keys of the settings, for a viewer too, and show no signature."""
    url = signed(rsa_key, **conditions)

    text, code = run("--explain", url, "--offline", *arguments)

    assert f"[{expected}]" in text
    assert code == exit_code
    assert url.partition("Signature=")[2].partition("&")[0] not in text


def test_keys_of_the_database(signing_site: Any, ec_key: PrivateKey) -> None:
    """Say what became of a key and when; a URL of an ACTIVE one is fine."""
    pending = {"status": KeyStatus.PENDING, "active_in": None, "next_in": KEY_GROUP_ID}
    store(PrivateKey.generate(), key_pair_id=None, **pending)
    dates: dict[str, dict[str, Any]] = {
        "active": {"active_in": KEY_GROUP_ID},
        "revoked": {"active_in": None, "revoked_at": "2026-11-02T00:00:00Z"},
        "retired": {"active_in": None, "retired_at": "2026-11-03T00:00:00Z"},
    }
    told = {}
    for status, fields in dates.items():
        key, key_pair_id = PrivateKey.generate(), f"K{status.upper()}12345"
        store(key, status=status, key_pair_id=key_pair_id, **fields)
        url = signed(key, key_pair_id=key_pair_id)
        told[status] = run("--offline", "--explain", url)[0]

    assert "[url-good]" in told["active"]
    assert "[url-key-ended]" in told["revoked"]
    assert "2026-11-02" in told["revoked"]
    assert "[url-key-ended]" in told["retired"]
    assert "2026-11-03" in told["retired"]


@pytest.fixture
def account(signing_site: Any, rsa_key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Return an account at AWS, whose key group has the key of the settings."""
    account = Account(api=StrictCloudFront())
    signing_site.AWS_CLOUDFRONT_KEY_ID = account.upload("site", rsa_key.public_key.to_pem())
    group = account.make_group(signing_site.AWS_CLOUDFRONT_KEY_ID)
    signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = group
    monkeypatch.setattr(f"{MODULE}.make_client", lambda name: account.api)
    return account


def test_keys_at_aws(
    account: Account, site: Any, rsa_key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ask the key group, if each storage with the host has one, and know every public key."""
    other = PrivateKey.generate()
    key_pair_id = account.upload("another-site", other.public_key.to_pem())
    listed = account.api.list_public_keys()
    of_fields = {"Id": "K1FIELDS", "Name": "for-fields", "EncodedKey": "no key"}
    listed["PublicKeyList"]["Items"].append({**listed["PublicKeyList"]["Items"][0], **of_fields})
    monkeypatch.setattr(account.api, "list_public_keys", lambda **given: listed)

    foreign, code = levels("--explain", signed(other, key_pair_id=key_pair_id))
    good, _ = levels("--explain", signed(rsa_key, key_pair_id=site.AWS_CLOUDFRONT_KEY_ID))
    docs = {"BACKEND": S3_BACKEND, "OPTIONS": {"key_group_id": None}}
    site.STORAGES = {**site.STORAGES, "docs": docs}
    of_any_group, _ = levels("--explain", signed(other, key_pair_id=key_pair_id))

    assert code == 1
    assert foreign["url-key-not-in-group"] == "error"
    assert "url-unknown-key" not in foreign
    assert "url-good" in good
    assert "url-good" in of_any_group


def test_aws_is_out_of_reach(
    account: Account, site: Any, rsa_key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Report that AWS could not be asked, without blaming the URL."""
    failing = Failing(account.api, denied)
    monkeypatch.setattr(f"{MODULE}.make_client", lambda name: failing)

    found, code = levels("--explain", signed(rsa_key, key_pair_id=site.AWS_CLOUDFRONT_KEY_ID))

    assert code == 0
    assert found["aws-unreadable"] == "ok"


@pytest.mark.parametrize("public", [["covers/"], lambda name: name.startswith("covers/")])
def test_public_name(signing_site: Any, public: Any) -> None:
    """Accept an unsigned URL if the option public says that its file is public."""
    options = {"public": public, "location": "media"}
    signing_site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}

    open_file, code = levels("--offline", "--explain", f"https://{DOMAIN}/media/covers/a%20b.jpg")
    private, _ = levels("--offline", "--explain", f"https://{DOMAIN}/media/albums/1.jpg")

    assert (open_file, code) == ({"unsigned-url": "ok"}, 0)
    assert private == {"url-unsigned": "error"}


def test_location_of_the_request(signing_site: Any) -> None:
    """Explain a URL of a site with a storage whose location only a request knows."""
    backend = "tests.storage_cases.LocationOfRequest"
    signing_site.STORAGES = {"default": {"BACKEND": backend, "OPTIONS": {}}}

    found, code = levels("--offline", "--explain", f"https://{DOMAIN}/media/albums/1.jpg")

    assert (found, code) == ({"url-unsigned": "error"}, 1)


def test_two_key_groups(account: Account, site: Any) -> None:
    """Compare with the key group of the storage that has the host, else with all of them."""
    other = PrivateKey.generate()
    key_pair_id = account.upload("docs", other.public_key.to_pem())
    options = {
        "custom_domain": "docs.example.com",
        "key_group_id": account.make_group(key_pair_id, name="docs"),
        "cloudfront_key": other.to_pem().decode(),
        "cloudfront_key_id": key_pair_id,
    }
    site.STORAGES = {**site.STORAGES, "docs": {"BACKEND": S3_BACKEND, "OPTIONS": options}}

    own, of_the_other, nobodys = (
        run("--explain", signed(other, key_pair_id=key_pair_id, host=host))[0]
        for host in ("DOCS.example.com", DOMAIN, "x.example.com")
    )

    assert "[url-good]" in own
    assert "[url-key-not-in-group]" in of_the_other
    assert site.AWS_CLOUDFRONT_KEY_GROUP_ID in of_the_other
    assert options["key_group_id"] not in of_the_other
    assert "[url-other-domain]" in nobodys
    assert "[url-key-not-in-group]" not in nobodys


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\x9b", "\x7f", "\r", "\u202e", "\u2028"])
def test_control_characters(signing_site: Any, character: str) -> None:
    """Print no character of a URL that a terminal would obey, also from inside its policy."""
    resource = f"https://{DOMAIN}/{character}[2Ja.jpg\nok       fine [url-good]"
    statement = {"Resource": resource, "Condition": {"DateLessThan": {"AWS:EpochTime": NOW + 9}}}
    policy = json.dumps({"Statement": [statement]}, separators=(",", ":"))
    url = (
        f"https://evil{character}.example.com/a.jpg?Policy={encode_base64(policy.encode())}"
        f"&Signature=c2ln&Key-Pair-Id={KEY_ID}{character}"
    )

    text, _ = run("--offline", "--explain", url)

    assert [each for each in text if not each.isprintable() and each != "\n"] == []
    assert not any(line.startswith("ok") for line in text.splitlines())


class FailsForProbe(CloudFrontS3Storage):
    """A storage of another kind."""

    def url(self, name: str | None, *args: Any, **options: Any) -> str:
        """Return the URL of a file of an album."""
        album, number = str(name).split("/")
        return super().url(f"{album}/{int(number)}.jpg", *args, **options)


@pytest.mark.parametrize(
    ("backend", "name", "expected"),
    [
        ("tests.storage_cases.OfOtherHost", None, {"changed-url": "error"}),
        ("tests.storage_cases.OtherHost", "a.jpg", {"changed-url": "error"}),
        ("tests.storage_cases.SomeUnsigned", "public/a.jpg", {"unsigned-url": "ok"}),
        ("tests.storage_cases.SomeUnsigned", "a.jpg", {}),
        (f"{__name__}.FailsForProbe", None, {}),
        (f"{__name__}.FailsForProbe", "albums/42", {}),
        (f"{__name__}.FailsForProbe", "albums/x", {"cannot-sign": "error"}),
    ],
)
def test_class_with_its_own_url(
    backend: str, name: str | None, expected: dict[str, str], signing_site: Any
) -> None:
    """Report a class whose url() changes what was signed, also without the network."""
    signing_site.STORAGES = {"default": {"BACKEND": backend}}
    found, code = levels("--offline", *(["--object", name] if name else []))
    ours = {"changed-url", "unsigned-url", "cannot-sign"}
    assert {each: found[each] for each in ours & found.keys()} == expected
    assert code == int("error" in expected.values())
    if "changed-url" in expected:
        text, _ = run("--offline", *(["--object", name] if name else []))
        assert "storage_cases.OtherHost.url()" in text
        assert "Signature=" not in text


def test_keys_of_settings_and_models(site: Any, fields: Any, ec_key: PrivateKey) -> None:
    """List the keys of aliases and file fields, without those that cannot be read."""
    bad = {**options_for(ec_key), "cloudfront_key": "no key"}
    site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "own": {"BACKEND": S3_BACKEND, "OPTIONS": options_for(ec_key)},
        "bad": {"BACKEND": S3_BACKEND, "OPTIONS": bad},
        "none": {"BACKEND": S3_BACKEND, "OPTIONS": {"cloudfront_key": None}},
    }
    fields(image=CloudFrontS3Storage(**options_for(ec_key)))
    found = [(each.key_pair_id, each.where) for each in settings_keys()]
    domains = site_domains()

    assert found == [
        (KEY_ID, "AWS_CLOUDFRONT_KEY"),
        (KEY_ID, 'STORAGES["own"]'),
        (KEY_ID, "cfsigned_django.Report.image"),
    ]
    assert domains == {DOMAIN}
