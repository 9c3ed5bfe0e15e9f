"""Verify custom policies and cookies, and prefer a signed URL to cookies: V14 to V18."""

from __future__ import annotations

import pytest

from cfsigned_django.signing import HashAlgorithm, Policy, PrivateKey, Signer, Verifier
from tests.signing.cases import (
    EXPIRES,
    IMAGE,
    KEY_ID,
    NOW,
    ORIGIN,
    assert_refused,
    parameters,
    refusal,
)

EVERYTHING = Policy(resource=f"{ORIGIN}/*", date_less_than=EXPIRES, ip_address="10.0.0.0/8")
VIEWER = "10.1.2.3"


@pytest.fixture(scope="module")
def cookies(signer: Signer) -> dict[str, str]:
    """Return cookies for every file, for viewers in 10.0.0.0/8."""
    return signer.sign_cookies(EVERYTHING)


@pytest.mark.parametrize(
    ("now", "reason"),
    [(1767199999, "valid only in 2 s"), (1767200000, "valid only in 1 s"), (1767200002, "")],
)
def test_v14_start(now: int, reason: str, signer: Signer, verifier: Verifier) -> None:
    """Refuse up to and including the start, and allow from the second after (V14)."""
    policy = Policy(
        resource=f"{ORIGIN}/video.mp4", date_less_than=EXPIRES, date_greater_than=1767200000
    )
    url = signer.sign_url(f"{ORIGIN}/video.mp4", policy=policy)
    if reason:
        assert_refused(refusal(verifier, url, now=now), "AccessDenied", reason)
    else:
        assert verifier.verify(url, now=now) == policy


@pytest.mark.parametrize(
    ("viewer_ip", "allowed"),
    [
        ("192.168.0.77", True),
        ("192.168.0.0", True),
        ("192.168.0.255", True),
        ("192.168.1.1", False),
        ("2001:db8::1", False),
        (None, False),
    ],
)
def test_v15_address(
    viewer_ip: str | None, allowed: bool, signer: Signer, verifier: Verifier
) -> None:
    """Allow viewers within the range, and no other (V15)."""
    policy = Policy(
        resource=f"{ORIGIN}/document.pdf", date_less_than=EXPIRES, ip_address="192.168.0.0/24"
    )
    url = signer.sign_url(f"{ORIGIN}/document.pdf", policy=policy)
    if allowed:
        assert verifier.verify(url, now=NOW, viewer_ip=viewer_ip) == policy
    else:
        denied = refusal(verifier, url, viewer_ip=viewer_ip)
        assert_refused(denied, "AccessDenied", f"{viewer_ip} is not in 192.168.0.0/24")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/images/a.jpg", True),
        ("/images/a.jpg?y=1", True),
        ("/images/", True),
        ("/images/a/b/c.jpg", True),
        ("/imagesX/a.jpg", False),
        ("/images", False),
        ("/Images/a.jpg", False),
        ("/images/../private/a.jpg", False),
    ],
)
def test_v16_wildcard(path: str, allowed: bool, signer: Signer, verifier: Verifier) -> None:
    """Allow what the asterisk covers, and nothing beside or above it (V16)."""
    policy = Policy(resource=f"{ORIGIN}/images/*", date_less_than=EXPIRES)
    signed = signer.sign_url(f"{ORIGIN}/images/photo1.jpg", policy=policy)
    added = signed.partition("?")[2]
    url = f"{ORIGIN}{path}{'&' if '?' in path else '?'}{added}"
    if allowed:
        assert verifier.verify(url, now=NOW) == policy
    else:
        assert_refused(refusal(verifier, url), "AccessDenied", "the policy covers")


def test_cookies_allow(cookies: dict[str, str], verifier: Verifier) -> None:
    """Allow every file that the cookies cover, with any query."""
    for url in [IMAGE, f"{IMAGE}?size=large", f"{ORIGIN}/a/b/", f"{ORIGIN}/?Hash-Algorithm=x"]:
        policy = verifier.verify(url, {**cookies, "sessionid": "x"}, now=NOW, viewer_ip=VIEWER)
        assert policy == EVERYTHING


def test_cookies_with_conditions(cookies: dict[str, str], verifier: Verifier) -> None:
    """Refuse cookies that came too late or from another address."""
    assert_refused(
        refusal(verifier, IMAGE, cookies, now=EXPIRES, viewer_ip=VIEWER), "AccessDenied", "expired"
    )
    assert_refused(
        refusal(verifier, IMAGE, cookies, viewer_ip="11.0.0.1"), "AccessDenied", "address"
    )
    other = f"https://other.example.com{IMAGE.removeprefix(ORIGIN)}"
    denied = refusal(verifier, other, cookies, viewer_ip=VIEWER)
    assert_refused(denied, "AccessDenied", f"the policy covers {ORIGIN}/*")


def test_canned_cookies_open_one_url(signer: Signer, verifier: Verifier) -> None:
    """Allow with canned cookies the one URL that they were made for."""
    cookies = signer.sign_cookies(Policy(resource=IMAGE, date_less_than=EXPIRES))
    assert verifier.verify(IMAGE, cookies, now=NOW).resource == IMAGE
    for other in [f"{ORIGIN}/other.jpg", f"{IMAGE}?a=1", f"{IMAGE}?"]:
        assert_refused(refusal(verifier, other, cookies), "AccessDenied", "does not match")


@pytest.mark.parametrize(
    "query", ["Expires=9", "Policy=x", "Signature=x", "Expires", "a=1&Policy="]
)
def test_v17_signed_url_wins(query: str, cookies: dict[str, str], verifier: Verifier) -> None:
    """Ignore good cookies as soon as the query has one of CloudFront's parameters (V17)."""
    denied = refusal(verifier, f"{IMAGE}?{query}", cookies, viewer_ip=VIEWER)
    assert_refused(denied, "MissingKey", "in the query")


def test_v17_bad_signed_url(signed: str, cookies: dict[str, str], verifier: Verifier) -> None:
    """Refuse a bad signed URL in spite of good cookies (V17)."""
    url = signed.replace(parameters(signed)["Signature"], "QUJD")
    assert_refused(refusal(verifier, url, cookies, viewer_ip=VIEWER), "AccessDenied")
    key_alone = f"{IMAGE}?Key-Pair-Id={KEY_ID}"
    assert_refused(refusal(verifier, key_alone, cookies, viewer_ip=VIEWER), "AccessDenied")


def test_v17_good_signed_url_with_bad_cookies(
    signed: str, cookies: dict[str, str], verifier: Verifier
) -> None:
    """Allow a good signed URL whatever the cookies say (V17)."""
    bad = dict.fromkeys(cookies, "x")
    assert verifier.verify(signed, bad, now=NOW).resource == IMAGE


def test_v18_hash_algorithm_cookie(rsa_key: PrivateKey, rsa_verifier: Verifier) -> None:
    """Refuse SHA256 cookies without the fourth, and SHA1 cookies with one too many (V18)."""
    for hash_algorithm in HashAlgorithm:
        signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key, hash_algorithm=hash_algorithm)
        cookies = signer.sign_cookies(EVERYTHING)
        assert rsa_verifier.verify(IMAGE, cookies, now=NOW, viewer_ip=VIEWER) == EVERYTHING
        if cookies.pop("CloudFront-Hash-Algorithm", "SHA1") == "SHA1":
            cookies["CloudFront-Hash-Algorithm"] = "SHA256"
        denied = refusal(rsa_verifier, IMAGE, cookies, viewer_ip=VIEWER)
        assert_refused(denied, "AccessDenied", "does not match the policy")


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("CloudFront-Key-Pair-Id", None, "MissingKey"),
        ("CloudFront-Key-Pair-Id", "", "MissingKey"),
        ("CloudFront-Key-Pair-Id", "K2OTHERKEY", "InvalidKey"),
        ("CloudFront-Signature", None, "AccessDenied"),
        ("CloudFront-Signature", "", "AccessDenied"),
        ("CloudFront-Signature", "!!!", "MalformedSignature"),
        ("CloudFront-Signature", "QUJD", "AccessDenied"),
        ("CloudFront-Policy", None, "AccessDenied"),
        ("CloudFront-Policy", "undefined", "MalformedPolicy"),
        ("CloudFront-Policy", "", "MalformedPolicy"),
        ("CloudFront-Hash-Algorithm", "sha256", "AccessDenied"),
    ],
)
def test_changed_cookie(
    name: str, value: str | None, code: str, cookies: dict[str, str], verifier: Verifier
) -> None:
    """Refuse cookies of which one is missing or changed, with the code of a signed URL."""
    changed = cookies | {name: value or ""}
    if value is None:
        del changed[name]
    assert_refused(refusal(verifier, IMAGE, changed, viewer_ip=VIEWER), code)


def test_cookie_names_have_case(cookies: dict[str, str], verifier: Verifier) -> None:
    """Know the cookies only by their names as they are written."""
    lowered = {name.lower(): value for name, value in cookies.items()}
    assert_refused(refusal(verifier, IMAGE, lowered), "MissingKey", "or the cookies")
    bare = {name.removeprefix("CloudFront-"): value for name, value in cookies.items()}
    assert_refused(refusal(verifier, IMAGE, bare), "MissingKey", "or the cookies")
