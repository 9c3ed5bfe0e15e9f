"""Explain URLs that CloudFront refuses: one finding for each fault, and never the signature.

Modules: tools/doctor/explain.py, signing/diagnosis.py
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, strategies as st

from cfsigned_django.signing import HashAlgorithm, Policy, PrivateKey, Signer
from cfsigned_django.signing.encoding import encode_base64
from cfsigned_django.signing.policy import MAX_EPOCH_TIME
from cfsigned_django.tools.catalog import Finding
from cfsigned_django.tools.doctor.explain import Knowledge, KnownKey, explain_url
from cfsigned_django.tools.doctor.report import write_report
from tests.characters import CHARACTERS
from tests.golden import assert_golden
from tests.storage_cases import DOMAIN, KEY_ID, OTHER_KEY_ID
from tests.tools.doctor import faults, ids

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
SPACED = SIGNER.sign_url(f"https://{DOMAIN}/a%20b.jpg", date_less_than=NOW + 600)
SIGNATURE = URL.partition("Signature=")[2].partition("&")[0]


def custom(resource: str = ADDRESS, **conditions: Any) -> str:
    """Return a URL with a custom policy."""
    policy = Policy(resource=resource, **{"date_less_than": NOW + 600, **conditions})
    return SIGNER.sign_url(ADDRESS, policy=policy)


OPEN = custom(date_greater_than=NOW - 60)


def by_another_signer(url: str, text: str) -> str:
    """Return a URL with a policy that is signed as it is written."""
    policy, signature = encode_base64(text.encode()), encode_base64(KEY.sign(text.encode(), SHA256))
    mark = "&" if "?" in url else "?"
    query = f"Policy={policy}&Signature={signature}&Key-Pair-Id={KEY_ID}&Hash-Algorithm=SHA256"
    return f"{url}{mark}{query}"


def statement(resource: str, condition: str) -> str:
    """Return a policy, as other signers write it."""
    return f'{{"Statement":[{{"Resource":"{resource}","Condition":{{{condition}}}}}]}}'


SHA256 = HashAlgorithm.SHA256
_END = f'"DateLessThan":{{"AWS:EpochTime":{NOW + 600}}}'
#: What this package does not sign.
OTHERS = {
    name: by_another_signer(url, statement(resource, condition))
    for name, url, resource, condition in [
        ("2099", ADDRESS, ADDRESS, _END.replace(str(NOW + 600), "4070908800")),
        ("a bar", f"{ADDRESS}?a=b|c", f"{ADDRESS}?a=b|c", _END),
        ("a backslash", f"{ADDRESS}?a=b", f"{ADDRESS}\\?a=b", _END),
        (
            "never valid",
            ADDRESS,
            ADDRESS,
            f'{_END},"DateGreaterThan":{{"AWS:EpochTime":{NOW + 600}}},'
            '"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}',
        ),
    ]
}


#: What is pasted -> what is wrong with it; more is in TOLD.
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
    (html.escape(URL), ["url-escaped"]),
    (html.escape(html.escape(URL)), ["url-escaped"]),
    (URL.replace("&", "&#38;"), ["url-escaped"]),
    (json.dumps(URL).replace("&", "\\u0026"), ["url-copied", "url-escaped"]),
    (URL.replace("/", "\\/"), ["url-escaped"]),
    (quote(URL, safe=""), ["url-double-encoded"]),
    (URL.replace("Signature=", "Signature=%25"), ["url-double-encoded", "url-incomplete"]),
    (f"{ADDRESS}#x?{URL.partition('?')[2]}", ["url-fragment"]),
    (URL.replace(DOMAIN, "d111111abcdef8.cloudfront.net"), ["url-other-domain"]),
    (URL.replace("Signature=", "X="), ["url-incomplete"]),
    (URL.replace(KEY_ID, ""), ["url-incomplete"]),
    (URL.replace("Signature=", "signature="), ["url-refused"]),
    (URL.replace(KEY_ID, "a1b2c3d4-0123-4567-89ab-cdef01234567"), ["url-unknown-key"]),
    (URL.replace(SIGNATURE, SIGNATURE[:-9]), ["url-incomplete"]),
    (URL.replace(SIGNATURE, SIGNATURE[:40]), ["url-incomplete"]),
    (URL.replace(SIGNATURE, SIGNATURE.replace("M", "N", 1)), ["url-signature-mismatch"]),
    (URL.replace("1.jpg", "2.jpg"), ["url-signature-mismatch"]),
    (f"{URL}&next={quote(URL, safe='')}", ["url-signature-mismatch"]),
    (f"{URL}&Expires=1", ["url-refused"]),
    (URL.replace("SHA256", "sha256"), ["url-refused"]),
    (URL.replace("Expires=1800000600", "Expires=soon"), ["url-malformed-policy"]),
    (OPEN.replace("Policy=", "Policy=!"), ["url-malformed-policy"]),
    (OPEN.replace("Policy=eyJ", "Policy=eyK"), ["url-malformed-policy"]),
    (SIGNER.sign_url(ADDRESS, date_less_than=NOW), ["url-expired"]),
    (custom(date_greater_than=NOW), ["url-not-yet"]),
    (f"{OPEN}&a=1&b=2", ["url-not-covered"]),
    (OPEN.replace("1.jpg", "2.jpg"), ["url-not-covered"]),
    (f"https://b.s3.amazonaws.com/a.jpg?X-Amz-Signature={'a' * 64}", ["url-s3-address"]),
    (
        "https://s3.amazonaws.com/b/a.jpg?AWSAccessKeyId=A&Signature=b&Expires=1",
        ["url-s3-address"],
    ),
    (URL.replace(DOMAIN, "media.s3.eu-west-1.amazonaws.com"), ["url-s3-address"]),
    (URL.replace("1.jpg", "1" * 8000), ["url-too-long", "url-signature-mismatch"]),
    (
        URL.replace(DOMAIN, "x.example.com").replace("1.jpg", "2.jpg"),
        ["url-other-domain", "url-signature-mismatch"],
    ),
    (SPACED.replace("%20", " "), ["url-copied"]),
    (
        OPEN.replace(OPEN.partition("Policy=")[2].partition("&")[0], encode_base64(b"\xff\xfe")),
        ["url-malformed-policy"],
    ),
    (URL.replace(KEY_ID, quote(KEY.to_pem().decode(), safe="")), ["url-unknown-key"]),
]


def test_wrong(subtests: pytest.Subtests) -> None:
    """Name what is wrong, and show neither a signature nor a key, whatever was done to the URL."""
    for at, (text, expected) in enumerate(WRONG):
        with subtests.test(at=at, expected=expected):
            found = explain_url(text, SITE)

            assert faults(found) == expected
            assert "url-refusal-cors" not in ids(found)
            # What CloudFront does not answer has no headers of a response headers policy.
            by_others = {*expected} & {"url-not-absolute", "url-s3-address"}
            asked_by_script = replace(SITE, cors_origins=("https://app.example.com",))
            from_script = explain_url(text, asked_by_script)
            assert not (by_others and "url-refusal-cors" in ids(from_script))
            for secret in (SIGNATURE[10:40], SIGNATURE[-30:], "PRIVATE"):
                assert secret not in str(found)


RETIRED = replace(KNOWN, ended="was retired on 2026-11-01")
EXPIRED = SIGNER.sign_url(ADDRESS, date_less_than=NOW - 60)
BOUND = custom(ip_address="192.0.2.0/24")

#: Another key that CloudFront has under the ID of the site's key.
UNLIKE = replace(OTHER, key_pair_id=KEY_ID, where="public key media at CloudFront")
SIGNER_ID = "APKAIOSFODNN7EXAMPLE"
OF_SIGNER = Signer(key_pair_id=SIGNER_ID, private_key=KEY).sign_url(
    ADDRESS, date_less_than=NOW + 600
)

#: A URL, and what else is known of the site -> what is wrong, or that nothing is.
KNOWLEDGE: list[tuple[str, dict[str, Any], list[str]]] = [
    (URL.replace(DOMAIN, "x.example.com"), {"domains": set()}, ["url-signature-mismatch"]),
    (BOUND, {"viewer_ip": "192.0.2.77"}, []),
    (BOUND, {"viewer_ip": "2001:db8::1"}, ["url-address"]),
    *((OTHERS[name], {}, []) for name in ("a bar", "a backslash")),
    (OTHERS["never valid"], {"viewer_ip": "192.0.2.77"}, ["url-not-yet"]),
    (OTHERS["never valid"], {"now": NOW + 900}, ["url-not-yet"]),
    (URL, {"key_groups": {"g": [KEY_ID]}}, []),
    (URL, {"at_cloudfront": {OTHER_KEY_ID}}, ["key-unknown"]),
    (URL, {"key_groups": {"g": []}, "at_cloudfront": set()}, ["key-unknown"]),
    (URL, {"keys": (RETIRED,), "at_cloudfront": set()}, ["url-key-ended"]),
    (
        URL.replace(KEY_ID, "KUNKNOWN123"),
        {"key_groups": {"g": [KEY_ID]}},
        ["url-key-not-in-group", "url-unknown-key"],
    ),
    # The key of a trusted signer, which AWS does not list.
    (OF_SIGNER, {"keys": (replace(KNOWN, key_pair_id=SIGNER_ID),), "at_cloudfront": set()}, []),
    (EXPIRED, {"keys": ()}, ["url-unknown-key", "url-expired"]),
    (
        custom(date_less_than=NOW - 5, date_greater_than=NOW - 60, ip_address="192.0.2.1") + "&x=1",
        {"viewer_ip": "198.51.100.7"},
        ["url-not-covered", "url-expired", "url-address"],
    ),
]


def test_knowledge(subtests: pytest.Subtests) -> None:
    """Judge a URL by what is known of the site, and name each fault of one that has several."""
    for at, (url, known, expected) in enumerate(KNOWLEDGE):
        with subtests.test(at=at, expected=expected):
            found = explain_url(
                url, replace(SITE, cors_origins=("https://a.example.com",), **known)
            )

            assert faults(found) == expected
            assert ids(found)[-1] == ("url-refusal-cors" if expected else "url-good")


def grants(url: str, **known: Any) -> Finding:
    """Return what is said of the policy of a URL."""
    found = explain_url(url, replace(SITE, **known))
    return next(each for each in found if each.id == "url-policy")


def test_grants() -> None:
    """Say how to check an address, unless it is given; the latest end of old needs no word."""
    unknown, known = grants(BOUND), grants(BOUND, viewer_ip="192.0.2.77")

    assert "192.0.2.0/24" in unknown.what
    assert "--viewer-ip" in unknown.fix
    assert (known.what, known.why, known.fix) == (unknown.what, "", "")
    assert grants(custom(date_less_than=MAX_EPOCH_TIME)).why == ""


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


# Which stands behind the value of another parameter, Hash-Algorithm or Key-Pair-Id.
@example([URL, f"Signature={SIGNATURE}"])
@example([URL.rpartition("&Hash-Algorithm")[0], f"Signature={SIGNATURE}"])
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [URL, OPEN, "&amp;", "\\u0026", "Signature=", f"Signature={SIGNATURE}", "#", "%25"]
            ),
            st.text(CHARACTERS, max_size=5),
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


PRESIGNED = (
    "https://b.s3.amazonaws.com/a?X-Amz-Credential=AKIAEXAMPLE&AWSAccessKeyId=AKIAEXAMPLE"
    f"&X-Amz-Signature={'0f' * 32}"
)
#: URLs with another one in them -> what is not to be shown of that.
NESTED = [
    *((f"{OPEN}&a=1;Signature={SIGNATURE[:40]}{at}{SIGNATURE[40:]}", 40) for at in ";,|)#"),
    (f"{OPEN}&a={quote(URL.replace('Signature', 'signature'), safe='')}", 0),
    (f"{OPEN}&a={quote(quote(URL, safe=''), safe='')}", 0),
]


@pytest.mark.parametrize(("url", "cut"), NESTED)
def test_rest_of_a_signature(url: str, cut: int) -> None:
    """Show no rest of a signature behind a stray character, nor one under a misspelled name."""
    found = explain_url(url, SITE)
    assert "(hidden): `&a=" in str(found)
    assert "(hidden)` was added" in str(found)
    assert SIGNATURE[cut : cut + 12] not in str(found)


@pytest.mark.parametrize("form", [str, lambda url: quote(url, safe="")])
def test_ids_of_an_account(form: Callable[[str], str]) -> None:
    """Hide the IDs of an AWS account in what strangers may be shown."""
    found = explain_url(f"{OPEN}&a={form(PRESIGNED)}", SITE)
    assert "AKIA" not in str(found)
    assert "0f0f" not in str(found)


def test_rsa(rsa_key: PrivateKey) -> None:
    """Explain URLs of RSA keys, and tell a signature that was cut off."""
    site = replace(SITE, keys=(replace(KNOWN, public_key=rsa_key.public_key),))
    for hash_algorithm in HashAlgorithm:
        signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key, hash_algorithm=hash_algorithm)
        url = signer.sign_url(ADDRESS, date_less_than=NOW + 600)
        signature = url.partition("Signature=")[2].partition("&")[0]

        assert faults(explain_url(url, site)) == []
        cut = url.replace(signature, signature[:340])
        assert faults(explain_url(cut, site)) == ["url-incomplete"]


#: What happened to a URL, for the transcript: one for each sentence.
TOLD = [
    ("A good URL", URL, SITE),
    (
        "One whose key CloudFront has",
        URL,
        replace(SITE, key_groups={"g": [KEY_ID]}, at_cloudfront={KEY_ID}),
    ),
    ("One whose key CloudFront does not have", URL, replace(SITE, at_cloudfront=set())),
    (
        "One whose key CloudFront has otherwise",
        URL,
        replace(SITE, keys=(UNLIKE, KNOWN), at_cloudfront={KEY_ID}),
    ),
    ("One that a script requests", EXPIRED, replace(SITE, cors_origins=("https://a.example.com",))),
    ("An expired one", SIGNER.sign_url(ADDRESS, date_less_than=NOW - 7500), SITE),
    ("One for later", custom(date_greater_than=NOW + 60), SITE),
    ("One that ends in 2099", OTHERS["2099"], SITE),
    ("One that is never valid", OTHERS["never valid"], SITE),
    ("A parameter was added", f"{URL}&utm_source=mail", SITE),
    ("A parameter was added to a custom policy", f"{OPEN}&utm_source=mail", SITE),
    ("The path was encoded twice", SPACED.replace("%20", "%2520"), SITE),
    ("Hash-Algorithm was lost", URL.replace("&Hash-Algorithm=SHA256", ""), SITE),
    ("The id of another key", URL.replace(KEY_ID, OTHER_KEY_ID), SITE),
    ("An unknown id", URL.replace(KEY_ID, "KUNKNOWN123"), SITE),
    ("Milliseconds", URL.replace("Expires=1800000600", "Expires=1800000600000"), SITE),
    ("Cut off", URL.partition("&Key-Pair-Id")[0], SITE),
    ("A retired key", URL, replace(SITE, keys=(RETIRED,))),
    ("A key outside the key group", URL, replace(SITE, key_groups={"g": ["KOTHER"]})),
    ("Another viewer", BOUND, replace(SITE, viewer_ip="198.51.100.7")),
]


def test_words() -> None:
    """Say in one sentence what is wrong, with the values at hand, and never the signature."""
    told = "\n\n".join(
        "\n".join([f"== {title}", *(line for _, line in write_report(explain_url(text, known)))])
        for title, text, known in TOLD
    )

    assert SIGNATURE not in told
    assert_golden("doctor-explain", told)
