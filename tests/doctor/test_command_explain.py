"""Run manage.py cfsigned_doctor --explain."""

from __future__ import annotations

import time
from typing import Any
from unittest import mock

import pytest
from django.db import DatabaseError

from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.signing import Policy, PrivateKey, Signer
from tests.doctor.command_line import MODULE, run, store
from tests.doctor.world import NOW, World
from tests.storage_cases import DOMAIN, KEY_GROUP_ID, KEY_ID, S3_BACKEND


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
    from tests.doctor.failing import Failing, denied

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
        "cfsigned_django.doctor.explain.key_pairs", side_effect=DatabaseError("no table")
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


def test_explain_with_two_key_groups(online: World, site: Any) -> None:
    """Compare with the key group of the storage that has the host, else with all of them."""
    other = PrivateKey.generate()
    key_pair_id = online.add_public_key(other, "docs")
    group = online.clients.cloudfront.create_key_group(
        KeyGroupConfig={"Name": "docs", "Items": [key_pair_id]}
    )["KeyGroup"]["Id"]
    options = {
        "custom_domain": "docs.example.com",
        "key_group_id": group,
        "cloudfront_key": other.to_pem().decode(),
        "cloudfront_key_id": key_pair_id,
    }
    site.STORAGES = {**site.STORAGES, "docs": {"BACKEND": S3_BACKEND, "OPTIONS": options}}

    def explain(host: str) -> str:
        signer = Signer(key_pair_id=key_pair_id, private_key=other)
        url = signer.sign_url(f"https://{host}/a.jpg", date_less_than=NOW + 600)
        return run("--explain", url)[0]

    own, of_the_other, nobodys = map(explain, ("DOCS.example.com", DOMAIN, "x.example.com"))

    assert "[url-good]" in own
    assert (
        f"Key group {online.key_group_id} holds {online.key_pair_id}; {key_pair_id} is not among "
        "them. [url-key-not-in-group]"
    ) in of_the_other
    assert "[url-other-domain]" in nobodys
    assert "[url-key-not-in-group]" not in nobodys


def test_explain_where_a_storage_names_no_key_group(online: World, site: Any) -> None:
    """Call no key foreign where a storage with the host says nothing of its key group."""
    site.STORAGES = {
        **site.STORAGES,
        "docs": {"BACKEND": S3_BACKEND, "OPTIONS": {"key_group_id": None}},
    }
    other = PrivateKey.generate()
    key_pair_id = online.add_public_key(other, "docs")

    text, _ = run("--explain", signed(other, until=NOW + 600, key_pair_id=key_pair_id))

    assert "[url-good]" in text
