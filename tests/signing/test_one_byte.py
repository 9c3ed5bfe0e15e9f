"""Change, drop, add or swap any one byte of a signed URL: it is refused, with the right code."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from cfsigned_django.signing import Policy, Signer, Verifier
from tests.signing.cases import EXPIRES, ORIGIN, refusal
from tests.signing.mutations import expected_codes

VIEWER = "10.1.2.3"
PARTS = re.compile(
    r"(?P<scheme>https)(?P<colon>://)(?P<host>[^/]+)(?P<path>/[^?]*)(?P<question>\?)"
    r"(?:(?P<own>a=1)(?P<own_end>&))?(?P<grant_name>(?:Expires|Policy)=)(?P<grant>[^&]+)"
    r"(?P<signature_name>&Signature=)(?P<signature>[^&]+)(?P<key_name>&Key-Pair-Id=)(?P<key>[^&]+)"
    r"(?:(?P<key_end>&)(?P<hash>Hash-Algorithm=SHA256))?"
)
# What a change to a part of the URL must be answered with. A byte of an own
# name or value is a part of what was signed; a byte of a parameter's name
# makes CloudFront's parameter an own one, so that it is missing.
DENIED, NO_KEY, UNKNOWN = {"AccessDenied"}, {"MissingKey"}, {"InvalidKey"}
CODES = {
    **dict.fromkeys(["scheme", "colon", "host", "path", "own", "own_end"], DENIED),
    "question": NO_KEY,  # without a query there are no credentials
    "grant_name": DENIED,
    "grant": {"AccessDenied", "MalformedPolicy"},
    "signature_name": DENIED,
    "signature": {"AccessDenied", "MalformedSignature"},
    "key_name": NO_KEY,
    "key": UNKNOWN,
    "key_end": UNKNOWN,  # the id then goes on: K1TESTKEYzHash-Algorithm=...
    "hash": DENIED,
}
URLS = [
    (f"{ORIGIN}/image%20x.jpg", {}),
    (f"{ORIGIN}/x?a=1", {}),
    (f"{ORIGIN}/x", {"ip": "10.0.0.0/8"}),
]
EACH_URL = pytest.mark.parametrize(("url", "conditions"), URLS, ids=["name", "query", "policy"])


def sign(signer: Signer, url: str, conditions: dict[str, str]) -> str:
    """Return the URL, signed with a canned policy or one that has an address."""
    policy = Policy(resource=url, date_less_than=EXPIRES, ip_address=conditions.get("ip"))
    return signer.sign_url(url, policy=policy)


def parts(signed: str) -> Iterator[tuple[str, int]]:
    """Yield the name of the part and the position of each byte."""
    match = PARTS.fullmatch(signed)
    assert match is not None
    for name in PARTS.groupindex:
        for at in range(*match.span(name)):
            yield name, at


@EACH_URL
@pytest.mark.parametrize("byte", ["z", "7", "Q", "!", ";", "\x00", "é"])
def test_changed_byte(
    url: str, conditions: dict[str, str], byte: str, signer: Signer, verifier: Verifier
) -> None:
    """Refuse a URL of which any one byte is another."""
    signed = sign(signer, url, conditions)
    for name, at in parts(signed):
        if signed[at] != byte:
            changed = signed[:at] + byte + signed[at + 1 :]
            code = refusal(verifier, changed, viewer_ip=VIEWER).code
            assert code in CODES[name] & expected_codes(changed), (name, changed)


@EACH_URL
def test_dropped_byte(
    url: str, conditions: dict[str, str], signer: Signer, verifier: Verifier
) -> None:
    """Refuse a URL of which any one byte is missing."""
    signed = sign(signer, url, conditions)
    for name, at in parts(signed):
        dropped = signed[:at] + signed[at + 1 :]
        code = refusal(verifier, dropped, viewer_ip=VIEWER).code
        assert code in CODES[name] & expected_codes(dropped), (name, dropped)
        if name == "signature":
            assert code == "MalformedSignature"


@EACH_URL
@pytest.mark.parametrize("byte", ["z", "7", "%", "&", "=", "?", "#", "_", "~", " "])
def test_added_byte(
    url: str, conditions: dict[str, str], byte: str, signer: Signer, verifier: Verifier
) -> None:
    """Refuse a URL with any one byte more, at any place."""
    signed = sign(signer, url, conditions)
    for at in range(len(signed) + 1):
        added = signed[:at] + byte + signed[at:]
        assert refusal(verifier, added, viewer_ip=VIEWER).code in expected_codes(added), added


@EACH_URL
def test_swapped_bytes(
    url: str, conditions: dict[str, str], signer: Signer, verifier: Verifier
) -> None:
    """Refuse a URL of which any two neighbours, if they differ, changed places."""
    signed = sign(signer, url, conditions)
    for at in range(len(signed) - 1):
        one, two = signed[at], signed[at + 1]
        swapped = signed[:at] + two + one + signed[at + 2 :]
        if one != two:
            code = refusal(verifier, swapped, viewer_ip=VIEWER).code
            assert code in expected_codes(swapped), swapped


def test_expires_byte(signer: Signer, verifier: Verifier) -> None:
    """Call another number of seconds denied, and what is no such number malformed."""
    signed = sign(signer, *URLS[0])
    start = signed.index("Expires=") + len("Expires=")
    for at in range(start, start + 10):
        for byte in "0z-":
            changed = signed[:at] + byte + signed[at + 1 :]
            is_moment = byte == "0" and at > start
            if changed != signed:
                code = refusal(verifier, changed).code
                assert code == ("AccessDenied" if is_moment else "MalformedPolicy"), changed
