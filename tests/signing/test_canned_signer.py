"""Sign names of one folder that end at the same moment."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.signing import (
    InvalidPolicy,
    InvalidUrl,
    KeyAlgorithm,
    Policy,
    Signer,
    Verifier,
)
from tests.signing.cases import KEY_ID, parameters

UNTIL = 1_775_000_000
FOLDER = "https://d111111abcdef8.cloudfront.net/albums/42/"


@pytest.mark.parametrize("name", ["a.jpg", "2026/%ED%95%9C.jpg", "-", ""])
def test_sign(name: str, signer: Signer) -> None:
    """Give a URL that CloudFront would serve, and that differs in the signature at most."""
    quick = signer.until(UNTIL, start=FOLDER)
    url = quick.sign(name, name.encode())
    slow = signer.sign_url(f"{FOLDER}{name}", date_less_than=UNTIL)
    policy = Policy(resource=f"{FOLDER}{name}", date_less_than=UNTIL)
    assert Verifier({KEY_ID: signer.private_key.public_key}).verify(url, now=0) == policy
    assert {**parameters(url), "Signature": ""} == {**parameters(slow), "Signature": ""}
    is_rsa = signer.private_key.algorithm is KeyAlgorithm.RSA_2048
    assert (url == slow) == (url == quick.sign(name, name.encode())) == is_rsa


@pytest.mark.parametrize("until", [0, -1, 2**31, 1.5, True], ids=repr)
def test_until(until: Any, signer: Signer) -> None:
    """Refuse a moment that is none."""
    with pytest.raises(InvalidPolicy, match="date_less_than is"):
        signer.until(until, start=FOLDER)


def test_length(signer: Signer) -> None:
    """Sign as long a URL as CloudFront takes, and refuse one that is longer."""
    quick = signer.until(UNTIL, start=FOLDER)

    def sign(length: int) -> str:
        return quick.sign("a" * length, b"a" * length)

    with pytest.raises(InvalidUrl, match="bytes; CloudFront takes 8192 at most"):
        sign(8192)
    longest = 8192 - len(sign(0)) - 8  # an ECDSA signature takes 4 or 8 characters more
    assert 8170 < len(sign(longest)) <= 8192


def test_no_secret_in_a_repr(signer: Signer) -> None:
    """Show nothing of the key where what signs is printed."""
    assert repr(signer.until(UNTIL, start=FOLDER)) == (f"<CannedSigner for {FOLDER} until {UNTIL}>")
