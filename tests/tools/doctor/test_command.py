"""Run manage.py cfsigned_doctor, and manage.py cfsigned_doctor --explain.

Modules: management/commands/cfsigned_doctor.py, tools/doctor/examination.py
"""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from botocore.signers import CloudFrontSigner
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import timezone

from cfsigned_django.core import keyring
from cfsigned_django.core.aws import client
from cfsigned_django.rotation.active import find_active_signer
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import Policy, PrivateKey, Signer
from cfsigned_django.signing.encoding import encode_base64
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.tools.doctor.explain import settings_keys, site_domains, site_key_groups
from tests.core.aws import Account
from tests.core.aws.failing import Failing, denied
from tests.golden import assert_golden
from tests.keyring import make_key_pair
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
from tests.tools.doctor import levels, run
from tests.tools.doctor.conftest import MODULE
from tests.tools.doctor.world import (
    BACKUP,
    KEY_NOT_IN_GROUP,
    NOW,
    OFFICE,
    ORIGIN,
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


def store(key: PrivateKey, **fields: Any) -> KeyPair:
    """Save a key pair of the site's key group."""
    active = {"status": KeyStatus.ACTIVE, "active_in": KEY_GROUP_ID, "key_pair_id": KEY_ID}
    return make_key_pair(key, **{**active, **fields})


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
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = ["tests.cookies.test_middleware.Courses"]

    found, _ = levels("--object", "albums/1.jpg", "--cors-origin", ORIGIN)

    assert found["cors-credentials-missing"] == "warning"


def stored(**fields: Any) -> Change:
    """Return a key pair in the database."""
    return lambda world: store(PrivateKey.generate(), **fields)


def handed_in(signer: object) -> Change:
    """Give the storage a signer by an option."""
    entry = {"BACKEND": S3_BACKEND, "OPTIONS": {"cloudfront_signer": signer}}
    return settings_with(STORAGES={"default": entry})


NO_KEY = settings_with(
    AWS_CLOUDFRONT_KEY=None, AWS_CLOUDFRONT_KEY_ID=None, AWS_CLOUDFRONT_KEY_GROUP_ID=KEY_GROUP_ID
)
#: A key pair that signs, and one that is over, of which nothing is said.
RETIRED = stored(status=KeyStatus.RETIRED, active_in=None, key_pair_id="KRETIRED12345")
STORED = both(RETIRED, lambda _: KeyPair.objects.update(encrypted_private_key=""), stored())
#: Scopes of cookies that browsers do not send to the files.
COOKIES_ELSEWHERE = settings_with(
    AWS_CLOUDFRONT_COOKIE_SCOPES=["tests.cookies.test_middleware.Courses"],
    AWS_CLOUDFRONT_COOKIE_DOMAIN="other.example.org",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "cfsigned_django.middleware.SignedCookiesMiddleware",
    ],
)
NEW_SECRET = "a new secret key, as long as Django wants one: 0123456789"
#: What is found without the network, the errors first -> what is changed of a site that signs.
OFFLINE: list[tuple[str, Change]] = [
    ("signing-key", both()),
    # Checks of the settings, also where no storage can be made.
    ("cfsigned.E004", settings_with(AWS_S3_CUSTOM_DOMAIN=None)),
    ("cfsigned.E003", settings_with(AWS_CLOUDFRONT_KEY=None)),
    ("cfsigned.E052 signing-key", COOKIES_ELSEWHERE),
    ("cfsigned.E004", both(COOKIES_ELSEWHERE, settings_with(AWS_S3_CUSTOM_DOMAIN=None))),
    ("cfsigned.E023 signing-key", settings_with(AWS_CLOUDFRONT_ENCRYPTION_KEYS=["no key"])),
    ("foreign-signer", handed_in(CloudFrontSigner(KEY_ID, lambda message: b"signed"))),
    # Keys of the database: none, one that signs, and such as are of no use.
    ("cannot-sign", NO_KEY),
    ("signing-key", both(NO_KEY, STORED)),
    ("cfsigned.W007 signing-key", both(STORED, settings_with(SECRET_KEY=NEW_SECRET))),
    ("cfsigned.W013 signing-key", RETIRED),  # whose private key must be erased
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
    assert all(each["fix"] or each["level"] == "ok" for each in found)
    assert all(KEY_ID in each["what"] for each in found if each["id"] == "signing-key")
    assert all(("cookies" in each["why"]) is (each["id"][-3:-1] == "05") for each in found)
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


@pytest.mark.parametrize(("asked", "other"), [("a", "b"), ("b", "a")])
def test_errors_of_several_storages(asked: str, other: str, signing_site: Any) -> None:
    """Begin each with its storage; those of the storage that is asked for come first."""
    for broken in ("custom_domain", "custom_domian"):
        options = {"a": {broken: False}, "b": {"url_protocol": "https"}}
        signing_site.STORAGES = {
            name: {"BACKEND": S3_BACKEND, "OPTIONS": each} for name, each in options.items()
        }
        text, _ = run("--offline", "--storage", asked)
        told = re.findall(r"^(?:ERROR|warning) +(\S+) ", text, re.MULTILINE)
        places = [f'STORAGES["{name}"]:' for name in (asked, other)]
        assert [each for each in told if each in places] == places


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


# Which key signs, or why none does


def test_keys_that_cannot_sign(signing_site: Any, rsa_key: PrivateKey) -> None:
    """Name a key that is not of the settings, also if a check says the same of another's."""
    own = {"BACKEND": S3_BACKEND, "OPTIONS": options_for(rsa_key, key_group_id=None)}
    signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key)
    before = signing_site.STORAGES

    with without_sha1():
        changed = World(settings=signing_site)
        handed_in(signer)(changed)
        by_option, wanted = levels("--offline"), changed.examination().wanted()
        signing_site.STORAGES = before
        NO_KEY(World(settings=signing_site))
        store(rsa_key, key_pair_id=OTHER_KEY_ID)
        alone = levels("--offline")
        signing_site.STORAGES = {**before, "own": own}
        text, _ = run("--offline", "--json")

    assert by_option == alone == ({"cannot-sign": "error"}, 1)
    assert wanted.key is None  # what is asked online, and goes on
    found = {each["id"]: each["what"] for each in json.loads(text) if each["level"] == "error"}
    assert "AWS_CLOUDFRONT_KEY" in found["cfsigned.E012"]
    assert OTHER_KEY_ID in found["cannot-sign"]


@pytest.mark.parametrize("group", [None, KEY_GROUP_ID])
def test_no_database(group: str | None, signing_site: Any, rsa_key: PrivateKey) -> None:
    """Report a database that fails only if keys may come from it, and explain a URL anyway."""
    signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = group
    failing = mock.Mock(side_effect=DatabaseError("no table"))
    with (
        mock.patch("cfsigned_django.tools.doctor.examination.primary_rows", failing),
        mock.patch("cfsigned_django.tools.doctor.explain.primary_rows", failing),
    ):
        found, _ = levels("--offline")
        explained, code = levels("--explain", signed(rsa_key), "--offline")

    assert ("database" in found) is (group is not None)
    assert "url-good" in explained
    assert code == 0


@pytest.mark.parametrize("has_key", [False, True])
def test_no_table(has_key: bool, signing_site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
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
    ("group", "days", "expected"),
    [
        (KEY_GROUP_ID, 0, {"rotation-waits": "ok"}),
        (KEY_GROUP_ID, 30, {"rotation-stuck": "warning"}),
        ("another", 30, {}),
        (None, 30, {}),
    ],
)
def test_rotation(
    group: str | None, days: int, expected: dict[str, str], signing_site: Any
) -> None:
    """Say what a rotation of the storage's group waits for, or that it is stuck."""
    signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = group
    moment = timezone.now() - timedelta(days=days)
    retiring = {"active_in": None, "active_at": moment, "retiring_at": moment}
    store(PrivateKey.generate(), status=KeyStatus.RETIRING, **retiring)
    store(PrivateKey.generate(), key_pair_id="KACTIVE1234567")

    text, _ = run("--offline", "--json")

    found = [each for each in json.loads(text) if each["id"].startswith("rotation-")]
    assert {each["id"]: each["level"] for each in found} == expected
    assert all(each["subject"] == f"key group {KEY_GROUP_ID}" for each in found)
    assert all(KEY_ID in each["what"] for each in found)


# Why a URL is refused


def signed(key: PrivateKey, *, key_pair_id: str = KEY_ID, ip_address: str | None = None) -> str:
    """Return a URL of the site, good for ten minutes, for any viewer if nothing else is said."""
    address = f"https://{DOMAIN}/a.jpg"
    until = max(NOW, int(time.time())) + 600  # good by the clock of the site and by that of online
    policy = Policy(resource=address, date_less_than=until, ip_address=ip_address)
    return Signer(key_pair_id=key_pair_id, private_key=key).sign_url(address, policy=policy)


def test_viewer(signing_site: Any, rsa_key: PrivateKey) -> None:
    """Explain a URL to a viewer, whose address is named."""
    url = signed(rsa_key, ip_address="192.0.2.0/24")

    text, code = run("--explain", url, "--offline", "--viewer-ip", "198.51.100.7")

    assert ("[url-address]" in text, code) == (True, 1)


@pytest.mark.parametrize(
    ("status", "columns", "words"),
    [
        ("active", {"active_in": KEY_GROUP_ID}, ["[url-good]"]),
        ("revoked", {"revoked_at": "2026-11-02T00:00:00Z"}, ["[url-key-ended]", "2026-11-02"]),
        ("retired", {"retired_at": "2026-11-03T00:00:00Z"}, ["[url-key-ended]", "2026-11-03"]),
    ],
)
def test_keys_of_the_database(
    status: str, columns: dict[str, Any], words: list[str], signing_site: Any, ec_key: PrivateKey
) -> None:
    """Say what became of a key and when; a URL of an ACTIVE one is fine."""
    pending = {"status": KeyStatus.PENDING, "active_in": None, "next_in": KEY_GROUP_ID}
    store(PrivateKey.generate(), key_pair_id=None, **pending)
    store(ec_key, status=status, key_pair_id=OTHER_KEY_ID, **{"active_in": None, **columns})

    told, _ = run("--offline", "--explain", signed(ec_key, key_pair_id=OTHER_KEY_ID))

    assert all(each in told for each in words)


def test_keys_at_aws(signing_site: Any, rsa_key: PrivateKey, monkeypatch: Any) -> None:
    """Ask the key group of the storage, and know every public key that signs."""
    account, other = Account(api=StrictCloudFront()), PrivateKey.generate()
    own_id = account.upload("site", rsa_key.public_key.to_pem())
    signing_site.AWS_CLOUDFRONT_KEY_ID = own_id
    signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = account.make_group(own_id)
    key_pair_id = account.upload("another-site", other.public_key.to_pem())
    listed = account.api.list_public_keys()
    of_fields = {"Id": "K1FIELDS", "Name": "for-fields", "EncodedKey": "no key"}
    listed["PublicKeyList"]["Items"].append({**listed["PublicKeyList"]["Items"][0], **of_fields})
    monkeypatch.setattr(account.api, "list_public_keys", lambda **given: listed)
    monkeypatch.setattr(f"{MODULE}.make_client", lambda name: account.api)

    foreign, code = levels("--explain", signed(other, key_pair_id=key_pair_id))
    good, _ = levels("--explain", signed(rsa_key, key_pair_id=own_id))

    assert (foreign["url-key-not-in-group"], code) == ("error", 1)
    assert "url-unknown-key" not in foreign
    assert "url-good" in good


def test_aws_is_out_of_reach(signing_site: Any, rsa_key: PrivateKey, monkeypatch: Any) -> None:
    """Report that AWS could not be asked, without blaming the URL."""
    monkeypatch.setattr(f"{MODULE}.make_client", lambda name: Failing(None, denied))

    found, code = levels("--explain", signed(rsa_key))

    assert code == 0
    assert found["aws-unreadable"] == "ok"


PUBLIC = {"BACKEND": S3_BACKEND, "OPTIONS": {"public": ["covers/"], "location": "media"}}


@pytest.mark.parametrize(
    ("entry", "path", "expected"),
    [
        (PUBLIC, "covers/a%20b.jpg", {"unsigned-url": "ok"}),
        (PUBLIC, "albums/1.jpg", {"url-unsigned": "error"}),
        # Only a request knows the location.
        (
            {"BACKEND": "tests.storage_cases.LocationOfRequest"},
            "albums/1.jpg",
            {"url-unsigned": "error"},
        ),
    ],
)
def test_unsigned_url(
    entry: dict[str, Any], path: str, expected: dict[str, str], signing_site: Any
) -> None:
    """Accept an unsigned URL only if the option public says that its file is public."""
    signing_site.STORAGES = {"default": entry}

    found, code = levels("--offline", "--explain", f"https://{DOMAIN}/media/{path}")

    assert (found, code) == (expected, int("error" in expected.values()))


@pytest.mark.parametrize("character", ["\x1b", "\x9b", "\u202e"])
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


class OfAlbums(CloudFrontS3Storage):
    """A storage that has files of albums only."""

    def url(self, name: str | None, *args: Any, **options: Any) -> str:
        """Return the URL of a file of an album."""
        if "albums/" not in str(name):
            raise ValueError(name)
        return super().url(name, *args, **options)


@pytest.mark.parametrize(
    ("backend", "name", "expected"),
    [
        ("tests.storage_cases.OfOtherHost", None, {"changed-url": "error"}),
        ("tests.storage_cases.SomeUnsigned", "public/a.jpg", {"unsigned-url": "ok"}),
        (f"{__name__}.OfAlbums", None, {}),
        (f"{__name__}.OfAlbums", "a.jpg", {"cannot-sign": "error"}),
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

    assert [(each.key_pair_id, each.where) for each in settings_keys()] == [
        (KEY_ID, "AWS_CLOUDFRONT_KEY"),
        (KEY_ID, 'STORAGES["own"]'),
        (KEY_ID, "cfsigned_django.Report.image"),
    ]


def test_key_groups_of_a_host(site: Any) -> None:
    """Compare with the key groups of the storages that have the host, else with all of them."""
    docs = {"custom_domain": "docs.example.com", "key_group_id": "docs"}
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "docs": {"BACKEND": S3_BACKEND, "OPTIONS": docs},
    }

    assert site_domains() == {DOMAIN, "docs.example.com"}
    assert site_key_groups("DOCS.example.com") == {"docs"}
    assert site_key_groups(DOMAIN) == {KEY_GROUP_ID}
    assert site_key_groups("x.example.com") == {"docs", KEY_GROUP_ID}
    any_group = {"BACKEND": S3_BACKEND, "OPTIONS": {"key_group_id": None}}
    site.STORAGES = {**site.STORAGES, "any": any_group}  # a key of any group may have signed
    assert site_key_groups(DOMAIN) == set()
