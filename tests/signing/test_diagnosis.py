"""Explain in the log, never to the viewer, what happened to a URL after it was signed."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from cfsigned_django.signing import (
    HashAlgorithm,
    InvalidKey,
    KeyAlgorithm,
    PublicKey,
    Signer,
    Verifier,
)
from cfsigned_django.signing.diagnosis import explain_mismatch
from tests.signing.cases import EXPIRES, IMAGE, ORIGIN, parameters, refusal

UNKNOWN = "the URL, Expires or the key is not the one signed"

EMPTY = "an empty parameter (a bare `&` or `?`) was added after signing"

# What was signed, what arrives, and what the log says.
ACCIDENTS = [
    ("/a", "/a?size=large", "`&size=large` was added after signing"),
    ("/a?b=1", "/a?b=1&size=large", "`&size=large` was added after signing"),
    ("/a?b=1", "/a?size=large&b=1", "`&size=large` was added after signing"),
    ("/a?b=1&c=2", "/a?b=1&size=large&c=2", "`&size=large` was added after signing"),
    ("/a?b=1", "/a?b=1&", EMPTY),
    ("/a", "/a?", EMPTY),
    ("/a,b", "/a,b?", EMPTY),
    ("/a", "/a?b=1&c=2", "the query `?b=1&c=2` was added after signing"),
    ("/a?b=1&c=2", "/a?c=2&b=1", "the parameters were put in another order"),
    ("/a%2Cb", "/a,b", "the URL was decoded on the way"),
    ("/a%20b%2Bc", "/a%20b+c", "the URL was decoded on the way"),
    ("/a,b", "/a%2Cb", "the URL was percent-encoded after signing"),
    ("/a%2520b", "/a%20b", "the URL was signed with its escapes encoded once more"),
    ("/a%2Bb", "/a+b", "the URL was decoded on the way"),
    ("/a", "/b", UNKNOWN),
    ("/a?b=1", "/a", UNKNOWN),
    ("/a?b=1", "/a?b=2", UNKNOWN),
]


@pytest.mark.parametrize(("before", "after", "reason"), ACCIDENTS)
def test_accidents(
    before: str, after: str, reason: str, signer: Signer, verifier: Verifier
) -> None:
    """Name the usual accidents, and admit it where the cause is none of them."""
    signed = signer.sign_url(ORIGIN + before, date_less_than=EXPIRES)
    added = signed.removeprefix(ORIGIN + before)[1:]
    url = f"{ORIGIN}{after}{'&' if '?' in after else '?'}{added}"
    denied = refusal(verifier, url)
    assert denied.code == "AccessDenied"
    assert denied.reason == f"the signature does not match: {reason}"


@pytest.mark.parametrize("path", ["/a", "/a?b=1"])
def test_trailing_ampersand(path: str, signer: Signer, verifier: Verifier) -> None:
    """Name the empty parameter that a `&` at the end makes."""
    signed = signer.sign_url(ORIGIN + path, date_less_than=EXPIRES)
    assert refusal(verifier, f"{signed}&").reason.endswith(EMPTY)


@pytest.mark.parametrize("path", ["/a", "/a?b=1"])
def test_escaped_for_html(path: str, signer: Signer, verifier: Verifier) -> None:
    """Name the `&amp;` of a URL that was escaped twice, or copied out of the source of a page."""
    signed = signer.sign_url(ORIGIN + path, date_less_than=EXPIRES)
    escaped = signed.replace("&", "&amp;")
    for cookies in ({}, {"CloudFront-Signature": "x"}):
        denied = refusal(verifier, escaped, cookies)
        assert denied.code == "MissingKey"
        assert denied.reason.startswith("no Key-Pair-Id in the ")
        assert "the URL has `&amp;` where `&` belongs" in denied.reason


@pytest.mark.parametrize("sent", ["/a b", '/a"b', "/a{b", "/한", "/a#b"])
def test_raw_characters(sent: str, signer: Signer, verifier: Verifier) -> None:
    """Name a character that no client sends as it is, and how to encode it."""
    signed = signer.sign_url(ORIGIN + "/a%20b", date_less_than=EXPIRES)
    denied = refusal(verifier, signed.replace("/a%20b", sent))
    assert denied.code == "AccessDenied"
    assert "Percent-encode it first" in denied.reason


def test_other_scheme(signer: Signer, verifier: Verifier) -> None:
    """Say that a link was made for http, or for https."""
    for made, sent in [("https", "http"), ("http", "https")]:
        signed = signer.sign_url(f"{made}://h/a", date_less_than=EXPIRES)
        denied = refusal(verifier, signed.replace(f"{made}:", f"{sent}:"))
        assert denied.reason.endswith(f"it was made for {made}, not {sent}")


def test_other_hash(signer: Signer, verifier: Verifier, signed: str) -> None:
    """Say which hash the signature was made with."""
    if signer.hash_algorithm is HashAlgorithm.SHA1:
        url, reason = f"{signed}&Hash-Algorithm=SHA256", "made with SHA1, but"
    else:
        url, reason = signed.replace("&Hash-Algorithm=SHA256", ""), "made with SHA256, and"
    assert reason in refusal(verifier, url).reason


def test_other_key(signer: Signer, verifier: Verifier, signed: str) -> None:
    """Admit that the key may be another one where nothing else explains it."""
    url = signed.replace("image", "other")
    assert refusal(verifier, url).reason.endswith(UNKNOWN)


def test_no_signature_in_the_reason(signer: Signer, verifier: Verifier, signed: str) -> None:
    """Keep what grants access out of the log."""
    denied = refusal(verifier, f"{signed}&x=1")
    assert parameters(signed)["Signature"][:12] not in str(denied)


def test_trials_are_bounded() -> None:
    """Try no more than 24 explanations, however many parameters a request has."""
    key = Mock(spec=PublicKey, algorithm=KeyAlgorithm.RSA_2048)
    key.verify.side_effect = InvalidKey("no")
    url = f"{IMAGE}?{'&'.join(f'p{at}=1' for at in range(500))}"
    reason = explain_mismatch(url, {"Expires": "1"}, key, b"", HashAlgorithm.SHA1)
    assert reason.endswith(UNKNOWN)
    assert key.verify.call_count == 24
