"""Test the rotation of a site: its settings' key, and the storages that sign apart from it.

Modules: rotation/site.py, rotation/importing.py, rotation/active.py, storage/site_storages.py
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from copy import deepcopy
from typing import Any, TypeAlias
from unittest.mock import ANY

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.test import override_settings
from django.utils import timezone, translation

from cfsigned_django.checks import check_encrypted_keys
from cfsigned_django.core import keyring
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.rotation.store import RotationError
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.storage.site_storages import find_storage
from cfsigned_django.tools.doctor.examination import check_signer
from tests.golden import assert_golden
from tests.management import Ran
from tests.rotation import ECDSA, Shell, change, fresh, plain
from tests.storage_cases import S3_BACKEND, OfRequest, expiry_of, parameters_of, without_sha1

OTHER_GROUP = "00000000-1111-4222-8333-444444444444"
OTHER_ID = "K2JCJMDEHXQW5F"

AddStorage: TypeAlias = Callable[..., None]


@pytest.fixture
def add_storage(shell: Shell, site: Any) -> AddStorage:
    """Return what adds a storage to the site, by its alias and OPTIONS."""

    def add(alias: str, **options: Any) -> None:
        storage = {"BACKEND": S3_BACKEND, "OPTIONS": options}
        site.STORAGES = {**site.STORAGES, alias: storage}

    return add


ANOTHER = {
    "cloudfront_key": PrivateKey.generate().to_pem().decode(),
    "cloudfront_key_id": OTHER_ID,
}


# Why nothing signs


def revoked(site: Any, shell: Shell) -> None:
    """Revoke the key of the settings, and have no other key."""
    shell.run("--import")
    ended = {"active_in": None, "revoked_at": timezone.now(), "encrypted_private_key": ""}
    change(KeyPair.objects.get(), status="revoked", **ended)


def with_old_encryption(site: Any, shell: Shell) -> None:
    """Encrypt the next key with something else than AWS_CLOUDFRONT_ENCRYPTION_KEYS."""
    shell.run("--start")
    site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [Fernet.generate_key()]


def without_its_encryption(site: Any, shell: Shell) -> None:
    """Replace the encryption key of the ACTIVE key pair, while the settings have a key as well."""
    site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [Fernet.generate_key()]
    shell.imported()
    site.AWS_CLOUDFRONT_KEY, site.AWS_CLOUDFRONT_KEY_ID = ANOTHER.values()
    site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [Fernet.generate_key()]


#: What is there instead of a key that signs -> the step that the error must name.
SILENCES: dict[str, tuple[Callable[[Any, Shell], object], str]] = {
    "no key": (lambda site, shell: None, "cfsigned_rotate --start"),
    "a revoked key": (revoked, "cfsigned_rotate --start"),
    "an ACTIVE key without its encryption": (without_its_encryption, "cfsigned_rotate --start"),
    "a new key": (lambda site, shell: shell.run("--start"), "cfsigned_rotate --wait"),
    "an untrusted encryption": (with_old_encryption, "cfsigned_rotate --start"),
    "a trusted key": (
        lambda site, shell: shell.run_all(["--start"], []),
        "cfsigned_rotate --wait",
    ),
}


def tell_silence() -> str:
    """Return why nothing signs, which url(), check and doctor say alike, whatever the language."""
    keyring.forget()
    with translation.override("ko"), pytest.raises(ImproperlyConfigured) as raised:
        storages["default"].url("a.jpg")
    [warned] = [
        each.msg
        for each in check_encrypted_keys(databases=["default"])
        if each.id == "cfsigned.W014"
    ]
    found = check_signer(find_storage("default"), "default")
    assert str(raised.value) == warned == f"{found.what} {found.fix}"
    return warned


def test_silence_is_told(shell: Shell, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the keys that there are and the one step that helps: --start only if no key waits."""
    key, key_id = site.AWS_CLOUDFRONT_KEY, site.AWS_CLOUDFRONT_KEY_ID
    told = {}
    for name, (arrange, step) in SILENCES.items():
        is_set = name == "a revoked key"
        site.AWS_CLOUDFRONT_KEY = key if is_set else None
        site.AWS_CLOUDFRONT_KEY_ID = key_id if is_set else None
        arrange(site, shell)

        text = told[name] = tell_silence()

        assert (step in text, "--start" in text) == (True, "--start" in step)
        waiting = KeyPair.objects.exclude(next_in=None).first()
        assert str(waiting or "") in text
        KeyPair.objects.all().delete()
        shell.begin()
        site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = []
    with monkeypatch.context() as patch:
        patch.setattr(KeyPair._meta, "db_table", "nowhere")
        told["no table"] = tell_silence()

    assert "manage.py migrate" in told["no table"]
    assert "cfsigned_rotate" not in told["no table"]
    words = "\n".join(f"{name}: {text}" for name, text in told.items())
    assert_golden("no-key-signs", re.sub(r"after .* UTC\.", "after <time>.", plain(words)))


# Which key is imported


class Fails(CloudFrontS3Storage):
    """Need something that this machine has not."""

    environment: Mapping[str, str] = {}

    def __init__(self, **options: Any) -> None:
        super().__init__(bucket_name=self.environment["BUCKET"], **options)


#: Sign with the key of the settings, which only OPTIONS hold then.
OWN: dict[str, Any] = {}
OTHER_SIGNER = Signer(key_pair_id=OTHER_ID, private_key=PrivateKey.generate())


@pytest.mark.parametrize(
    ("storages", "named", "reason"),
    [
        ({"default": OWN}, set(), ""),
        ({"default": OWN, "media": OWN}, set(), ""),
        ({"default": OWN, "media": {"key_group_id": OTHER_GROUP, **ANOTHER}}, set(), ""),
        ({"default": OWN, "media": ANOTHER}, {"default", "media"}, OTHER_ID),
        # The key of the settings counts even if no storage of STORAGES signs with it.
        ({"default": {"cloudfront_signer": OTHER_SIGNER}}, set(), ""),
        # While it is not known with which key a storage signs, nothing is imported.
        ({"reports": Fails}, {"reports"}, "KeyError: 'BUCKET'"),
        ({"reports": {"cloudfront_key": ""}}, {"reports"}, "cfsigned.E003"),
        # It would lose its key, or keep it too long; tests/checks has each way in which it can.
        ({"invoices": {"key_group_id": None}}, {"invoices"}, ""),
        # Another group's key, and a storage that does not work, are left alone.
        ({"invoices": {"key_group_id": OTHER_GROUP, **ANOTHER}}, set(), ""),
        ({"broken": {"key_group_id": None, "expire_step": -1}}, set(), ""),
    ],
)
def test_import(
    shell: Shell, site: Any, storages: dict[str, Any], named: set[str], reason: str
) -> None:
    """Import the one key that signs, once; else name the storages, and change nothing."""
    own = {
        "cloudfront_key": site.AWS_CLOUDFRONT_KEY,
        "cloudfront_key_id": site.AWS_CLOUDFRONT_KEY_ID,
    }
    if is_in_options := storages.get("default") is OWN:
        site.AWS_CLOUDFRONT_KEY = site.AWS_CLOUDFRONT_KEY_ID = None
    for alias, options in storages.items():
        entry = {"BACKEND": S3_BACKEND, "OPTIONS": own if options is OWN else options}
        failing = {"BACKEND": f"{__name__}.Fails"}
        site.STORAGES = {**site.STORAGES, alias: failing if options is Fails else entry}
    if is_in_options and not named:  # A note names it: it has no age.
        assert shell.settings_key_id in shell.run("--max-age", "90d").out

    ran = shell.run("--import")

    assert ran.code == (1 if named else 0)
    assert set(re.findall(r'STORAGES\["(\w+)"\]', ran.err)) == named
    assert reason in ran.err
    rows = [(row.status, str(row)) for row in KeyPair.objects.all()]
    assert rows == ([] if named else [("active", shell.settings_key_id)])
    again = [shell.run("--import", *options).code for options in ([], ["--dry-run"])]
    assert again == [ran.code, ran.code]


# A domain for each tenant


class GroupOfRequest(OfRequest):
    """A storage whose key group only a request knows, too."""

    @property
    def key_group_id(self) -> str:
        """Fail outside a request."""
        raise LookupError("no request is being served")


@pytest.mark.parametrize("cls", [OfRequest, GroupOfRequest])
def test_domain_of_a_tenant(shell: Shell, site: Any, cls: type[OfRequest]) -> None:
    """Rotate the key group of the settings if no storage knows its domain without a request."""
    backend = f"{cls.__module__}.{cls.__name__}"
    site.STORAGES = {**site.STORAGES, "default": {"BACKEND": backend}}
    site.AWS_LOCATION = "media files"
    site.AWS_CLOUDFRONT_KEY = site.AWS_CLOUDFRONT_KEY_ID = None

    assert shell.run_all(["--start"], [], []) == [0, 0, 75]
    shell.wait(301)
    assert shell.run().code == 0

    assert KeyPair.objects.get().status == "active"
    probed = {url.partition("?")[0] for url in shell.probed}
    assert probed == {f"https://{site.AWS_S3_CUSTOM_DOMAIN}/media%20files/.cfsigned-probe"}
    assert site_rotation().settings_keys() == []


def test_no_domain_to_probe(shell: Shell, site: Any) -> None:
    """Name the setting if neither it nor a storage knows a domain; nothing is activated."""
    site.STORAGES = {**site.STORAGES, "default": {"BACKEND": "tests.storage_cases.OfRequest"}}
    site.AWS_S3_CUSTOM_DOMAIN = None
    assert shell.run_all(["--start"], []) == [0, 0]

    ran = shell.run()

    assert (ran.code, KeyPair.objects.get().status) == (1, "trusted")
    assert "AWS_S3_CUSTOM_DOMAIN" in ran.err


# A storage that cannot be made


class NamesItsGroup(Fails):
    """Name a key group in its class."""

    key_group_id = OTHER_GROUP


class DefaultsFail(CloudFrontS3Storage):
    """Need for every option what this machine has not."""

    def get_default_settings(self) -> dict[str, Any]:
        """Fail."""
        raise LookupError("no vault")


class Repeats(CloudFrontS3Storage):
    """Repeat its options in an error."""

    def __init__(self, **options: Any) -> None:
        raise ValueError(f"bad options {options}")


class OfVault(Fails):
    """Know its domain in requests only, and fail for another reason."""

    @property
    def custom_domain(self) -> str:
        """Fail outside a request."""
        raise LookupError("no tenant")

    @custom_domain.setter
    def custom_domain(self, value: str) -> None:
        """Ignore the setting."""


MISTYPED = {"buket_name": "media"}
#: How STORAGES["archive"] is broken, and whether the key group of the settings waits to activate.
BROKEN: dict[str, tuple[Any, bool]] = {
    "names the group": ({"BACKEND": S3_BACKEND, "OPTIONS": MISTYPED}, True),
    "names none": ({"BACKEND": S3_BACKEND, "OPTIONS": MISTYPED}, True),
    "does not sign": (
        {"BACKEND": S3_BACKEND, "OPTIONS": {**MISTYPED, "querystring_auth": False}},
        True,
    ),
    "names another": (
        {"BACKEND": S3_BACKEND, "OPTIONS": {**MISTYPED, "key_group_id": OTHER_GROUP}},
        False,
    ),
    "its class names another": ({"BACKEND": f"{__name__}.NamesItsGroup"}, False),
    "its class fails": ({"BACKEND": f"{__name__}.Fails"}, True),
    "half a key": ({"BACKEND": S3_BACKEND, "OPTIONS": {"cloudfront_key": ""}}, True),
    "its defaults fail": (
        {"BACKEND": f"{__name__}.DefaultsFail", "OPTIONS": {"key_group_id": OTHER_GROUP}},
        False,
    ),
    "no such class": ({"BACKEND": "nowhere.Storage"}, True),
    "a module that fails": ({"BACKEND": "tests.rotation.fails.Storage"}, True),
    "no options": ({"BACKEND": S3_BACKEND, "OPTIONS": None}, True),
    "a list of options": ({"BACKEND": S3_BACKEND, "OPTIONS": ["media"]}, True),
    "no entry": (None, True),
    "fails, and knows its domain in requests": ({"BACKEND": f"{__name__}.OfVault"}, True),
}


def waits_for_archive(ran: Ran) -> bool:
    """Return whether a step waits for the broken alias: a blocker without an end, and exit code 1.

    It names the alias and its error, and the error repeats it.
    """
    [*blockers] = [each for each in ran.report["blockers"] if 'STORAGES["archive"]' in each["what"]]
    assert all(each["until"] is None and each["what"] in ran.err for each in blockers)
    assert (ran.code == 1) is bool(blockers)
    return bool(blockers)


@pytest.mark.parametrize("is_alone", [False, True], ids=["", "alone"])
@pytest.mark.parametrize("how", [None, *BROKEN])
def test_broken_alias(shell: Shell, site: Any, how: str | None, is_alone: bool) -> None:
    """An alias that cannot be made holds up what could lose its files, and no emergency."""
    healthy: tuple[Any, bool] = ({"BACKEND": S3_BACKEND}, False)
    entry, is_own = deepcopy(BROKEN[how]) if how else healthy
    if how == "names the group":
        entry["OPTIONS"]["key_group_id"] = shell.key_group_id
    if is_alone and (is_own or how is None):  # else no storage would have the key group
        site.STORAGES = {}
    site.STORAGES = {**site.STORAGES, "archive": entry}

    assert waits_for_archive(shell.run("--import", "--json")) is bool(how)
    former = KeyPair.objects.first() or shell.imported()
    started = shell.run("--start", "--json")
    assert (started.code, 'STORAGES["archive"]' in "".join(started.report["notes"])) == (
        0,
        bool(how),
    )
    trusted = shell.run("--json")
    assert "starts to trust" in trusted.report["did"]
    assert waits_for_archive(trusted) is is_own
    waits_for_archive(shell.run("--json"))  # probes
    new = KeyPair.objects.get(status="trusted")
    assert new.verified_since is not None  # The key waits meanwhile, through what there is.
    shell.wait(301)
    assert waits_for_archive(shell.run("--json")) is is_own
    assert fresh(new).status == ("trusted" if is_own else "active")
    if is_own:
        assert waits_for_archive(shell.run("--wait", "--json"))
        shell.rotation().activate(fresh(new), now=shell.now)
    shell.wait(8 * 86400)
    dry = shell.run("--dry-run", "--json")
    assert (dry.code, len(dry.report["blockers"])) == (0, int(bool(how)))
    also_did = shell.run("--start", "--json")
    assert (also_did.report["did"], waits_for_archive(also_did)) == (ANY, bool(how))
    assert waits_for_archive(shell.run("--json")) is bool(how)
    assert fresh(former).status == ("retiring" if how else "retired")

    revoked = shell.run("--revoke", str(new), "--no-input", "--json")
    assert fresh(new).status == "revoked"
    assert ('STORAGES["archive"]' in "".join(revoked.report["notes"])) is bool(how)
    assert str(new) not in shell.members


def test_broken_alias_of_another_group(shell: Shell, site: Any, add_storage: AddStorage) -> None:
    """An alias that names no key group holds up the group of the settings, and no other one."""
    premium = shell.account.make_group(shell.account.upload("premium"), name="premium")
    add_storage("premium", key_group_id=premium, cloudfront_key=None, cloudfront_key_id=None)
    add_storage("archive", **MISTYPED)
    named = ["--key-group", premium]

    assert shell.run_all(["--start", *named], named, named) == [0, 0, 75]
    shell.wait(301)
    assert shell.run(*named).code == 0
    assert KeyPair.objects.get().status == "active"


@pytest.mark.parametrize("entry", [{"BACKEND": S3_BACKEND, "OPTIONS": MISTYPED}, None])
def test_revocation_of_a_group_that_nothing_names(shell: Shell, site: Any, entry: Any) -> None:
    """Revoke a key whose only storage is broken in a way that hides its group."""
    premium = shell.account.make_group(shell.account.upload("premium"), name="premium")
    named = ["--key-group", premium]
    site.STORAGES = {"premium": {"BACKEND": S3_BACKEND, "OPTIONS": {"key_group_id": premium}}}
    assert shell.run_all(["--start", *named], named) == [0, 0]
    key_pair = KeyPair.objects.get()

    site.STORAGES = {"premium": entry}
    assert shell.run("--revoke", str(key_pair), "--no-input", *named).code == 0
    assert fresh(key_pair).status == "revoked"


def test_age_of_a_key_that_is_not_known(shell: Shell, site: Any) -> None:
    """Begin no rotation if the only storage cannot be made: its key may sign elsewhere."""
    site.STORAGES = {"archive": {"BACKEND": S3_BACKEND, "OPTIONS": {**MISTYPED}}}
    site.AWS_CLOUDFRONT_KEY = site.AWS_CLOUDFRONT_KEY_ID = None
    ran = shell.run("--max-age", "90d", "--json")
    assert 'STORAGES["archive"]' in "".join(ran.report["notes"])
    assert KeyPair.objects.count() == 0


def test_error_with_a_secret(shell: Shell, site: Any) -> None:
    """Show no secret of the entry that its error repeats."""
    options = {"secret_key": "wJalrXUtnFEMI", "buket_name": "wJalrXUtnFEMI"}
    site.STORAGES = {
        **site.STORAGES,
        "archive": {"BACKEND": f"{__name__}.Repeats", "OPTIONS": options},
    }
    ran = shell.run("--start")
    assert "archive" in ran.out
    assert "wJalr" not in ran.out + ran.err


def test_nothing_to_probe(shell: Shell, site: Any) -> None:
    """A key is trusted, also by hand, and waits for the alias if there is no domain to probe."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    site.STORAGES = {"archive": {"BACKEND": S3_BACKEND, "OPTIONS": MISTYPED}}

    assert shell.run("--start").code == 0
    assert [waits_for_archive(shell.run("--json")) for _ in range(2)] == [True, True]
    assert (KeyPair.objects.get().verified_since, shell.probed) == (None, [])


# A key group for each of several storages


def test_each_key_group_is_rotated(shell: Shell, site: Any, add_storage: AddStorage) -> None:
    """Rotate the key group that is named: its storage alone gets its key, and is probed."""
    premium = shell.account.make_group(shell.account.upload("premium"), name="premium")
    add_storage("premium", key_group_id=premium, cloudfront_key=None, cloudfront_key_id=None)
    named = ["--key-group", premium]
    shell.run_all(["--import"], ["--start"])
    with pytest.raises(ImproperlyConfigured, match=f"--start --key-group {premium}"):
        storages["premium"].url("a.jpg")

    assert shell.run_all(["--start", *named], named, named) == [0, 0, 75]
    shell.wait(301)
    assert shell.run("--json", *named).report["key_group_id"] == premium

    rows = {row.key_group_id: row for row in KeyPair.objects.filter(status="active")}
    assert rows.keys() == {shell.key_group_id, premium}
    assert str(rows[shell.key_group_id]) == shell.settings_key_id
    assert str(rows[premium]) in shell.account.group_config(premium)["Items"]
    assert str(rows[premium]) not in shell.members
    keyring.forget()
    for alias, group in (("default", shell.key_group_id), ("premium", premium)):
        url = parameters_of(storages[alias].url("a.jpg"))
        assert url["Key-Pair-Id"] == str(rows[group])

    ran = shell.run("--revoke", str(rows[premium]), "--no-input")
    assert ran.code == 1
    assert shell.key_group_id in ran.err


@pytest.mark.parametrize("group", ["", OTHER_GROUP, "K2JCJMDEHXQW5F"])
def test_key_group_of_no_storage(shell: Shell, site: Any, group: str) -> None:
    """Refuse a key group for which no storage signs, with what to set; nothing is generated."""
    if not group:
        site.STORAGES = {"default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}

    ran = shell.run("--start", *(["--key-group", group] if group else []))

    assert (ran.code, KeyPair.objects.count()) == (1, 0)
    assert f"{group}. Set" in ran.err
    assert "key_group_id" in ran.err


def test_key_of_another_storage_is_not_retired(
    shell: Shell, site: Any, add_storage: AddStorage
) -> None:
    """The public key stays while a storage that came later signs with it, also by hand."""
    shell.run_all(["--import"], ["--start"], [], [])
    shell.wait(301)
    shell.run()
    shell.wait(8 * 86400)
    add_storage("invoices", key_group_id=None)

    ran = shell.run()

    assert (ran.code, 'STORAGES["invoices"]' in ran.err) == (1, True)
    assert shell.settings_key_id in shell.members

    site.AWS_CLOUDFRONT_BY_HAND = True
    (blocker,) = shell.run("--json").report["blockers"]
    assert 'STORAGES["invoices"]' in blocker["what"]


# Probes through the storages


def hashes(shell: Shell) -> list[str | None]:
    """Return the hash of each probe that was sent."""
    return [parameters_of(url).get("Hash-Algorithm") for url in shell.probed]


def test_hash_of_the_settings(shell: Shell, site: Any) -> None:
    """Probe RSA keys if OpenSSL refuses SHA-1 and the setting names SHA256, else name that."""
    site.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA256"
    with without_sha1():
        start = ["--start", "--algorithm", "RSA_2048"]
        assert shell.run_all(["--import"], start, [], []) == [0, 0, 0, 75]
    assert KeyPair.objects.get(status="trusted").verified_since is not None
    assert set(hashes(shell)) == {"SHA256"}
    KeyPair.objects.all().delete()

    site.AWS_CLOUDFRONT_HASH_ALGORITHM = None
    with without_sha1():
        ran = shell.run("--import")
    assert (ran.code, KeyPair.objects.exists()) == (1, False)
    assert shell.settings_key_id in ran.err
    assert "AWS_CLOUDFRONT_HASH_ALGORITHM" in ran.err


def test_hash_of_each_storage(shell: Shell, site: Any, add_storage: AddStorage) -> None:
    """Probe as each storage signs, if one of them names another hash."""
    site.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA256"
    add_storage("old", hash_algorithm="SHA1")

    assert shell.run("--import").code == 0
    assert sorted(hashes(shell), key=str) == [None, "SHA256"]


@pytest.mark.parametrize("result", [each for each in ProbeResult if each is not ProbeResult.GOOD])
def test_one_domain_of_several_counts(
    shell: Shell, add_storage: AddStorage, result: ProbeResult
) -> None:
    """If one domain of the key group answers anything but good, the key does not work."""
    add_storage("other", custom_domain="other.example.com")
    rotation = site_rotation(
        probe=lambda url: result if "other." in url else ProbeResult.GOOD,
        key_groups=shell.account.over(shell.account.api),
    )
    key_pair = rotation.start(algorithm=ECDSA, now=shell.now)
    rotation.trust(key_pair, now=shell.now)

    with pytest.raises(RotationError) if result.needs_a_person else nullcontext():
        assert rotation.check(key_pair, now=shell.now) is result

    assert (key_pair.status, key_pair.verified_since) == ("trusted", None)


def test_links_live_as_long_as_a_rotation_waits(shell: Shell, site: Any) -> None:
    """AWS_CLOUDFRONT_MAX_EXPIRE and a step limit every URL; each retirement waits that long."""
    site.AWS_CLOUDFRONT_MAX_EXPIRE, site.AWS_CLOUDFRONT_EXPIRE_STEP = 30 * 86_400, 600
    storage = CloudFrontS3Storage(max_expire=30 * 86_400, expire_step=3600)

    waits = site_rotation().waits

    assert waits.url_lifetime == 30 * 86_400 + 600
    assert expiry_of(storage.url("a.jpg")) <= time.time() + waits.url_lifetime
    site.AWS_CLOUDFRONT_MAX_EXPIRE = "7 days"
    with pytest.raises(ImproperlyConfigured, match=r"cfsigned\.E014"):
        site_rotation()


def test_waits_of_the_installed_app(shell: Shell, site: Any) -> None:
    """Take the waits of an app that a subclass installs: not the settings."""
    before = site_rotation()
    others = [each for each in site.INSTALLED_APPS if each != "cfsigned_django"]
    with override_settings(INSTALLED_APPS=[*others, "tests.processes.site.ShortWaits"]):
        after = site_rotation()

    waits = [(each.waits.keyring, each.waits.clock_skew) for each in (before, after)]
    assert waits == [(120, 120), (2, 1)]
    assert [each.store.claim_seconds for each in (before, after)] == [60, 3]
