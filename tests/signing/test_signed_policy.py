"""Sign a policy once, and open with it whatever it covers."""

from __future__ import annotations

import pytest

from cfsigned_django.signing import (
    InvalidPolicy,
    InvalidUrl,
    Policy,
    SignedPolicy,
    Signer,
    Verifier,
)
from tests.signing.cases import KEY_ID

UNTIL = 1_775_000_000
FOLDER = "https://d111111abcdef8.cloudfront.net/albums/42/"


@pytest.fixture
def signed(signer: Signer) -> SignedPolicy:
    """Return a policy for a folder, with its signature."""
    return signer.sign_policy(Policy(resource=f"{FOLDER}*", date_less_than=UNTIL))


@pytest.mark.parametrize("url", [f"{FOLDER}a.jpg", f"{FOLDER}한 글.jpg", f"{FOLDER}a.jpg?v=2"])
def test_url(url: str, signed: SignedPolicy, signer: Signer) -> None:
    """Give the URL that signing it with the policy gives, which openssl judges elsewhere."""
    assert signed.url(url) == signer.sign_url(url, policy=signed.policy)
    keys = {KEY_ID: signer.private_key.public_key}
    assert Verifier(keys).verify(signed.url(url), now=0) == signed.policy


@pytest.mark.parametrize(
    "url", ["https://d111111abcdef8.cloudfront.net/albums/43/a.jpg", f"{FOLDER}../43/a.jpg"]
)
def test_url_outside(url: str, signed: SignedPolicy) -> None:
    """Refuse a URL that CloudFront would refuse."""
    with pytest.raises(InvalidPolicy, match="does not cover"):
        signed.url(url)


def test_url_that_is_too_long(signed: SignedPolicy) -> None:
    """Refuse a URL that is longer than CloudFront takes."""
    with pytest.raises(InvalidUrl, match="8192"):
        signed.url(FOLDER + 8000 * "a")


def test_no_secret_in_a_repr(signed: SignedPolicy) -> None:
    """Show no signature where a signed policy is printed."""
    assert "Signature" in signed.query
    assert "Signature" not in repr(signed)
