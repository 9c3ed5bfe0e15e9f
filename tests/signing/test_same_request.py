"""Allow the few other spellings of a request that are the same request, and no more."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from cfsigned_django.signing import Policy, Signer, Verifier
from cfsigned_django.signing.encoding import decode_base64
from tests.signing.cases import EXPIRES, IMAGE, NOW, ORIGIN, parameters, refusal
from tests.signing.mutations import meaning

Change = Callable[[str], str]


def in_values(pattern: str, replacement: str) -> Change:
    """Return a change to CloudFront's values, the names before = left alone."""

    def change(signed: str) -> str:
        return re.sub(
            "(?<=[a-z]=)[^&]+",
            lambda value: re.sub(pattern, replacement, value[0]),
            signed,
        )

    return change


def reversed_query(signed: str) -> str:
    """Return the URL with its parameters from last to first."""
    address, _, query = signed.partition("?")
    return f"{address}?{'&'.join(query.split('&')[::-1])}"


SAME: dict[str, Change] = {
    "nothing changed": lambda signed: signed,
    "case of the scheme": lambda signed: signed.replace("https", "HtTpS"),
    "case of the host": lambda signed: signed.replace("cloudfront.net", "CloudFront.NET"),
    "~ as %7E": in_values("~", "%7E"),
    "- as %2d": in_values("-", "%2d"),
    "_ as %5F": in_values("_", "%5F"),
    "a letter of the key id": lambda signed: signed.replace("=K1", "=%4B1"),
    "a digit of Expires": lambda signed: signed.replace("=176", "=1%376"),
    "other order": reversed_query,
    "explicit SHA1": lambda signed: (
        signed if "Hash-Algorithm" in signed else f"{signed}&Hash-Algorithm=SHA1"
    ),
}

OTHER = {
    "case of the path": ("image", "Image", "AccessDenied"),
    "path percent-encoded": ("image", "%69mage", "AccessDenied"),
    "dot segment": ("/image", "/./image", "AccessDenied"),
    "double slash": ("/image", "//image", "AccessDenied"),
    "slash at the end": (r"jpg\?", "jpg/?", "AccessDenied"),
    "default port": (r"\.net/", ".net:443/", "AccessDenied"),
    "dot behind the host": (r"\.net/", ".net./", "AccessDenied"),
    "user name": ("://", "://me@", "AccessDenied"),
    "other scheme": ("https", "http", "AccessDenied"),
    "fragment": (r"jpg\?", "jpg#?", "AccessDenied"),
    "empty parameter at the end": ("$", "&", "AccessDenied"),
    "empty parameter in front": (r"\?", "?&", "AccessDenied"),
    "second question mark": (r"\?", "??", "AccessDenied"),
    "semicolon between": ("&Key", ";Key", "MissingKey"),
    "escaped ampersand": ("&Key", "&amp;Key", "MissingKey"),
    "encoded twice": ("(?<==)K", "%254B", "InvalidKey"),
    "case of a name": ("Signature", "signature", "AccessDenied"),
    "name percent-encoded": ("Expires", "%45xpires", "AccessDenied"),
    "case of the key id": ("=K1", "=k1", "InvalidKey"),
    "plus for a space in front": ("=K1", "=+K1", "InvalidKey"),
    "leading zero": ("Expires=", "Expires=0", "MalformedPolicy"),
    "Arabic digit": ("Expires=1", "Expires=%D9%A1", "MalformedPolicy"),
    "base64url padding": ("__&Key", "==&Key", "MalformedSignature"),
    "no padding": ("_+&Key", "&Key", "MalformedSignature"),
}


@pytest.fixture(scope="module")
def rsa_signed(rsa_signer: Signer) -> str:
    """Return a URL with an RSA signature, which always ends in padding."""
    return rsa_signer.sign_url(IMAGE, date_less_than=EXPIRES)


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_same_request(change: Change, signed: str, signer: Signer, verifier: Verifier) -> None:
    """Allow what is the same request in another spelling."""
    changed = change(signed)
    assert meaning(changed) == meaning(signed)
    assert verifier.verify(changed, now=NOW).resource == IMAGE


@pytest.mark.parametrize(("pattern", "replacement", "code"), OTHER.values(), ids=OTHER)
def test_other_request(
    pattern: str, replacement: str, code: str, rsa_signed: str, rsa_verifier: Verifier
) -> None:
    """Refuse what only looks like the same request."""
    changed = re.sub(pattern, replacement, rsa_signed, count=1)
    assert changed != rsa_signed
    assert meaning(changed) != meaning(rsa_signed)
    assert refusal(rsa_verifier, changed).code == code


def test_v20_percent_encoded_values(signer: Signer, verifier: Verifier) -> None:
    """Decode CloudFront's values once: %7E is ~, and %257E is not (V20)."""
    policy = Policy(resource=f"{ORIGIN}/*", date_less_than=EXPIRES)
    values = parameters(signer.sign_url(IMAGE, policy=policy))
    encoded = {name: "".join(f"%{ord(each):02x}" for each in v) for name, v in values.items()}
    query = "&".join(f"{name}={value}" for name, value in encoded.items())
    assert verifier.verify(f"{IMAGE}?{query}", now=NOW) == policy
    assert refusal(verifier, f"{IMAGE}?{query.replace('%', '%25')}").code == "InvalidKey"


def test_every_other_spelling_of_the_signature(
    signed: str, signer: Signer, verifier: Verifier
) -> None:
    """Refuse each text that other base64 decoders would read as the same signature."""
    signature = parameters(signed)["Signature"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~"
    end = len(signature.rstrip("_"))
    spellings = {
        signature + "_",
        signature + "____",
        signature.replace("-", "+").replace("~", "/").replace("_", "="),
        f" {signature}",
        f"{signature}\n",
        f"{signature[:4]}\n{signature[4:]}",
    }
    if end < len(signature):
        spellings |= {signature[: end - 1] + last + signature[end:] for last in alphabet}
        spellings |= {signature.rstrip("_"), signature.replace("_", "=")}
    for spelling in spellings - {signature}:
        code = refusal(verifier, signed.replace(signature, spelling)).code
        same_bytes = code == "MalformedSignature"
        assert same_bytes or decode_base64(spelling) != decode_base64(signature)
