"""Explain URLs that fail, without any site: parse, decode, check."""

from __future__ import annotations

import pytest
from hypothesis import example, given, strategies as st

from cfsigned_django.doctor.explain import explain_url
from cfsigned_django.signing.encoding import encode_base64
from tests.doctor import faults, ids
from tests.doctor.explained import ADDRESS, NOW, OPEN, SIGNATURE, SIGNER, SITE, URL, WRONG, find
from tests.storage_cases import DOMAIN


def test_good_url() -> None:
    """Say what a good URL grants, and that nothing is wrong with it."""
    found = explain_url(URL, SITE)

    assert ids(found) == ["url-policy", "url-good"]
    assert found[0].what == (f"It grants {ADDRESS} until 2027-01-15 08:10:00 UTC (canned policy).")


@pytest.mark.parametrize(("text", "expected"), WRONG, ids=range(len(WRONG)))
def test_wrong(text: str, expected: list[str]) -> None:
    """Name what is wrong."""
    assert faults(explain_url(text, SITE)) == expected


def test_signature_with_other_escapes() -> None:
    """Read a signature whose ~ or - was escaped: once is allowed, twice is the fault."""
    signature = next(
        each
        for each in (
            SIGNER.sign_url(ADDRESS, date_less_than=NOW + seconds) for seconds in range(1, 99)
        )
        if "~" in each
    )
    once, twice = signature.replace("~", "%7E"), signature.replace("~", "%257E")

    assert faults(explain_url(once, SITE)) == []
    assert faults(explain_url(twice, SITE)) == ["url-double-encoded"]


def test_double_encoded_name() -> None:
    """Say that a name in the URL was encoded once more after signing, or decoded."""
    url = SIGNER.sign_url(f"https://{DOMAIN}/media/a%20b.jpg", date_less_than=NOW + 600)

    twice = find(url.replace("%20", "%2520"), "url-signature-mismatch")
    spaced = explain_url(url.replace("%20", " "), SITE)

    assert twice.what == (
        "The signature does not match: the URL was percent-encoded after signing."
    )
    assert faults(spaced) == ["url-copied"]


@pytest.mark.parametrize("text", [text for text, _ in WRONG], ids=range(len(WRONG)))
def test_no_signature_is_shown(text: str) -> None:
    """Show no signature, whatever was done to the URL."""
    shown = str(explain_url(text, SITE))

    for part in (SIGNATURE[10:40], SIGNATURE[-30:]):
        assert part not in shown


# Which stands behind the value of another parameter, Hash-Algorithm or Key-Pair-Id.
@example([URL, f"Signature={SIGNATURE}"])
@example([URL.rpartition("&Hash-Algorithm")[0], f"Signature={SIGNATURE}"])
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [URL, OPEN, "&amp;", "\\u0026", "Signature=", f"Signature={SIGNATURE}", "#", "%25"]
            ),
            st.text(max_size=5),
        ),
        max_size=6,
    )
)
@example([OPEN, f"Signature={SIGNATURE}", "#"])
def test_whatever_is_pasted(parts: list[str]) -> None:
    """Return findings with reasons for any text, without the signature."""
    found = explain_url("".join(parts), SITE)

    assert found
    assert SIGNATURE not in str(found)
    assert all(each.what for each in found)


def test_policy_in_base64_that_is_no_text() -> None:
    """Say that the policy cannot be read."""
    url = OPEN.replace(OPEN.partition("Policy=")[2].partition("&")[0], encode_base64(b"\xff\xfe"))

    assert faults(explain_url(url, SITE)) == ["url-malformed-policy"]
