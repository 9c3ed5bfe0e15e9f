"""Refuse with the right code, in the order in which CloudFront seems to look: V9 to V13."""

from __future__ import annotations

import json
import pickle

import pytest

from cfsigned_django.signing import Denied, Signer, Verifier
from tests.signing.cases import (
    EXPIRES,
    IMAGE as URL,
    KEY_ID,
    assert_refused,
    parameters,
    refusal,
    sign_text,
)


@pytest.mark.parametrize("url", [URL, f"{URL}?", f"{URL}?a=1", f"{URL}?Hash-Algorithm=SHA1"])
def test_v9_no_credentials(url: str, verifier: Verifier) -> None:
    """Refuse a request without credentials as MissingKey (V9)."""
    assert_refused(refusal(verifier, url), "MissingKey", "no Key-Pair-Id")


@pytest.mark.parametrize("found", ["Key-Pair-Id=", "Key-Pair-Id", "key-pair-id=K1TESTKEY", "x=1"])
def test_v10_no_key_pair_id(found: str, signed: str, verifier: Verifier) -> None:
    """Refuse an empty or missing Key-Pair-Id as MissingKey (V10)."""
    url = signed.replace(f"Key-Pair-Id={KEY_ID}", found)
    assert_refused(refusal(verifier, url), "MissingKey", "no Key-Pair-Id in the query")


@pytest.mark.parametrize("other", ["K2OTHERKEY", KEY_ID.lower(), f"{KEY_ID}%20", f"+{KEY_ID}"])
def test_v11_unknown_key(other: str, signed: str, verifier: Verifier) -> None:
    """Refuse a key that the behavior does not trust as InvalidKey (V11)."""
    url = signed.replace(f"Key-Pair-Id={KEY_ID}", f"Key-Pair-Id={other}")
    assert_refused(refusal(verifier, url), "InvalidKey", "(known: K1TESTKEY)")


@pytest.mark.parametrize(
    "signature", ["!!!", "!!!!", "abc", "QR__", "ab+d", "ab/d", "ab==", "한글"]
)
def test_v12_malformed_signature(signature: str, signed: str, verifier: Verifier) -> None:
    """Call a signature malformed that is not CloudFront's base64 (V12)."""
    url = signed.replace(parameters(signed)["Signature"], signature)
    assert_refused(refusal(verifier, url), "MalformedSignature", "base64")


@pytest.mark.parametrize("found", ["Signature=", "Signature", "Signature=QUJD", "x=1"])
def test_wrong_signature(found: str, signed: str, verifier: Verifier) -> None:
    """Refuse a signature that is missing, empty or of no use."""
    url = signed.replace(f"Signature={parameters(signed)['Signature']}", found)
    assert_refused(refusal(verifier, url), "AccessDenied")


def test_v13_malformed_policy(signer: Signer, verifier: Verifier) -> None:
    """Call a policy malformed, although signed, that is none (V13)."""
    statement = {"Resource": URL, "Condition": {"DateLessThan": {"AWS:EpochTime": EXPIRES}}}
    for document in [
        {"Statement": statement},
        {"Statement": [{"Resource": URL, "Condition": {}}]},
        {"Statement": [statement, statement]},
        "",
    ]:
        url = sign_text(signer, json.dumps(document))
        assert_refused(refusal(verifier, url), "MalformedPolicy")


@pytest.mark.parametrize("value", ["", "undefined", "!!!!", "QR__", "gICA", "e30=", "e30"])
def test_v13_undecodable_policy(value: str, signer: Signer, verifier: Verifier) -> None:
    """Call a policy malformed that is not base64 of UTF-8 text (V13)."""
    url = sign_text(signer, "{}")
    url = url.replace(f"Policy={parameters(url)['Policy']}", f"Policy={value}")
    assert_refused(refusal(verifier, url), "MalformedPolicy")


def test_neither_expires_nor_policy(signed: str, verifier: Verifier) -> None:
    """Refuse a URL that says nothing about its end."""
    url = signed.replace(f"Expires={EXPIRES}&", "")
    assert_refused(refusal(verifier, url), "AccessDenied", "neither Expires nor Policy")


@pytest.mark.parametrize("name", ["Expires", "Signature", "Key-Pair-Id"])
def test_repeated_parameter(name: str, signed: str, verifier: Verifier) -> None:
    """Refuse a parameter of CloudFront that is there twice, even with the same value."""
    url = f"{signed}&{name}={parameters(signed)[name]}"
    assert_refused(refusal(verifier, url), "AccessDenied", f"{name} is there twice")


@pytest.mark.parametrize("name", ["sha256", "SHA-256", "SHA512", "MD5", "", "SHA256%20"])
def test_unknown_hash_algorithm(name: str, rsa_signer: Signer, rsa_verifier: Verifier) -> None:
    """Refuse any other Hash-Algorithm, its case included."""
    url = rsa_signer.sign_url(URL, date_less_than=EXPIRES) + f"&Hash-Algorithm={name}"
    assert_refused(refusal(rsa_verifier, url), "AccessDenied", "not SHA1 or SHA256")


def test_hash_algorithm_that_swallowed_the_rest(rsa_signer: Signer, rsa_verifier: Verifier) -> None:
    """Put no signature into a reason, which is logged, where a link lost an ampersand."""
    url = rsa_signer.sign_url(URL, date_less_than=EXPIRES)
    signature = parameters(url)["Signature"]
    denial = refusal(rsa_verifier, f"{url}&Hash-Algorithm=SHA1Signature={signature}")
    assert_refused(denial, "AccessDenied", "not SHA1 or SHA256")
    assert signature not in denial.reason


@pytest.mark.parametrize(
    "expires", ["", "x", f"+{EXPIRES}", f"0{EXPIRES}", f"{EXPIRES}.0", f"{EXPIRES}%20", "0", "-1"]
)
def test_malformed_expires(expires: str, signed: str, verifier: Verifier) -> None:
    """Call an Expires that is no whole number of seconds a malformed policy."""
    url = signed.replace(f"Expires={EXPIRES}", f"Expires={expires}")
    assert_refused(refusal(verifier, url), "MalformedPolicy", "Expires is")


def test_order_of_checks(signer: Signer, verifier: Verifier) -> None:
    """Look at the key id, the key, the signature's form, the policy, the signature, the time."""
    url = sign_text(signer, "{}")  # All else is wrong too: each step mends the first fault.
    url = url.replace(parameters(url)["Signature"], "!!!").replace(KEY_ID, "")
    assert refusal(verifier, url, now=EXPIRES).code == "MissingKey"
    url = url.replace("Key-Pair-Id=", "Key-Pair-Id=K2")
    assert refusal(verifier, url, now=EXPIRES).code == "InvalidKey"
    url = url.replace("Key-Pair-Id=K2", f"Key-Pair-Id={KEY_ID}")
    assert refusal(verifier, url, now=EXPIRES).code == "MalformedSignature"
    url = url.replace("!!!", "QUJD")
    assert refusal(verifier, url, now=EXPIRES).code == "MalformedPolicy"
    good = signer.sign_url(URL + "?a", date_less_than=EXPIRES)
    url = good.replace(parameters(good.replace("?a&", "?"))["Signature"], "QUJD")
    assert "signature does not match" in refusal(verifier, url, now=EXPIRES).reason
    assert "expired" in refusal(verifier, good, now=EXPIRES).reason


def test_denied_survives_pickling(verifier: Verifier) -> None:
    """Keep code, message and reason through pickle, as a test runner's workers need it."""
    denied = refusal(verifier, URL)
    again = pickle.loads(pickle.dumps(denied))  # noqa: S301
    assert (again.code, again.message, again.reason) == (
        denied.code,
        denied.message,
        denied.reason,
    )
    assert isinstance(again, Denied)
