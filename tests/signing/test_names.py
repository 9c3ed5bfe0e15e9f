"""Sign any name that a file can have: the link works, and no damaged one does."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.utils.encoding import filepath_to_uri
from hypothesis import example, given, strategies as st

from cfsigned_django.signing import Policy, Signer, Verifier
from tests.signing.cases import EXPIRES, NOW, ORIGIN, refusal
from tests.signing.mutations import expected_codes, meaning

NAMES = st.text(st.characters(exclude_categories=["Cs"]))
BYTES = st.sampled_from("aZ09_~-%&=?./é\0")


@given(NAMES)
@example("../../etc/passwd")
@example("a+b #1?.jpg")
@example("100%25.jpg")
@example("한글 이름.pdf")
def test_any_name_is_allowed(signer: Signer, verifier: Verifier, name: str) -> None:
    """Allow any name, quoted as Django does it or wholly, in a path and in a query."""
    for url in [
        f"{ORIGIN}/{filepath_to_uri(name)}",
        f"{ORIGIN}/{quote(name)}",
        f"{ORIGIN}/{quote(name, safe='')}",
        f"{ORIGIN}/x?download={quote(name, safe='')}",
    ]:
        signed = signer.sign_url(url, date_less_than=EXPIRES)
        policy = verifier.verify(signed, now=NOW)
        if "*" not in url:
            assert policy.is_canned


@given(NAMES)
def test_any_raw_name_is_allowed(signer: Signer, verifier: Verifier, name: str) -> None:
    """Allow any raw name without a fragment or a query: it is encoded before it is signed."""
    name = name.replace("#", "").replace("?", "")
    signed = signer.sign_url(f"{ORIGIN}/{name}", date_less_than=EXPIRES)
    assert signed.isascii()
    assert verifier.verify(signed, now=NOW).date_less_than == EXPIRES


@given(NAMES.filter(lambda name: ".." not in name))
def test_any_name_under_a_wildcard(signer: Signer, verifier: Verifier, name: str) -> None:
    """Allow any name below a folder that a policy or its cookies cover."""
    policy = Policy(resource=f"{ORIGIN}/albums/42/*", date_less_than=EXPIRES)
    url = f"{ORIGIN}/albums/42/{quote(name)}"
    assert verifier.verify(signer.sign_url(url, policy=policy), now=NOW) == policy
    assert verifier.verify(url, signer.sign_cookies(policy), now=NOW) == policy


@given(name=NAMES, place=st.integers(0, 9999), byte=BYTES)
def test_any_damaged_byte_is_refused(
    signer: Signer, verifier: Verifier, name: str, place: int, byte: str
) -> None:
    """Refuse the URL with one byte changed, dropped, added or swapped, with the right code."""
    url = f"{ORIGIN}/{filepath_to_uri(name).replace('*', '%2A')}"
    signed = signer.sign_url(url, date_less_than=EXPIRES)
    at = place % (len(signed) - 1)
    for damaged in [
        signed[:at] + byte + signed[at + 1 :],
        signed[:at] + signed[at + 1 :],
        signed[:at] + byte + signed[at:],
        signed[:at] + signed[at : at + 2][::-1] + signed[at + 2 :],
    ]:
        if meaning(damaged) == meaning(signed):
            verifier.verify(damaged, now=NOW)
        else:
            assert refusal(verifier, damaged).code in expected_codes(damaged)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_normal_forms_are_two_names(form: str, signer: Signer, verifier: Verifier) -> None:
    """Keep composed and decomposed names apart: they are two keys in S3."""
    composed, decomposed = "caf\u00e9.jpg", "cafe\u0301.jpg"
    name, other = (composed, decomposed) if form == "NFC" else (decomposed, composed)
    signed = signer.sign_url(f"{ORIGIN}/{name}", date_less_than=EXPIRES)
    assert verifier.verify(signed, now=NOW).resource == f"{ORIGIN}/{quote(name)}"
    assert refusal(verifier, signed.replace(quote(name), quote(other))).code == "AccessDenied"
