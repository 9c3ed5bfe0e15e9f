"""Run manage.py cfsigned_doctor --explain."""

from __future__ import annotations

import json
import time
from typing import Any
from unittest import mock

import pytest
from django.db import DatabaseError

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.signing import Policy, PrivateKey, Signer
from cfsigned_django.signing.encoding import encode_base64
from tests.doctor.conftest import MODULE
from tests.doctor.failing import Failing, denied
from tests.doctor.test_command import levels, run, store
from tests.doctor.world import NOW, World
from tests.storage_cases import DOMAIN, KEY_GROUP_ID, KEY_ID, S3_BACKEND


def signed(
    key: PrivateKey, *, until: int = NOW + 600, key_pair_id: str = KEY_ID, host: str = DOMAIN
) -> str:
    """Return a URL of the site."""
    signer = Signer(key_pair_id=key_pair_id, private_key=key)
    return signer.sign_url(f"https://{host}/a.jpg", date_less_than=until)


def test_keys_of_the_settings(signing_site: Any, rsa_key: PrivateKey) -> None:
    """Explain a URL with the keys of the settings, and show no signature."""
    url = signed(rsa_key, until=int(time.time()) - 7200)

    text, code = run("--explain", url, "--offline")

    assert code == 1
    assert "[url-expired]" in text
    assert url.partition("Signature=")[2].partition("&")[0] not in text


def test_keys_of_the_database(signing_site: Any, ec_key: PrivateKey) -> None:
    """Say what became of a key and when, and take a URL of an ACTIVE one for good."""
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
        url = signed(key, until=int(time.time()) + 600, key_pair_id=key_pair_id)
        told[status] = run("--offline", "--explain", url)[0]

    assert "[url-good]" in told["active"]
    assert "[url-key-ended]" in told["revoked"]
    assert "2026-11-02" in told["revoked"]
    assert "[url-key-ended]" in told["retired"]
    assert "2026-11-03" in told["retired"]


def test_keys_at_aws(online: World) -> None:
    """Ask the key group, and know every public key of the account."""
    other = PrivateKey.generate()
    key_pair_id = online.add_public_key(other, "another-site")
    online.clients.cloudfront.create_public_key(
        PublicKeyConfig={"CallerReference": "x", "Name": "for-fields", "EncodedKey": "no key"}
    )

    foreign, code = levels("--explain", signed(other, key_pair_id=key_pair_id))
    good, _ = levels("--explain", signed(online.key, key_pair_id=online.key_pair_id))

    assert code == 1
    assert foreign["url-key-not-in-group"] == "error"
    assert "url-unknown-key" not in foreign
    assert "url-good" in good


def test_aws_is_out_of_reach(online: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Say that AWS could not be asked, which is no fault of the URL's."""
    failing = Failing(online.clients.cloudfront, denied)
    monkeypatch.setattr(f"{MODULE}.make_client", lambda name: failing)

    found, code = levels("--explain", signed(online.key, key_pair_id=online.key_pair_id))

    assert code == 0
    assert found["aws-not-asked"] == "ok"


def test_no_database(signing_site: Any, rsa_key: PrivateKey) -> None:
    """Explain a URL although the database fails."""
    url = signed(rsa_key, until=int(time.time()) + 600)
    with mock.patch(
        "cfsigned_django.doctor.explain.key_pairs", side_effect=DatabaseError("no table")
    ):
        found, code = levels("--explain", url, "--offline")

    assert code == 0
    assert "url-good" in found


def test_viewer(signing_site: Any, rsa_key: PrivateKey) -> None:
    """Compare the viewer's address with the one that the URL is for."""
    address = f"https://{DOMAIN}/a.jpg"
    policy = Policy(
        resource=address, date_less_than=int(time.time()) + 600, ip_address="192.0.2.0/24"
    )
    url = Signer(key_pair_id=KEY_ID, private_key=rsa_key).sign_url(address, policy=policy)

    within, code = levels("--explain", url, "--offline", "--viewer-ip", "192.0.2.1")
    outside, other_code = levels("--explain", url, "--offline", "--viewer-ip", "198.51.100.7")

    assert (code, other_code) == (0, 1)
    assert "url-good" in within
    assert outside["url-address"] == "error"


def test_two_key_groups(online: World, site: Any) -> None:
    """Compare with the key group of the storage that has the host, else with all of them."""
    other = PrivateKey.generate()
    key_pair_id = online.add_public_key(other, "docs")
    options = {
        "custom_domain": "docs.example.com",
        "key_group_id": online.add_key_group("docs", key_pair_id),
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
    assert online.key_group_id in of_the_other
    assert options["key_group_id"] not in of_the_other
    assert "[url-other-domain]" in nobodys
    assert "[url-key-not-in-group]" not in nobodys


def test_storage_without_a_key_group(online: World, site: Any) -> None:
    """Call no key foreign if a storage with the host says nothing of its key group."""
    docs = {"BACKEND": S3_BACKEND, "OPTIONS": {"key_group_id": None}}
    site.STORAGES = {**site.STORAGES, "docs": docs}
    other = PrivateKey.generate()
    key_pair_id = online.add_public_key(other, "docs")

    found, _ = levels("--explain", signed(other, key_pair_id=key_pair_id))

    assert "url-good" in found


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
