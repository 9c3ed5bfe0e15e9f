"""Let cfsigned_doctor say which key of the database signs, or why none does."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import DatabaseError
from django.utils import timezone

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey, Signer
from tests.doctor.command_line import run, store
from tests.doctor.world import World
from tests.storage_cases import KEY_GROUP_ID, KEY_ID, S3_BACKEND, options_for, without_sha1


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


def test_key_that_cannot_sign(online: World, site: Any, rsa_key: PrivateKey) -> None:
    """Say that OpenSSL refuses SHA-1, once, and go on as far as that goes without a signer."""
    site.AWS_CLOUDFRONT_KEY = rsa_key.to_pem().decode()

    with without_sha1():
        text, code = run("--json")

    found = {each["id"]: each["level"] for each in json.loads(text)}
    assert code == 1
    assert found["cfsigned.E012"] == "error"
    assert found["unsigned-refused"] == "ok"
    assert not {"signing-key", "cannot-sign", "signed-served"} & found.keys()


def test_key_of_the_database_that_cannot_sign(signing_site: Any, rsa_key: PrivateKey) -> None:
    """Name the key of the database, which no system check tries, where OpenSSL refuses SHA-1."""
    signing_site.AWS_CLOUDFRONT_KEY = signing_site.AWS_CLOUDFRONT_KEY_ID = None
    signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    store(rsa_key)

    with without_sha1():
        text, code = run("--offline")

    assert code == 1
    assert f"The RSA key {KEY_ID} of the database cannot sign with SHA1 here." in text
    assert "[cannot-sign]" in text
    assert "[signing-key]" not in text


def test_two_keys_that_cannot_sign(signing_site: Any, rsa_key: PrivateKey) -> None:
    """Name the key of the database also where a check says the same of another storage's key."""
    signing_site.AWS_CLOUDFRONT_KEY = signing_site.AWS_CLOUDFRONT_KEY_ID = None
    signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    own = {"BACKEND": S3_BACKEND, "OPTIONS": options_for(rsa_key, key_group_id=None)}
    signing_site.STORAGES = {**signing_site.STORAGES, "own": own}
    store(rsa_key)

    with without_sha1():
        text, _ = run("--offline", "--json")

    found = {each["id"]: each["what"] for each in json.loads(text) if each["level"] == "error"}
    assert found["cfsigned.E012"] == "The RSA key of AWS_CLOUDFRONT_KEY cannot sign with SHA1 here."
    assert f"The RSA key {KEY_ID} of the database cannot sign" in found["cannot-sign"]


def test_signer_handed_in_that_cannot_sign(signing_site: Any, rsa_key: PrivateKey) -> None:
    """Say which option of the signer itself to change, since no setting decides of its hash."""
    options = {"cloudfront_signer": Signer(key_pair_id=KEY_ID, private_key=rsa_key)}
    signing_site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}

    with without_sha1():
        text, code = run("--offline")

    assert code == 1
    assert "Let it sign with SHA256 (hash_algorithm)" in text
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


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0, {"rotation-waits": "ok"}),
        (30, {"rotation-stuck": "warning"}),
    ],
)
def test_rotation_that_waits(
    days: int, expected: dict[str, str], signing_site: Any, ec_key: PrivateKey
) -> None:
    """Say what a rotation waits for, or that it is stuck, in the words of cfsigned_rotate."""
    signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    moment = timezone.now() - timedelta(days=days)
    store(ec_key, status=KeyStatus.RETIRING, active_in=None, active_at=moment, retiring_at=moment)
    store(PrivateKey.generate(), key_pair_id="KACTIVE1234567")

    text, _ = run("--offline", "--json")

    found = [each for each in json.loads(text) if each["id"].startswith("rotation-")]
    assert {each["id"]: each["level"] for each in found} == expected
    assert found[0]["subject"] == f"key group {KEY_GROUP_ID}"
    assert found[0]["what"].startswith(
        f"{KEY_ID} {'could have been retired since' if days else 'no longer signs; it can be retired at'}"
    )


def test_rotation_of_another_group(signing_site: Any, ec_key: PrivateKey) -> None:
    """Say nothing of the rotation where the storage is in another key group, or in none."""
    signing_site.AWS_CLOUDFRONT_KEY_GROUP_ID = None
    store(ec_key, status=KeyStatus.RETIRING, active_in=None, retiring_at=timezone.now())

    assert "[rotation-" not in run("--offline")[0]
