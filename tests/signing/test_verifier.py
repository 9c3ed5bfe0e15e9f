"""Verify requests as CloudFront does (V1 to V23), and tell only the log why one is refused.

Modules: signing/verifier.py, signing/exceptions.py
"""

from __future__ import annotations

import pickle
import re
from collections import defaultdict
from unittest.mock import Mock

import pytest

from cfsigned_django.signing import (
    Check,
    Denied,
    HashAlgorithm,
    InvalidKey,
    KeyAlgorithm,
    Policy,
    PrivateKey,
    PublicKey,
    Signer,
    Verifier,
)
from cfsigned_django.signing.encoding import encode_base64
from tests.golden import assert_golden
from tests.signing.cases import EXPIRES, IMAGE, KEY_ID, NOW, ORIGIN, parameters, refusal, sign_text
from tests.storage_cases import without_sha1

START = 1767200000
LIMITED = Policy(
    resource=IMAGE, date_less_than=EXPIRES, date_greater_than=START, ip_address="192.168.0.0/24"
)
EVERYTHING = Policy(resource=f"{ORIGIN}/*", date_less_than=EXPIRES, ip_address="10.0.0.0/8")
VIEWER = "10.1.2.3"

# What is replaced in a signed URL, and by what.
DAMAGES: list[tuple[str, list[str]]] = [
    (r"\?.*", ["", "?", "?a=1", "?Hash-Algorithm=SHA1"]),  # V9
    (  # V10
        rf"Key-Pair-Id={KEY_ID}",
        ["Key-Pair-Id=", "Key-Pair-Id", f"key-pair-id={KEY_ID}", "x=1"],
    ),
    ("&", ["&amp;"]),
    (KEY_ID, ["K2OTHERKEY", "k1testkey", f"{KEY_ID}%20", f"+{KEY_ID}"]),  # V11
    (  # V12
        "Signature=[^&]+",
        [f"Signature={each}" for each in ["!!!", "!!!!", "abc", "QR__", "ab+d", "ab/d", "ab=="]],
    ),
    ("Signature=[^&]+", ["Signature=한글", "Signature=", "Signature", "Signature=QUJD", "x=1"]),
    (  # V13
        "Expires=[0-9]+",
        [f"Policy={each}" for each in ["", "undefined", "!!!!", "QR__", "gICA", "e30=", "e30"]],
    ),
    (
        str(EXPIRES),
        [*("", "x", f"+{EXPIRES}", f"0{EXPIRES}", f"{EXPIRES}.0", f"{EXPIRES}%20", "0", "-1")],
    ),
    (str(EXPIRES), [f"{EXPIRES}0", str(EXPIRES - 1), str(EXPIRES + 1), "1"]),  # V7
    ("Expires=[0-9]+&", [""]),
    *((f"({name}=[^&]+)", [r"\1&\1"]) for name in ["Expires", "Signature", "Key-Pair-Id"]),
    (
        "(&Hash-Algorithm=SHA256)?$",
        [
            f"&Hash-Algorithm={each}"
            for each in ["sha256", "SHA-256", "SHA512", "MD5", "", "SHA256%20"]
        ],
    ),
    # A link that lost an ampersand: the reason, which is logged, must not show the signature.
    ("(Signature=[^&]+).*$", [rf"\1&Key-Pair-Id={KEY_ID}&Hash-Algorithm=S\1"]),
    ("$", ["&x=1", "&"]),  # V6
    ("image", ["other", "a b", 'a"b', "a{b", "한", "a#b"]),
    # What only looks like the same request.
    ("image", ["Image", "%69mage", "./image", "/image"]),
    (r"jpg\?", ["jpg/?", "jpg#?", "jpg?&", "jpg??"]),
    (r"\.net/", [".net:443/", ".net./"]),
    ("https://", ["http://", "https://me@"]),
    ("Expires", ["%45xpires"]),
    ("=K1", ["=%254B1"]),
]

# What was signed and what arrives: the usual accidents, and four that nothing explains.
ACCIDENTS = [
    *(("/a", f"/a{query}") for query in ["?size=large", "?", "?b=1&c=2"]),
    *(("/a?b=1", f"/a?{query}") for query in ["b=1&size=large", "size=large&b=1", "b=1&"]),
    *(("/a?b=1&c=2", f"/a?{query}") for query in ["b=1&size=large&c=2", "c=2&b=1"]),
    *(("/a%2Cb", "/a,b"), ("/a%20b%2Bc", "/a%20b+c"), ("/a,b", "/a%2Cb"), ("/a,b", "/a,b?")),
    *(("/a%2520b", "/a%20b"), ("/a%2Bb", "/a+b")),
    *(("/a", "/b"), ("/a?b=1", "/a"), ("/a?b=1", "/a?b=2")),
]


def test_refusals(signed: str, verifier: Verifier) -> None:
    """Refuse damaged URLs with the right codes, and tell the log why, but not the signature."""
    found = defaultdict[str, list[str]](list)
    for pattern, replacement in [(pattern, each) for pattern, row in DAMAGES for each in row]:
        damaged = re.sub(pattern, replacement, signed, count=0 if pattern == "&" else 1)
        denied = refusal(verifier, damaged)
        assert parameters(signed)["Signature"][:12] not in str(denied)
        words = re.sub("[0-9]+ characters", "100 characters", str(denied))
        found[words].append(f"    {pattern} -> {replacement}")
    assert_golden(
        "signing-refusals", "\n".join("\n".join([words, *rows]) for words, rows in found.items())
    )


def test_same_request(signer: Signer, verifier: Verifier) -> None:
    """Allow what is spelled or ordered in another way; Expires does not count beside Policy."""
    policy = Policy(resource=f"{ORIGIN}/*", date_less_than=EXPIRES)
    for signed in (
        signer.sign_url(f"{IMAGE}?v=1&w=2", date_less_than=EXPIRES),
        f"{signer.sign_url(f'{IMAGE}?v=1&w=2', policy=policy)}&Expires=1",
    ):
        v, w, *ours = f"{signed}&Hash-Algorithm=SHA1".partition("?")[2].split("&")
        ours = ours[:-1] if "Hash-Algorithm=SHA256" in ours else ours
        encoded = [
            f"{name}=%{ord(value[0]):x}{value[1:]}"
            for name, value in (each.split("=") for each in ours)
        ]
        for query in ([v, w, *ours[::-1]], [*ours, v, w], [v, *ours, w], [v, w, *encoded]):
            url = f"{IMAGE.replace('https://d', 'HTTPS://D')}?{'&'.join(query)}"
            assert verifier.verify(url, now=NOW).date_less_than == EXPIRES


def test_reasons(signer: Signer, verifier: Verifier) -> None:
    """Explain the usual accidents in the log, whatever the key."""
    lines = ["Signed -> sent"]
    for before, after in ACCIDENTS:
        signed = signer.sign_url(ORIGIN + before, date_less_than=EXPIRES)
        added = signed.removeprefix(ORIGIN + before)[1:]
        url = f"{ORIGIN}{after}{'&' if '?' in after else '?'}{added}"
        lines.append(f"{before} -> {after}\n    {refusal(verifier, url)}")
    for made, sent in [("https", "http"), ("http", "https")]:
        signed = signer.sign_url(f"{made}://h/a", date_less_than=EXPIRES)
        url = signed.replace(f"{made}:", f"{sent}:")
        lines.append(f"{made} -> {sent}\n    {refusal(verifier, url)}")
    limited = signer.sign_url(IMAGE, policy=LIMITED)
    lines.append("\nA policy with conditions")
    for now, viewer_ip in [(EXPIRES + 12, VIEWER), (START - 9, VIEWER), (NOW, VIEWER), (NOW, None)]:
        lines.append(f"    {refusal(verifier, limited, now=now, viewer_ip=viewer_ip)}")
    lines.append(f"    {refusal(verifier, limited.replace('image', 'other'))}")
    lines.append(f"    {refusal(Verifier({}), limited)}")
    lines.append("\nCookies")
    cookies = signer.sign_cookies(EVERYTHING)
    for name in [*cookies, "CloudFront-Key-Pair-Id"][:3]:
        others = {each: value for each, value in cookies.items() if each != name}
        lines.append(f"without {name}\n    {refusal(verifier, IMAGE, others)}")
    assert_golden("signing-reasons", "\n".join(lines))


def test_trials_are_bounded() -> None:
    """Try no more than 24 explanations, however many parameters a request has."""
    key = Mock(spec=PublicKey, algorithm=KeyAlgorithm.RSA_2048)
    key.verify.side_effect = InvalidKey("no")
    own = "&".join(f"p{at}=1" for at in range(500))
    url = f"{IMAGE}?{own}&Expires={EXPIRES}&Signature=QUJD&Key-Pair-Id={KEY_ID}"
    assert refusal(Verifier({KEY_ID: key}), url).code == "AccessDenied"
    assert key.verify.call_count == 25


def test_openssl_without_sha1(rsa_key: PrivateKey) -> None:
    """Refuse a changed URL as everywhere if the policy of the platform's OpenSSL refuses SHA1."""
    signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key, hash_algorithm=HashAlgorithm.SHA256)
    url = signer.sign_url(IMAGE, date_less_than=EXPIRES) + "&added=1"
    with without_sha1():
        assert refusal(Verifier({KEY_ID: rsa_key.public_key}), url).code == "AccessDenied"


def test_order_of_checks(signer: Signer, verifier: Verifier) -> None:
    """Check the key ID, the key, the signature's form, the policy, the signature, the time."""
    url = sign_text(signer, "{}")  # All else is wrong too: each step corrects the first fault.
    url = url.replace(parameters(url)["Signature"], "!!!").replace(KEY_ID, "")
    for old, new, code in [
        ("Key-Pair-Id=", "Key-Pair-Id=", "MissingKey"),
        ("Key-Pair-Id=", "Key-Pair-Id=K2", "InvalidKey"),
        ("=K2", f"={KEY_ID}", "MalformedSignature"),
        ("!!!", "QUJD", "MalformedPolicy"),
    ]:
        url = url.replace(old, new)
        assert refusal(verifier, url, now=EXPIRES).code == code
    signed = signer.sign_url(IMAGE, date_less_than=EXPIRES)
    forged = signed.replace(parameters(signed)["Signature"], "QUJD")
    assert refusal(verifier, forged, now=EXPIRES).check is Check.SIGNATURE
    assert refusal(verifier, signed, now=EXPIRES).check is Check.TIME


def test_denied_survives_pickling(signed: str, verifier: Verifier) -> None:
    """Keep code, message, reason and check through pickle, for the workers of a test runner."""
    denied = refusal(verifier, signed, now=EXPIRES)
    again = pickle.loads(pickle.dumps(denied))  # noqa: S301
    assert isinstance(again, Denied)
    assert again.check is Check.TIME
    assert vars(again) == vars(denied)
    assert str(again) == f"{denied.code}: {denied.reason}"


#: A moment, a viewer, and whether the URL is open.
CONDITIONS: list[tuple[int, str | None, bool]] = [
    (START, "192.168.0.77", False),
    (START + 1, "192.168.0.0", True),
    (EXPIRES - 1, "192.168.0.255", True),
    (EXPIRES, "192.168.0.77", False),
    (NOW, "192.168.1.0", False),
    (NOW, "2001:db8::1", False),
    (NOW, "::ffff:192.168.0.77", False),
    (NOW, "", False),
    (NOW, None, False),
]


def test_v8_v14_v15_conditions(signer: Signer, verifier: Verifier) -> None:
    """Allow strictly between start and end, and only viewers within the range (V8, V14, V15)."""
    url = signer.sign_url(IMAGE, policy=LIMITED)
    for now, viewer_ip, expected in CONDITIONS:
        assert LIMITED.allows(now, viewer_ip) is expected
        if expected:
            assert verifier.verify(url, now=now, viewer_ip=viewer_ip) == LIMITED
        else:
            assert refusal(verifier, url, now=now, viewer_ip=viewer_ip).code == "AccessDenied"


_CUSTOM = 'AWS page "Create a signed URL using a custom policy"'
_COOKIES = 'AWS page "Set signed cookies using a custom policy"'
_BROWSERS = "URL Standard, percent-encode sets: browsers send these as they are"
_FAR = 9_223_372_036  # April 11, 2262
_START = f'"DateGreaterThan":{{"AWS:EpochTime":{EXPIRES}}}'

#: What a request may have that this package does not sign: how it is signed, the resource, the
#: path and query that are sent, when, the code of the refusal ("" if it is served), and the source.
AS_DOCUMENTED: list[tuple[str, str, str, int, str, str]] = [
    # Dates.
    ("canned 2147483648", "/a", "/a", 2147483647, "", f"{_CUSTOM}: until April 11, 2262"),
    (f"canned {_FAR}", "/a", "/a", NOW, "", _CUSTOM),
    (f"canned {_FAR}", "/a", "/a", _FAR, "AccessDenied", _CUSTOM),
    (f"custom {_FAR}", "/*", "/a", NOW, "", _CUSTOM),
    (f"canned {_FAR + 1}", "/a", "/a", NOW, "MalformedPolicy", "undocumented: the page ends here"),
    # The start.
    (f"custom {EXPIRES},{_START}", "/a", "/a", NOW, "AccessDenied", f"{_CUSTOM}: conditions"),
    (f"custom {EXPIRES},{_START}", "/a", "/a", EXPIRES + 1, "AccessDenied", "the same"),
    # A backslash before the question mark, as printed and as a JSON library writes it.
    ("custom", r"/a\?b=1", "/a?b=1", NOW, "", f"{_CUSTOM}, until 2023: it orders the backslash"),
    ("custom", r"/a\\?b=*", "/a?b=1", NOW, "", "the same"),
    ("custom", r"/a\?b=1", "/ab=1", NOW, "AccessDenied", "the same: not a wildcard"),
    ("custom", r"/a*\\?*", "/abc", NOW, "", f"{_CUSTOM}: hello*\\?* is hello*"),
    ("cookies", r"/a\?b=1", "/a?b=1", NOW, "", "the same"),
    # Characters that are not encoded.
    *(("canned", f"/a?b={each}c", f"/a?b={each}c", NOW, "", _BROWSERS) for each in "|{}^`"),
    ("canned", "/a|b?c|d={e}", "/a|b?c|d={e}", NOW, "", _BROWSERS),
    ("canned", "/a?b=|", "/a?b=%7C", NOW, "AccessDenied", "user reports: compared as it is sent"),
    ("custom", "/a?b=|*", "/a?b=|{}^`", NOW, "", _BROWSERS),
    *(
        ("canned", f"/a{each}", f"/a{each}", NOW, "AccessDenied", "it is encoded, or changes JSON")
        for each in ['?b="', "?b=\\", "?b=<", "?b=>", "?b= ", "?b=é", '?b="}', "{", "^", "`", "\\"]
    ),
    # The protocol in cookies.
    ("cookies", "", "/a", NOW, "", f"{_COOKIES}: without a Resource, everything"),
    ("cookies", "http*", "/a", NOW, "MalformedPolicy", f"{_COOKIES}: http:// or https://"),
    ("cookies", "*", "/a", NOW, "MalformedPolicy", _COOKIES),
    ("custom", "*", "/a", NOW, "", f"{_CUSTOM}: or *://"),
]


def request_as(
    signer: Signer, how: str, resource: str, target: str
) -> tuple[str, dict[str, str] | None]:
    """Return a URL and its cookies, signed byte for byte as the rows say, by no Policy."""
    kind, _, until = how.partition(" ")
    until, _, more = (until or str(EXPIRES)).partition(",")
    protocol = resource if resource in ("*", "http*") else "https"
    path = "/*" if resource == protocol else resource
    where = f'"Resource":"{ORIGIN.replace("https", protocol)}{path}",' if resource else ""
    condition = f'{{"DateLessThan":{{"AWS:EpochTime":{until}}}{"," * bool(more)}{more}}}'
    text = f'{{"Statement":[{{{where}"Condition":{condition}}}]}}'.encode()
    values = {
        "Expires" if kind == "canned" else "Policy": until
        if kind == "canned"
        else encode_base64(text),
        "Signature": encode_base64(signer.private_key.sign(text, signer.hash_algorithm)),
        "Key-Pair-Id": KEY_ID,
        "Hash-Algorithm": str(signer.hash_algorithm),
    }
    url = ORIGIN + target
    if kind == "cookies":
        return url, {f"CloudFront-{name}": value for name, value in values.items()}
    query = "&".join(f"{name}={value}" for name, value in values.items())
    return f"{url}{'&' if '?' in url else '?'}{query}", None


def test_as_documented(signer: Signer, verifier: Verifier) -> None:
    """Read requests as AWS documents them, also those of other signers, and nothing beyond that."""
    seen = []
    for how, resource, target, now, _, source in AS_DOCUMENTED:
        url, cookies = request_as(signer, how, resource, target)
        try:
            verifier.verify(url, cookies, now=now)
        except Denied as denial:
            seen.append((how, resource, target, now, denial.code, source))
        else:
            seen.append((how, resource, target, now, "", source))
    assert seen == AS_DOCUMENTED


def test_v19_policy_counts_as_sent(signer: Signer, verifier: Verifier) -> None:
    """Verify a custom policy over the bytes that were sent, white space included (V19)."""
    text = (
        f'{{ "Statement": [ {{"Condition": {{"DateGreaterThan":{{"AWS:EpochTime":{START}}},\r\n'
        f'"DateLessThan":{{"AWS:EpochTime":{EXPIRES}}}}}, "Resource":"{IMAGE}"}}]}}\n'
    )
    expected = Policy(resource=IMAGE, date_less_than=EXPIRES, date_greater_than=START)
    url = sign_text(signer, text)
    assert verifier.verify(url, now=NOW) == expected
    other = encode_base64(expected.to_json().encode())
    assert refusal(verifier, url.replace(parameters(url)["Policy"], other)).code == "AccessDenied"


def test_ecdsa_with_sha1_is_verified(ec_signer: Signer) -> None:
    """Allow ECDSA with SHA1, which AWS's older tools emit, though the signer refuses to make it."""
    verifier = Verifier({KEY_ID: ec_signer.private_key.public_key})
    policy = Policy(resource=IMAGE, date_less_than=EXPIRES)
    url = sign_text(ec_signer, policy.to_json(), HashAlgorithm.SHA1)
    assert verifier.verify(url.replace("&Hash-Algorithm=SHA1", ""), now=NOW) == policy


@pytest.fixture(scope="module")
def cookies(signer: Signer) -> dict[str, str]:
    """Return cookies for every file, for viewers in 10.0.0.0/8."""
    return signer.sign_cookies(EVERYTHING)


def test_cookies_allow(cookies: dict[str, str], verifier: Verifier) -> None:
    """Allow every file that the cookies cover, with any query, while their conditions hold."""
    for url in [IMAGE, f"{IMAGE}?size=large", f"{ORIGIN}/a/b/", f"{ORIGIN}/?Hash-Algorithm=x"]:
        policy = verifier.verify(url, {**cookies, "sessionid": "x"}, now=NOW, viewer_ip=VIEWER)
        assert policy == EVERYTHING
    for denied in [
        refusal(verifier, IMAGE, cookies, now=EXPIRES, viewer_ip=VIEWER),
        refusal(verifier, IMAGE, cookies, viewer_ip="11.0.0.1"),
        refusal(verifier, "https://other.example.com/image.jpg", cookies, viewer_ip=VIEWER),
    ]:
        assert denied.code == "AccessDenied"


def test_canned_cookies_open_one_url(signer: Signer, verifier: Verifier) -> None:
    """Allow with canned cookies the one URL that they were made for."""
    cookies = signer.sign_cookies(Policy(resource=IMAGE, date_less_than=EXPIRES))
    assert verifier.verify(IMAGE, cookies, now=NOW).resource == IMAGE
    for other in [f"{ORIGIN}/other.jpg", f"{IMAGE}?a=1", f"{IMAGE}?"]:
        assert refusal(verifier, other, cookies).code == "AccessDenied"


#: A query with one of CloudFront's parameters, and the code of its refusal.
QUERIES: list[tuple[str, str]] = [
    *((each, "MissingKey") for each in ["Expires=9", "Policy=x", "Signature=x", "Expires"]),
    ("a=1&Policy=", "MissingKey"),
    (f"Key-Pair-Id={KEY_ID}", "AccessDenied"),
    (f"Expires={EXPIRES}&Signature=QUJD&Key-Pair-Id={KEY_ID}", "AccessDenied"),
]


def test_v17_signed_url_wins(cookies: dict[str, str], signed: str, verifier: Verifier) -> None:
    """Ignore cookies, good or bad, if the query has one of CloudFront's parameters (V17)."""
    for query, code in QUERIES:
        found = refusal(verifier, f"{IMAGE}?{query}", cookies, viewer_ip=VIEWER).code
        assert (query, found) == (query, code)
    assert verifier.verify(signed, dict.fromkeys(cookies, "x"), now=NOW).resource == IMAGE


def test_v2_v3_other_hash(signed: str, verifier: Verifier) -> None:
    """Refuse a URL that names another hash than the signature's, and say so (V2, V3)."""
    sha256 = "&Hash-Algorithm=SHA256"
    url = signed.replace(sha256, "") if sha256 in signed else signed + sha256
    assert "Hash-Algorithm" in refusal(verifier, url).reason


@pytest.mark.parametrize("resource", ["*", "http*://*/*", "*://media.example.com/*"])
def test_scheme_that_does_not_exist(resource: str, signer: Signer, verifier: Verifier) -> None:
    """A signature for all schemes opens http:// and https://, and no other."""
    policy = Policy(resource=resource, date_less_than=EXPIRES, allow_any_resource=True)
    url = signer.sign_url("https://media.example.com/a.jpg", policy=policy)
    for known in ("https", "http", "HTTPS"):
        assert verifier.verify(known + url.removeprefix("https"), now=NOW) == policy
    for scheme in ("ftp", "httpx", "javascript", "httpſ", "", "*", "http*"):
        assert refusal(verifier, scheme + url.removeprefix("https")).code == "AccessDenied", scheme
