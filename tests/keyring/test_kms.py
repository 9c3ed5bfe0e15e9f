"""Encrypt private keys of the database with KMS keys.

Modules: aws/kms.py
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from cryptography.fernet import Fernet
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cfsigned_django import keyring
from cfsigned_django.aws import kms
from cfsigned_django.aws.client import make_client
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.doctor.local import check_key_pairs
from cfsigned_django.encryption import CannotDecrypt, NotItsKey, decrypt, encrypt
from cfsigned_django.rotation import active
from cfsigned_django.rotation.active import find_active_signer
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import Encryption, KeyPair
from cfsigned_django.rotation.reencryption import Verdict, examine
from cfsigned_django.rotation.site import site_rotation
from cfsigned_django.signing import PrivateKey
from tests.keyring import KEY_GROUP_ID, make_key_pair
from tests.leaks import everything_of, fragments
from tests.ministack_server import Ministack
from tests.plugins_aws import (
    aws_account as aws_account,
    ministack as ministack,
    no_aws_configuration as no_aws_configuration,
)
from tests.storage_cases import S3_BACKEND, parameters_of

FERNET = Fernet.generate_key().decode()
CONTEXT = {"of": "a row"}


class Kms:
    """KMS in the emulator, and the calls that reached it, or tried to."""

    def __init__(self, endpoint_url: str, patch: pytest.MonkeyPatch) -> None:
        self._endpoint_url, self._patch = endpoint_url, patch
        session = boto3.Session(region_name="eu-central-1")
        self.client = session.client("kms", endpoint_url=endpoint_url)
        self.calls: list[str] = []
        #: How many seconds a call takes.
        self.delay = 0.0
        #: How many calls of one kind it answers.
        self.limit = math.inf
        patch.setenv("AWS_ENDPOINT_URL", endpoint_url)
        patch.setattr(kms, "make_client", self._make_client)

    def _make_client(self, *args: Any, **given: Any) -> Any:
        assert given["region_name"] == "eu-central-1"
        client = make_client(*args, **given)
        client.meta.events.register("before-call.kms.*", self._note)
        return client

    def _note(self, model: Any, **rest: Any) -> None:
        self.calls.append(model.name)
        time.sleep(self.delay)
        if self.calls.count(model.name) > self.limit:
            raise EndpointConnectionError(endpoint_url="https://kms.example.com")

    def new_key(self) -> str:
        """Return the ARN of a new key."""
        arn: str = self.client.create_key()["KeyMetadata"]["Arn"]
        return arn

    def stop(self) -> None:
        """Answer no more."""
        self._patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    def start(self) -> None:
        """Answer again."""
        self._patch.setenv("AWS_ENDPOINT_URL", self._endpoint_url)


@pytest.fixture
def in_kms(
    ministack: Ministack,
    aws_account: str,
    no_aws_configuration: None,
    monkeypatch: pytest.MonkeyPatch,
    site: Any,
) -> Kms:
    """Return KMS, to which a site with a key group in the database has access."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", aws_account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    site.AWS_CLOUDFRONT_KEY = site.AWS_CLOUDFRONT_KEY_ID = None
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    site.AWS_CLOUDFRONT_KEYRING_SECONDS = 0  # The database is asked for each URL.
    site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    return Kms(ministack.endpoint_url, monkeypatch)


@pytest.fixture
def arn(in_kms: Kms, site: Any) -> str:
    """Return the ARN of the KMS key that encrypts."""
    site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [in_kms.new_key()]
    found: str = site.AWS_CLOUDFRONT_ENCRYPTION_KEYS[0]
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return by how many seconds the clock of this process is ahead."""
    ahead, monotonic = [0.0], time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + ahead[0])
    return ahead


def start_process() -> None:
    """Forget what the keyring of this process knows, as a new one."""
    keyring.register(find_active_signer)


def signing_key() -> str:
    """Return the ID of the key with which a URL is signed."""
    return parameters_of(storages["default"].url("a.jpg"))["Key-Pair-Id"]


@pytest.mark.parametrize("kind", ["rsa_key", "ec_key"])
def test_round_trip(in_kms: Kms, arn: str, kind: str, request: pytest.FixtureRequest) -> None:
    """KMS encrypts with the row as context, and what it returns begins with the ARN."""
    key: PrivateKey = request.getfixturevalue(kind)
    row = uuid4()
    fingerprint = key.public_key.fingerprint

    encrypted = encrypt(key, row)

    assert encrypted.startswith(f"{arn}:")
    assert decrypt(encrypted, row, fingerprint).load().to_pem() == key.to_pem()
    packed = encrypted.rpartition(":")[2]
    context = {"cfsigned:row": str(row), "cfsigned:fingerprint": fingerprint}
    assert kms.decrypt(encrypted, context, {}).endswith(key.to_pem())
    for other in ({}, {**context, "cfsigned:row": str(uuid4())}):
        assert kms.decrypt(encrypted, other, {}) == b""
        with pytest.raises(ClientError):
            in_kms.client.decrypt(CiphertextBlob=packed.encode(), EncryptionContext=other)


def test_no_key_in_the_log_of_botocore(
    in_kms: Kms, arn: str, ec_key: PrivateKey, caplog: pytest.LogCaptureFixture
) -> None:
    """At level DEBUG, botocore logs what it sends and receives, but not a private key."""
    with caplog.at_level(logging.DEBUG):
        row = uuid4()
        decrypt(encrypt(ec_key, row), row, ec_key.public_key.fingerprint).load()
        hidden = caplog.text
        in_kms.client.decrypt(
            CiphertextBlob=in_kms.client.encrypt(KeyId=arn, Plaintext=b"a")["CiphertextBlob"]
        )

    assert "Plaintext" not in hidden
    assert caplog.text.removeprefix(hidden).count("Plaintext") >= 2


def test_no_key_in_the_log_when_another_call_ends(
    in_kms: Kms, arn: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A call of another thread that ends while botocore logs does not show what this one sends."""
    other_sends, sends, end = threading.Event(), threading.Event(), threading.Event()
    log = logging.getLogger("botocore.endpoint")

    def make_other_text() -> bytes:
        other_sends.set()
        end.wait(10)
        return b"another text"

    def make_text() -> bytes:
        sends.set()
        return b"a text"

    def end_other(record: logging.LogRecord) -> bool:
        if sends.is_set() and not end.is_set():
            end.set()
            other.result(10)
        return True

    with ThreadPoolExecutor() as pool, caplog.at_level(logging.DEBUG):
        other = pool.submit(kms.encrypt, arn, make_other_text, CONTEXT, {})
        other_sends.wait(10)
        log.addFilter(end_other)
        try:
            kms.encrypt(arn, make_text, CONTEXT, {})
        finally:
            log.removeFilter(end_other)
            end.set()

    assert "Plaintext" not in caplog.text


@pytest.mark.parametrize("change", ["row", "fingerprint", "other key", "cut", "empty"])
def test_what_is_not_of_its_row(
    in_kms: Kms, arn: str, ec_key: PrivateKey, site: Any, change: str
) -> None:
    """A private key that was moved or changed is refused."""
    site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [arn, in_kms.new_key()]
    row, fingerprint = uuid4(), ec_key.public_key.fingerprint
    encrypted = encrypt(ec_key, row)
    packed = encrypted.rpartition(":")[2]
    match change:
        case "row":
            row = uuid4()
        case "fingerprint":
            fingerprint = "0" * 64
        case "other key":
            encrypted = f"{site.AWS_CLOUDFRONT_ENCRYPTION_KEYS[1]}:{packed}"
        case "cut":
            encrypted = f"{arn}:{packed[:61]}"
        case "empty":
            encrypted = f"{arn}:"

    with pytest.raises((NotItsKey, AwsError)):
        decrypt(encrypted, row, fingerprint).load()


def test_only_keys_of_the_settings_are_asked(
    in_kms: Kms, arn: str, ec_key: PrivateKey, site: Any
) -> None:
    """An ARN in the table that is not in the settings, such as an attacker's, is never asked."""
    row = uuid4()
    encrypted = encrypt(ec_key, row)
    site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [in_kms.new_key(), FERNET]
    in_kms.calls.clear()

    for text in (encrypted, encrypted.replace("eu-central-1", "evil.example.com/"), "a:b", ":"):
        with pytest.raises(CannotDecrypt, match="AWS_CLOUDFRONT_ENCRYPTION_KEYS"):
            decrypt(text, row, ec_key.public_key.fingerprint)

    assert in_kms.calls == []


@pytest.mark.django_db
def test_the_prefix_says_which_key(in_kms: Kms, arn: str, ec_key: PrivateKey, site: Any) -> None:
    """Whether a row must be encrypted again is known without KMS, whichever keys are set."""
    under_kms = make_key_pair(ec_key, "K1")
    site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [FERNET]
    under_fernet = make_key_pair(ec_key, "K2")
    site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = []
    under_secret_key = make_key_pair(ec_key, "K3")
    in_kms.calls.clear()
    other, fine, old = in_kms.new_key(), Encryption.FINE, Encryption.OLD
    unproven = Encryption.UNPROVEN

    for keys, expected in (
        ([arn], (fine, fine, unproven)),  # what no key decrypts has another problem
        ([arn, FERNET], (fine, old, unproven)),
        ([FERNET, arn], (old, fine, unproven)),
        ([other, FERNET, arn], (old, old, unproven)),
        ([other, arn], (old, fine, unproven)),
    ):
        site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = keys
        rows = (under_kms, under_fernet, under_secret_key)
        assert tuple(row.encryption for row in rows) == expected
        assert not under_kms.decryption_problem
        assert not under_kms.trust_problem
    site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [other]
    assert "AWS_CLOUDFRONT_ENCRYPTION_KEYS" in under_kms.decryption_problem
    assert in_kms.calls == []


@pytest.mark.django_db
@pytest.mark.urls("tests.admin.urls")
def test_nothing_else_asks_kms(
    in_kms: Kms, arn: str, ec_key: PrivateKey, admin_client: Client
) -> None:
    """Checks, migrate and the pages of the admin work while KMS does not answer."""
    make_key_pair(ec_key, "K1", status=KeyStatus.ACTIVE, active_in=KEY_GROUP_ID)
    make_key_pair(PrivateKey.generate(), "K2")
    waits = {"next_in": KEY_GROUP_ID, "status": KeyStatus.TRUSTED, "trusted_at": timezone.now()}
    make_key_pair(PrivateKey.generate(), "K3", **waits)
    in_kms.calls.clear()
    in_kms.stop()

    call_command("check", databases=["default"])
    call_command("migrate", verbosity=0)
    found = checks.run_checks(databases=["default"], include_deployment_checks=True)
    page = admin_client.get(reverse("admin:cfsigned_django_keypair_changelist"))

    assert not [each for each in found if each.id in ("cfsigned.W007", "cfsigned.W011")]
    assert page.status_code == 200
    assert in_kms.calls == []


@pytest.mark.django_db
def test_one_unwrap_a_minute(in_kms: Kms, arn: str, ec_key: PrivateKey, clock: list[float]) -> None:
    """A process asks once a minute for a row, with several threads too, and signs without KMS."""
    row = make_key_pair(ec_key, "K1", status=KeyStatus.ACTIVE, active_in=KEY_GROUP_ID)
    in_kms.calls.clear()

    with ThreadPoolExecutor(4) as pool:
        keys = list(pool.map(lambda _: row.open_private_key().to_pem(), range(8)))
    assert set(keys) == {ec_key.to_pem()}
    assert in_kms.calls == ["Decrypt"]
    clock[0] += 61
    row.open_private_key()
    assert in_kms.calls == ["Decrypt"] * 2

    start_process()
    for _ in range(5):
        assert signing_key() == "K1"
        clock[0] += 61
    assert in_kms.calls == ["Decrypt"] * 2


@pytest.mark.django_db
def test_re_encryption(in_kms: Kms, ec_key: PrivateKey, site: Any) -> None:
    """--re-encrypt moves rows from Fernet to KMS, to another KMS key, and back."""
    site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [FERNET]
    make_key_pair(ec_key, "K1")
    first, second = in_kms.new_key(), in_kms.new_key()
    for keys in ([first, FERNET], [second, first], [FERNET, second]):
        site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = keys
        call_command("cfsigned_rotate", re_encrypt=True)
        site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = keys[:1]
        row = KeyPair.objects.get()
        assert row.open_private_key().to_pem() == ec_key.to_pem()
        assert row.encrypted_private_key.startswith(f"{keys[0]}:") == (keys[0] != FERNET)


@pytest.mark.django_db
def test_kms_does_not_answer(
    in_kms: Kms,
    arn: str,
    ec_key: PrivateKey,
    clock: list[float],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who signs goes on through a rotation; a new process says so, and asks again after 5 s."""
    old = make_key_pair(ec_key, "K1", status=KeyStatus.ACTIVE, active_in=KEY_GROUP_ID)
    new = make_key_pair(PrivateKey.generate(), "K2")
    start_process()
    assert signing_key() == "K1"
    KeyPair.objects.filter(pk=old.pk).update(status=KeyStatus.RETIRING, active_in=None)
    KeyPair.objects.filter(pk=new.pk).update(status=KeyStatus.ACTIVE, active_in=KEY_GROUP_ID)
    in_kms.stop()

    assert signing_key() == "K1"
    assert "goes on" in caplog.text
    assert "Nothing can be signed" not in caplog.text
    start_process()
    with pytest.raises(ImproperlyConfigured, match=r"cannot be reached|did not answer") as found:
        signing_key()
    assert arn in str(found.value)
    assert not any(each in everything_of(found.value) for each in fragments(ec_key))

    in_kms.start()
    clock[0] += 6
    assert signing_key() == "K2"


@pytest.mark.django_db(transaction=True)
def test_kms_is_slow_in_an_event_loop(
    in_kms: Kms,
    arn: str,
    rsa_key: PrivateKey,
    ec_key: PrivateKey,
    site: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    clock: list[float],
) -> None:
    """A database that has answered is not to blame, and the key of the settings does not sign."""

    async def sign() -> str:
        return storages["default"].url("a.jpg")

    site.AWS_CLOUDFRONT_KEY, site.AWS_CLOUDFRONT_KEY_ID = rsa_key.to_pem().decode(), "KOLD"
    monkeypatch.setattr(active, "PATIENCE", 0.5)
    monkeypatch.setattr(active, "LONGEST_PATIENCE", 0.5)
    row = make_key_pair(ec_key, "K1", status=KeyStatus.ACTIVE, active_in=KEY_GROUP_ID)
    in_kms.delay = 1
    in_kms.stop()
    start_process()
    with pytest.raises(ImproperlyConfigured, match=arn):
        asyncio.run(sign())

    in_kms.delay = 0
    in_kms.start()
    clock[0] += 6
    assert parameters_of(asyncio.run(sign()))["Key-Pair-Id"] == "K1"
    KeyPair.objects.filter(pk=row.pk).update(key_pair_id="K2")
    in_kms.delay = 1
    in_kms.stop()
    clock[0] += 61
    caplog.clear()
    assert parameters_of(asyncio.run(sign()))["Key-Pair-Id"] == "K1"
    assert arn in caplog.text
    assert "database" not in caplog.text


@pytest.mark.django_db
@pytest.mark.urls("tests.admin.urls")
def test_who_asks_while_kms_is_silent(in_kms: Kms, arn: str, admin_client: Client) -> None:
    """KMS is asked for one row: its silence is the answer for the others, and a page says so."""
    groups = (KEY_GROUP_ID, "another", "a third")
    waits = {"status": KeyStatus.TRUSTED, "trusted_at": timezone.now()}
    rows = [
        make_key_pair(PrivateKey.generate(), f"K{each}", key_group_id=each, next_in=each, **waits)
        for each in groups
    ]
    in_kms.calls.clear()
    in_kms.stop()

    assert {each.verdict for each in examine(None)} == {Verdict.REFUSED}
    assert [each.id for each in check_key_pairs(rows)] == ["cannot-decrypt"] * 3
    page = admin_client.get(reverse("admin:cfsigned_django_keypair_change", args=[rows[0].pk]))

    assert page.status_code == 200
    assert in_kms.calls == ["Decrypt"]


@pytest.mark.parametrize("place", ["command", "admin"])
def test_re_encryption_that_stops(
    in_kms: Kms, arn: str, site: Any, admin_client: Client, place: str
) -> None:
    """An error in the middle names the rows that were encrypted before it, and a repeat goes on."""
    site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [FERNET]
    for each in range(3):
        make_key_pair(PrivateKey.generate(), f"K{each}")
    site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [arn, FERNET]
    in_kms.limit = 2

    if place == "admin":
        page = admin_client.post(reverse("admin:cfsigned_django_keypair_re-encrypt"))
        said = page.content.decode()
    else:
        with pytest.raises(CommandError) as found:
            call_command("cfsigned_rotate", re_encrypt=True)
        said = str(found.value)
    assert "K2, K1." in said
    assert arn in said
    in_kms.limit = math.inf
    call_command("cfsigned_rotate", re_encrypt=True)

    assert {row.encryption for row in KeyPair.objects.all()} == {Encryption.FINE}


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["disabled", "pending deletion", "denied", "another account"])
def test_kms_refuses(
    in_kms: Kms,
    arn: str,
    ec_key: PrivateKey,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
) -> None:
    """The error of a URL, and the doctor, say what is wrong with the key; no page is slow."""
    row = make_key_pair(ec_key, "K1", status=KeyStatus.ACTIVE, active_in=KEY_GROUP_ID)
    if state == "disabled":
        in_kms.client.disable_key(KeyId=arn)
    elif state == "pending deletion":
        in_kms.client.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    elif state == "another account":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "999999999999")
    else:
        refused = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}

        def refuse(*args: Any, **given: Any) -> None:
            raise ClientError(refused, "Decrypt")  # type: ignore[arg-type]

        monkeypatch.setattr(
            kms, "make_client", lambda *args, **given: type("C", (), {"decrypt": refuse})
        )
    words = {"denied": "kms:Decrypt", "another account": "no KMS key"}
    start_process()

    for _ in range(3):
        with pytest.raises(ImproperlyConfigured, match=words.get(state, state)) as found:
            signing_key()
        assert arn in str(found.value)
    (finding,) = check_key_pairs([row])
    assert finding.id == "cannot-decrypt"
    assert words.get(state, state) in finding.what
    assert in_kms.calls.count("Decrypt") <= 1


@pytest.mark.django_db
def test_rotation_while_kms_is_away(in_kms: Kms, arn: str, ec_key: PrivateKey) -> None:
    """No key begins to sign, and none is lost; a key that leaked can be revoked all the same."""
    waits = {"next_in": KEY_GROUP_ID, "status": KeyStatus.TRUSTED, "trusted_at": timezone.now()}
    leaked = make_key_pair(ec_key, "K1", status=KeyStatus.ACTIVE, active_in=KEY_GROUP_ID)
    waiting = make_key_pair(PrivateKey.generate(), "K2", **waits)
    in_kms.stop()
    rotation = site_rotation(KEY_GROUP_ID)

    with pytest.raises(AwsError) as found:
        rotation.activate(waiting, now=rotation.store.clock())
    assert found.value.is_temporary
    waiting.refresh_from_db()
    assert (waiting.status, bool(waiting.encrypted_private_key)) == (KeyStatus.TRUSTED, True)
    assert leaked.trustworthy_public_key == ec_key.public_key.to_pem()


def test_no_secret_in_an_error(in_kms: Kms, arn: str, ec_key: PrivateKey) -> None:
    """An error while encrypting shows nothing of the private key, on a debug page neither."""
    in_kms.stop()

    with pytest.raises(AwsError) as found:
        encrypt(ec_key, uuid4())

    assert not any(each in everything_of(found.value) for each in fragments(ec_key))


@pytest.mark.parametrize(
    "entry",
    [
        "arn:aws:kms:eu-central-1:111122223333:alias/cfsigned",
        "alias/cfsigned",
        "arn:aws:s3:::bucket",
        "arn:aws:kms:eu-central-1:111122223333:key/a b",
    ],
)
def test_other_arns(site: Any, entry: str) -> None:
    """An alias, and any other ARN, is an error of the check, and encrypts nothing."""
    site.AWS_CLOUDFRONT_ENCRYPTION_KEYS = [entry]

    assert "cfsigned.E023" in [each.id for each in checks.run_checks()]
    with pytest.raises(ImproperlyConfigured, match="AWS_CLOUDFRONT_ENCRYPTION_KEYS"):
        encrypt(PrivateKey.generate(), uuid4())
