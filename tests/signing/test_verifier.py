"""Verify requests as CloudFront does: cases V1 to V8, V19, V20, V22 and V23."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.signing import (
    HashAlgorithm,
    Policy,
    PrivateKey,
    PublicKey,
    Signer,
    Verifier,
)
from cfsigned_django.signing.encoding import encode_base64
from tests.signing.cases import (
    EXPIRES,
    IMAGE as URL,
    KEY_ID,
    NOW,
    ORIGIN,
    assert_refused,
    parameters,
    refusal,
    sign_text,
)
from tests.storage_cases import without_sha1


def test_v1_v2_allow(signed: str, verifier: Verifier) -> None:
    """Allow a signed URL and return its policy (V1, V2 with its hash)."""
    policy = verifier.verify(signed, now=NOW)
    assert policy == Policy(resource=URL, date_less_than=EXPIRES)


def test_v2_hash_algorithm_dropped(rsa_key: PrivateKey, rsa_verifier: Verifier) -> None:
    """Refuse a SHA256 signature without Hash-Algorithm, and say so (V2)."""
    signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key, hash_algorithm=HashAlgorithm.SHA256)
    url = signer.sign_url(URL, date_less_than=EXPIRES).replace("&Hash-Algorithm=SHA256", "")
    assert_refused(refusal(rsa_verifier, url), "AccessDenied", "Hash-Algorithm=SHA256 is missing")


def test_v3_hash_algorithm_added(rsa_signer: Signer, rsa_verifier: Verifier) -> None:
    """Refuse a SHA1 signature that claims SHA256, and say so (V3)."""
    url = rsa_signer.sign_url(URL, date_less_than=EXPIRES) + "&Hash-Algorithm=SHA256"
    assert_refused(refusal(rsa_verifier, url), "AccessDenied", "it was made with SHA1")


def test_openssl_without_sha1(rsa_key: PrivateKey, rsa_verifier: Verifier) -> None:
    """Refuse a changed URL as everywhere if the policy of the platform's OpenSSL refuses SHA1."""
    signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key, hash_algorithm=HashAlgorithm.SHA256)
    url = signer.sign_url(URL, date_less_than=EXPIRES) + "&added=1"
    with without_sha1():
        denial = refusal(rsa_verifier, url)

    assert_refused(denial, "AccessDenied", "the signature does not match")


def test_v4_explicit_sha1(rsa_signer: Signer, rsa_verifier: Verifier) -> None:
    """Allow Hash-Algorithm=SHA1, which says what is assumed anyway (V4)."""
    url = rsa_signer.sign_url(URL, date_less_than=EXPIRES) + "&Hash-Algorithm=SHA1"
    assert rsa_verifier.verify(url, now=NOW).resource == URL


def test_v5_any_parameter_order(signed: str, verifier: Verifier) -> None:
    """Allow CloudFront's parameters in any order, AWS's JavaScript one among them (V5)."""
    added = signed.partition("?")[2].split("&")
    orders = [added[::-1], added[1:] + added[:1], [added[0], added[2], added[1], *added[3:]]]
    for order in orders:
        assert verifier.verify(f"{URL}?{'&'.join(order)}", now=NOW).resource == URL


def test_parameters_among_own_ones(signer: Signer, verifier: Verifier) -> None:
    """Allow CloudFront's parameters before, between and behind the URL's own."""
    url = f"{URL}?a=1&b=2"
    added = signer.sign_url(url, date_less_than=EXPIRES).removeprefix(url + "&")
    for query in [f"{added}&a=1&b=2", f"a=1&{added}&b=2", f"a=1&b=2&{added}"]:
        assert verifier.verify(f"{URL}?{query}", now=NOW).resource == url


def test_v6_parameter_added(signed: str, verifier: Verifier) -> None:
    """Refuse a URL with a parameter more than was signed, and name it (V6)."""
    assert_refused(
        refusal(verifier, f"{signed}&x=1"), "AccessDenied", "`&x=1` was added after signing"
    )


@pytest.mark.parametrize("expires", [EXPIRES - 1, EXPIRES + 1, EXPIRES * 10, 1])
def test_v7_expires_changed(expires: int, signed: str, verifier: Verifier) -> None:
    """Refuse another Expires; one beyond 2038 is malformed besides (V7)."""
    code = "MalformedPolicy" if expires > 2**31 else "AccessDenied"
    url = signed.replace(f"Expires={EXPIRES}", f"Expires={expires}")
    assert_refused(refusal(verifier, url), code)


@pytest.mark.parametrize("late", [0, 2, 12])
def test_v8_expired(late: int, signed: str, verifier: Verifier) -> None:
    """Refuse from the second of Expires on, and say how late it is (V8)."""
    assert_refused(
        refusal(verifier, signed, now=EXPIRES + late), "AccessDenied", f"expired {late} s ago"
    )


def test_v22_each_request_counts(signed: str, verifier: Verifier) -> None:
    """Allow a request that starts in time, and refuse the range request after the end (V22)."""
    assert verifier.verify(signed, now=EXPIRES - 2).date_less_than == EXPIRES
    assert_refused(refusal(verifier, signed, now=EXPIRES + 2), "AccessDenied")


def test_v20_percent_encoded_values(signer: Signer, verifier: Verifier) -> None:
    """Decode CloudFront's values once: %7E is ~, and %257E is not (V20)."""
    url = signer.sign_url(f"{ORIGIN}/*", date_less_than=EXPIRES).replace("/*", "/a")
    values = parameters(url)
    encoded = {name: "".join(f"%{ord(each):02x}" for each in v) for name, v in values.items()}
    query = "&".join(f"{name}={value}" for name, value in encoded.items())
    assert verifier.verify(f"{ORIGIN}/a?{query}", now=NOW).resource == f"{ORIGIN}/*"
    assert refusal(verifier, f"{ORIGIN}/a?{query.replace('%', '%25')}").code == "InvalidKey"


def test_v19_policy_counts_as_sent(signer: Signer, verifier: Verifier) -> None:
    """Verify a custom policy over the bytes that were sent, white space included (V19)."""
    text = (
        '{ "Statement": [ {"Condition": {"DateGreaterThan":{"AWS:EpochTime":1767200000},\r\n'
        f'"DateLessThan":{{"AWS:EpochTime":{EXPIRES}}}}}, "Resource":"{URL}"}}]}}\n'
    )
    expected = Policy(resource=URL, date_less_than=EXPIRES, date_greater_than=1767200000)
    assert verifier.verify(sign_text(signer, text), now=NOW) == expected
    url = sign_text(signer, text)
    other = encode_base64(expected.to_json().encode())
    url = url.replace(parameters(url)["Policy"], other)
    assert_refused(refusal(verifier, url), "AccessDenied", "does not match the policy")


def test_ecdsa_with_sha1_is_verified(ec_signer: Signer) -> None:
    """Allow ECDSA with SHA1, which AWS's older tools emit, though the signer refuses to make it."""
    verifier = Verifier({KEY_ID: ec_signer.private_key.public_key})
    policy = Policy(resource=URL, date_less_than=EXPIRES)
    url = sign_text(ec_signer, policy.to_json(), HashAlgorithm.SHA1)
    assert verifier.verify(url.replace("&Hash-Algorithm=SHA1", ""), now=NOW) == policy


def test_policy_counts_beside_expires(signer: Signer, verifier: Verifier) -> None:
    """Go by the Policy where Expires is there too, as old signers emit it."""
    policy = Policy(resource=URL, date_less_than=EXPIRES, ip_address="10.0.0.0/8")
    url = signer.sign_url(URL, policy=policy)
    found: list[Any] = [
        verifier.verify(f"{url}&Expires={value}", now=NOW, viewer_ip="10.1.1.1")
        for value in (EXPIRES, 1, "x")
    ]
    assert found == [policy] * 3


def test_v23_rotation(rsa_signer: Signer, ec_signer: Signer) -> None:
    """Allow old and new links while both keys are trusted, then InvalidKey for the old (V23)."""
    old = rsa_signer.sign_url(URL, date_less_than=EXPIRES)
    new = Signer(key_pair_id="K2NEWKEY", private_key=ec_signer.private_key).sign_url(
        URL, date_less_than=EXPIRES
    )
    trusted: dict[str, PublicKey] = {KEY_ID: rsa_signer.private_key.public_key}
    verifier = Verifier(trusted)
    assert_refused(refusal(verifier, new), "InvalidKey")
    trusted["K2NEWKEY"] = ec_signer.private_key.public_key
    assert verifier.verify(old, now=NOW) == verifier.verify(new, now=NOW)
    del trusted[KEY_ID]
    assert_refused(refusal(verifier, old), "InvalidKey", "(known: K2NEWKEY)")
    assert_refused(refusal(Verifier({}), new), "InvalidKey", "(known: none)")
