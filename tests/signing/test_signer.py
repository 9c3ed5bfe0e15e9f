"""Sign URLs and cookies, and refuse before anything is signed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.utils.encoding import filepath_to_uri
from hypothesis import example, given

from cfsigned_django.signing import (
    HashAlgorithm,
    InvalidPolicy,
    InvalidUrl,
    KeyAlgorithm,
    Policy,
    PrivateKey,
    Signer,
    SigningError,
    Verifier,
)
from tests.characters import TEXT
from tests.golden import assert_golden
from tests.signing.cases import EXPIRES, IMAGE as URL, KEY_ID, KINDS, NOW, ORIGIN

ALL = Policy(resource=f"{ORIGIN}/*", date_less_than=EXPIRES)


@pytest.mark.parametrize("name", [*HashAlgorithm, "SHA256", None], ids=repr)
def test_another_hash(name: Any, key: PrivateKey) -> None:
    """Change the hash of an RSA key, to its default too, and leave an ECDSA key its SHA256."""
    before = Signer(key_pair_id=KEY_ID, private_key=key, hash_algorithm=HashAlgorithm.SHA256)
    signer = before.with_hash(name)
    is_rsa = key.algorithm is KeyAlgorithm.RSA_2048
    assert signer.hash_algorithm is HashAlgorithm((name or "SHA1") if is_rsa else "SHA256")
    assert (signer.key_pair_id, signer.private_key) == (KEY_ID, key)


def test_t34_longest_url(rsa_signer: Signer) -> None:
    """Sign up to 8192 bytes and refuse more (T34)."""
    canned, folder = (
        partial(rsa_signer.sign_url, date_less_than=EXPIRES),
        rsa_signer.sign_policy(ALL),
    )
    for sign in (canned, folder.url):
        longest = URL + "a" * (8192 - len(sign(URL)))
        assert len(sign(longest)) == 8192
        with pytest.raises(InvalidUrl, match="8192"):
            sign(longest + "a")


def test_t34_longest_cookie(signer: Signer) -> None:
    """Refuse a cookie that browsers would not keep, with its name and "=" (T34)."""
    policy = partial(Policy, date_less_than=EXPIRES)
    room = (4096 - len("CloudFront-Policy=")) // 4 * 3 - len(
        policy(resource=f"{ORIGIN}/*").to_json()
    )
    assert signer.sign_cookies(policy(resource=f"{ORIGIN}/{'a' * room}*"))
    with pytest.raises(InvalidPolicy, match="CloudFront-Policy"):
        signer.sign_cookies(policy(resource=f"{ORIGIN}/{'a' * (room + 1)}*"))


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        *((f"{ORIGIN}/albums/*", f"{ORIGIN}/albums/{path}") for path in ["한 글.jpg", "a?v=2"]),
        (f"{URL}?n=?", f"{URL}?n=1"),
        (f"{ORIGIN}/image*", f"{URL}?size=large"),
        (f"{ORIGIN}*", URL),
        ("http*://d111111abcdef8.cloudfront.net/*", URL),
    ],
)
def test_signed_policy(resource: str, url: str, signer: Signer, verifier: Verifier) -> None:
    """Sign a policy once, and give each URL that it covers as signing that URL would."""
    policy = Policy(resource=resource, date_less_than=EXPIRES)
    signed = signer.sign_policy(policy)
    assert signed.url(url) == signer.sign_url(url, policy=policy)
    assert verifier.verify(signed.url(url), now=NOW) == policy
    assert "Signature" in signed.query
    assert "Signature" not in repr(signed)


@pytest.mark.parametrize("path", ["videos/a.mp4", "albums/43/a.jpg", "albums/42/../43/a.jpg"])
def test_policy_must_cover_the_url(path: str, signer: Signer) -> None:
    """Refuse a policy for another URL, which CloudFront would refuse for sure."""
    policy = Policy(resource=f"{ORIGIN}/albums/42/*", date_less_than=EXPIRES)
    for sign in [lambda url: signer.sign_url(url, policy=policy), signer.sign_policy(policy).url]:
        with pytest.raises(InvalidPolicy):
            sign(f"{ORIGIN}/{path}")


def test_errors(ec_signer: Signer) -> None:
    """Name the argument, and show the value unless it may be a secret."""
    policy = partial(Policy, resource=URL, date_less_than=EXPIRES)
    signer = partial(Signer, key_pair_id="K1", private_key=ec_signer.private_key)
    errors: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        *(
            (ec_signer.sign_url, {"url": url, "date_less_than": EXPIRES})
            for url in ["/a", f"{URL}#b", f"{URL}\ud800", f"{URL}?Expires=1", URL * 300]
        ),
        *(
            (ec_signer.sign_url, {"url": URL} | each)
            for each in [{}, {"date_less_than": EXPIRES, "policy": ALL}]
        ),
        (ec_signer.sign_url, {"url": f"{URL}.png", "policy": policy()}),
        *(
            (policy, {"date_less_than": moment})
            for moment in [datetime(2026, 1, 1), None, 1.5, EXPIRES * 1000, 2**31, 0]
        ),
        (policy, {"date_greater_than": EXPIRES}),
        *((policy, {"ip_address": address}) for address in ["::1", "10.0.0"]),
        *((policy, {"resource": each}) for each in ["", "*", f"{ORIGIN}/a b", "/a", ORIGIN]),
        *((signer, {"key_pair_id": each}) for each in ["", "K1\n", "K 1" * 50, "K\u0661"]),
        (signer, {"key_pair_id": str(UUID(int=1))}),
        *((signer, {"hash_algorithm": each}) for each in ["SHA1", "sha256", 1]),
    ]
    lines = []
    for call, arguments in errors:
        with pytest.raises(SigningError) as caught:
            call(**arguments)
        lines.append(f"{type(caught.value).__name__}: {caught.value}")
    text = re.sub("has [0-9]+ bytes", "has 9000 bytes", "\n".join(lines))
    assert_golden("signing-errors", text)


# What is allowed of a name does not depend on the key.
@pytest.mark.parametrize("signer", KINDS[-1:], indirect=True, ids="-".join)
@given(TEXT)
@example("../../etc/passwd")
@example("a+b #1?.jpg")
@example("100%25.jpg")
@example("한글 이름.pdf")
@example('f","Resource":"*","x":"')
def test_any_name_is_allowed(signer: Signer, verifier: Verifier, name: str) -> None:
    """Allow any name: quoted as Django does it, wholly, in a query, and raw, encoded by us."""
    for url in [
        f"{ORIGIN}/{filepath_to_uri(name)}",
        f"{ORIGIN}/{quote(name)}",
        f"{ORIGIN}/{quote(name, safe='')}",
        f"{ORIGIN}/x?download={quote(name, safe='')}",
        f"{ORIGIN}/{name.replace('#', '').replace('?', '')}",
    ]:
        signed = signer.sign_url(url, date_less_than=EXPIRES)
        policy = verifier.verify(signed, now=NOW)
        assert signed.isascii()
        assert policy.date_less_than == EXPIRES
        if "*" not in url:
            assert policy.is_canned
