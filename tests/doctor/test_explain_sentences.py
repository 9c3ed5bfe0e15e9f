"""Say in a sentence what is wrong with one URL."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest

from cfsigned_django.doctor.explain import explain_url
from cfsigned_django.signing import HashAlgorithm, PrivateKey, Signer
from tests.doctor import faults
from tests.doctor.explained import ADDRESS, KEY, KNOWN, NOW, OPEN, SIGNER, SITE, URL, custom, find
from tests.storage_cases import DOMAIN, KEY_ID, OTHER_KEY_ID


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
