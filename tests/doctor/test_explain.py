"""Explain URLs that CloudFront refuses: one finding for each fault, in whole sentences."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import example, given, strategies as st

from cfsigned_django.doctor.explain import explain_url
from cfsigned_django.signing import HashAlgorithm, PrivateKey, Signer
from cfsigned_django.signing.encoding import encode_base64
from tests.doctor import faults, ids
from tests.doctor.explained import (
    ADDRESS,
    KEY,
    KNOWN,
    NOW,
    OPEN,
    SIGNATURE,
    SIGNER,
    SITE,
    URL,
    WRONG,
    custom,
    find,
)
from tests.storage_cases import DOMAIN, KEY_ID, OTHER_KEY_ID


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


@pytest.mark.parametrize(
    ("text", "kind_id", "what"),
    [
        (
            SIGNER.sign_url(ADDRESS, date_less_than=NOW - 7500),
            "url-expired",
            "The URL expired 2 h 5 min ago, at 2027-01-15 05:55:00 UTC; this machine's clock says "
            "2027-01-15 08:00:00 UTC.",
        ),
        (
            custom(date_greater_than=NOW + 60),
            "url-not-yet",
            "The URL becomes valid in 1 min 1 s, after 2027-01-15 08:01:00 UTC; this machine's "
            "clock says 2027-01-15 08:00:00 UTC.",
        ),
        (
            f"{URL}&utm_source=mail",
            "url-signature-mismatch",
            "The signature does not match: `&utm_source=mail` was added after signing.",
        ),
        (
            f"{OPEN}&utm_source=mail",
            "url-not-covered",
            f"The policy covers {ADDRESS}, not {ADDRESS}?utm_source=mail: `&utm_source=mail` was "
            "added after signing.",
        ),
        (
            URL.replace("&Hash-Algorithm=SHA256", ""),
            "url-signature-mismatch",
            "The signature does not match: it was made with SHA256, and Hash-Algorithm=SHA256 is "
            "missing.",
        ),
        (
            URL.replace(KEY_ID, OTHER_KEY_ID),
            "url-signature-mismatch",
            f"The URL names the key {OTHER_KEY_ID}, but {KEY_ID} (AWS_CLOUDFRONT_KEY) signed it.",
        ),
        (
            URL.replace(KEY_ID, "KUNKNOWN123"),
            "url-unknown-key",
            f"The URL names the key KUNKNOWN123, which is none of this site's: {KEY_ID} "
            f"(AWS_CLOUDFRONT_KEY), {OTHER_KEY_ID} (key pair of the database, active). It was "
            f"signed by {KEY_ID}: the id is wrong, not the key.",
        ),
        (
            URL.replace("Expires=1800000600", "Expires=1800000600000"),
            "url-malformed-policy",
            "Expires is 1800000600000, later than 2147483647 (in 2038). It looks like "
            "milliseconds: seconds are wanted.",
        ),
        (
            URL.partition("&Key-Pair-Id")[0],
            "url-incomplete",
            "There is no Key-Pair-Id.",
        ),
    ],
    ids=("expired", "not-yet", "added", "not-covered", "hash", "key", "id", "milliseconds", "cut"),
)
def test_sentences(text: str, kind_id: str, what: str) -> None:
    """Say in one sentence what is wrong, with the values at hand."""
    assert find(text, kind_id).what == what


def test_wrong_domain_is_one_finding() -> None:
    """Find no further fault in a link of this site that was taken to another domain."""
    foreign = URL.replace(DOMAIN, "other.example.com")

    assert faults(explain_url(foreign, SITE)) == ["url-other-domain"]
    anywhere = replace(SITE, domains=set())
    assert faults(explain_url(foreign, anywhere)) == ["url-signature-mismatch"]


def test_address() -> None:
    """Compare the viewer's address with the policy, if it is known."""
    url = custom(ip_address="192.0.2.0/24")

    assert faults(explain_url(url, replace(SITE, viewer_ip="192.0.2.77"))) == []
    assert faults(explain_url(url, replace(SITE, viewer_ip="198.51.100.7"))) == ["url-address"]
    assert faults(explain_url(url, replace(SITE, viewer_ip="2001:db8::1"))) == ["url-address"]


def test_several_faults() -> None:
    """Name each fault of a URL that has several."""
    url = custom(date_less_than=NOW - 5, date_greater_than=NOW - 60, ip_address="192.0.2.1")
    knowledge = replace(SITE, viewer_ip="198.51.100.7")

    found = faults(explain_url(f"{url}&x=1", knowledge))

    assert found == ["url-not-covered", "url-expired", "url-address"]


def test_key_that_ended() -> None:
    """Say that the key was retired, although its signature is good."""
    retired = replace(KNOWN, ended="was retired on 2026-11-01")

    found = find(URL, "url-key-ended", replace(SITE, keys=(retired,)))

    assert found.what == f"The key {KEY_ID} was retired on 2026-11-01."


def test_key_group() -> None:
    """Compare with the key group where AWS was asked."""
    inside, outside = (replace(SITE, key_groups={"g": each}) for each in ([KEY_ID], ["KOTHER"]))

    assert faults(explain_url(URL, inside)) == []
    assert "The key group holds its key." in find(URL, "url-good", inside).what
    assert faults(explain_url(URL, outside)) == ["url-key-not-in-group"]
    unknown = URL.replace(KEY_ID, "KUNKNOWN123")
    assert faults(explain_url(unknown, inside)) == ["url-key-not-in-group", "url-unknown-key"]


def test_no_keys() -> None:
    """Say that no key is known, and what can be said without."""
    expired = SIGNER.sign_url(ADDRESS, date_less_than=NOW - 60)

    found = faults(explain_url(expired, replace(SITE, keys=())))

    assert found == ["url-unknown-key", "url-expired"]


def test_rsa(rsa_key: PrivateKey) -> None:
    """Explain URLs of RSA keys, and tell a signature that was cut off."""
    known = replace(KNOWN, public_key=rsa_key.public_key)
    site = replace(SITE, keys=(known,))
    for hash_algorithm in HashAlgorithm:
        signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key, hash_algorithm=hash_algorithm)
        url = signer.sign_url(ADDRESS, date_less_than=NOW + 600)
        signature = url.partition("Signature=")[2].partition("&")[0]

        assert faults(explain_url(url, site)) == []
        cut = url.replace(signature, signature[:340])
        assert faults(explain_url(cut, site)) == ["url-malformed-signature"]


def test_key_in_place_of_its_id() -> None:
    """Show nothing of a Key-Pair-Id that may be a key."""
    pem = quote(KEY.to_pem().decode(), safe="")

    found = explain_url(URL.replace(KEY_ID, pem), SITE)

    assert faults(found) == ["url-key-id"]
    assert "PRIVATE" not in str(found)
