"""Say why a URL is refused."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.doctor.explain import Knowledge, explain_url
from cfsigned_django.doctor.findings import Finding
from cfsigned_django.doctor.site import KnownKey
from cfsigned_django.signing import HashAlgorithm, Policy, PrivateKey, Signer
from cfsigned_django.signing.encoding import encode_base64
from tests.doctor import faults, ids
from tests.storage_cases import DOMAIN, KEY_ID, OTHER_KEY_ID

NOW = 1_800_000_000
ADDRESS = f"https://{DOMAIN}/media/albums/1.jpg"
KEY = PrivateKey.generate()
OTHER_KEY = PrivateKey.generate()
SIGNER = Signer(key_pair_id=KEY_ID, private_key=KEY)
KNOWN = KnownKey(key_pair_id=KEY_ID, public_key=KEY.public_key, where="AWS_CLOUDFRONT_KEY")
OTHER = KnownKey(
    key_pair_id=OTHER_KEY_ID,
    public_key=OTHER_KEY.public_key,
    where="key pair of the database, active",
)
SITE = Knowledge(keys=(KNOWN, OTHER), domains={DOMAIN}, now=NOW)
URL = SIGNER.sign_url(ADDRESS, date_less_than=NOW + 600)
SIGNATURE = URL.partition("Signature=")[2].partition("&")[0]


def custom(resource: str = ADDRESS, **conditions: Any) -> str:
    """Return a URL with a custom policy."""
    policy = Policy(resource=resource, **{"date_less_than": NOW + 600, **conditions})
    return SIGNER.sign_url(ADDRESS, policy=policy)


OPEN = custom(date_greater_than=NOW - 60)


def find(text: str, kind_id: str, knowledge: Knowledge = SITE) -> Finding:
    """Return the finding with an id."""
    [found] = [each for each in explain_url(text, knowledge) if each.id == kind_id]
    return found


def test_good_url() -> None:
    """Say what a good URL grants, and that nothing is wrong with it."""
    found = explain_url(URL, SITE)

    assert ids(found) == ["url-policy", "url-good"]
    assert found[0].what == (f"It grants {ADDRESS} until 2027-01-15 08:10:00 UTC (canned policy).")


WRONG: list[tuple[str, list[str]]] = [
    ("albums/1.jpg", ["url-not-absolute"]),
    ("", ["url-not-absolute"]),
    (ADDRESS, ["url-unsigned"]),
    (f"{ADDRESS}?v=2", ["url-unsigned"]),
    (f'"{URL}"', ["url-copied"]),
    (f"curl '{URL}' -o x", ["url-copied"]),
    (f"See <{URL}>.", ["url-copied"]),
    (f"{URL}.", ["url-copied"]),
    (URL.replace("Signature", "\n  Signature"), ["url-copied"]),
    (URL.replace("&", "\\&"), ["url-copied"]),
    (html.escape(URL), ["url-html-escaped"]),
    (html.escape(html.escape(URL)), ["url-html-escaped"]),
    (URL.replace("&", "&#38;"), ["url-html-escaped"]),
    (json.dumps(URL).replace("&", "\\u0026"), ["url-copied", "url-json-escaped"]),
    (URL.replace("/", "\\/"), ["url-json-escaped"]),
    (quote(URL, safe=""), ["url-double-encoded"]),
    (URL.replace("Signature=", "Signature=%25"), ["url-double-encoded", "url-malformed-signature"]),
    (f"{ADDRESS}#x?{URL.partition('?')[2]}", ["url-fragment"]),
    (URL.replace(DOMAIN, "d111111abcdef8.cloudfront.net"), ["url-other-domain"]),
    (URL.partition("&Key-Pair-Id")[0], ["url-incomplete"]),
    (URL.replace("Signature=", "X="), ["url-incomplete"]),
    (URL.replace(KEY_ID, ""), ["url-incomplete"]),
    (URL.replace("Signature=", "signature="), ["url-parameter-case"]),
    (URL.replace(KEY_ID, "KUNKNOWN123"), ["url-unknown-key"]),
    (URL.replace(KEY_ID, "a1b2c3d4-0123-4567-89ab-cdef01234567"), ["url-key-id"]),
    (URL.replace(KEY_ID, OTHER_KEY_ID), ["url-signature-mismatch"]),
    (URL.replace(SIGNATURE, SIGNATURE[:-9]), ["url-malformed-signature"]),
    (URL.replace(SIGNATURE, SIGNATURE[:40]), ["url-malformed-signature"]),
    (URL.replace(SIGNATURE, SIGNATURE.replace("M", "N", 1)), ["url-signature-mismatch"]),
    (URL.replace("1.jpg", "2.jpg"), ["url-signature-mismatch"]),
    (f"{URL}&utm_source=mail", ["url-signature-mismatch"]),
    (f"{URL}&Expires=1", ["url-refused"]),
    (URL.replace("SHA256", "sha256"), ["url-refused"]),
    (URL.replace("&Hash-Algorithm=SHA256", ""), ["url-signature-mismatch"]),
    (URL.replace("Expires=1800000600", "Expires=1800000600000"), ["url-malformed-policy"]),
    (URL.replace("Expires=1800000600", "Expires=soon"), ["url-malformed-policy"]),
    (OPEN.replace("Policy=", "Policy=!"), ["url-malformed-policy"]),
    (OPEN.replace("Policy=eyJ", "Policy=eyK"), ["url-malformed-policy"]),
    (SIGNER.sign_url(ADDRESS, date_less_than=NOW), ["url-expired"]),
    (SIGNER.sign_url(ADDRESS, date_less_than=NOW - 7500), ["url-expired"]),
    (custom(date_greater_than=NOW + 60), ["url-not-yet"]),
    (custom(date_greater_than=NOW + 599), ["url-not-yet"]),
    (custom(ip_address="192.0.2.0/24"), ["url-bound-to-address"]),
    (f"{OPEN}&utm_source=mail", ["url-not-covered"]),
    (f"{OPEN}&a=1&b=2", ["url-not-covered"]),
    (OPEN.replace("1.jpg", "2.jpg"), ["url-not-covered"]),
    (f"https://b.s3.amazonaws.com/a.jpg?X-Amz-Signature={'a' * 64}", ["url-presigned-s3"]),
    (
        "https://s3.amazonaws.com/b/a.jpg?AWSAccessKeyId=A&Signature=b&Expires=1",
        ["url-presigned-s3"],
    ),
    (URL.replace(DOMAIN, "media.s3.eu-west-1.amazonaws.com"), ["url-s3-address"]),
    (URL.replace("1.jpg", "1" * 8000), ["url-too-long", "url-signature-mismatch"]),
]


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
    inside, outside = replace(SITE, trusted_ids=(KEY_ID,)), replace(SITE, trusted_ids=())

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


@pytest.mark.parametrize("text", [text for text, _ in WRONG], ids=range(len(WRONG)))
def test_no_signature_is_shown(text: str) -> None:
    """Show no signature, whatever was done to the URL."""
    shown = str(explain_url(text, SITE))

    for part in (SIGNATURE[10:40], SIGNATURE[-30:]):
        assert part not in shown


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
