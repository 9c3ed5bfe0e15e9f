"""Allow the few other spellings of a request that are the same request, and no more."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from cfsigned_django.signing import KeyAlgorithm, Policy, Signer, Verifier
from cfsigned_django.signing.encoding import decode_base64, encode_base64
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

OTHER: dict[str, tuple[Change, str]] = {
    "case of the path": (lambda signed: signed.replace("image", "Image"), "AccessDenied"),
    "path percent-encoded": (lambda signed: signed.replace("image", "%69mage"), "AccessDenied"),
    "dot segment": (lambda signed: signed.replace("/image", "/./image"), "AccessDenied"),
    "double slash": (lambda signed: signed.replace("/image", "//image"), "AccessDenied"),
    "slash at the end": (lambda signed: signed.replace("jpg?", "jpg/?"), "AccessDenied"),
    "default port": (lambda signed: signed.replace(".net/", ".net:443/"), "AccessDenied"),
    "dot behind the host": (lambda signed: signed.replace(".net/", ".net./"), "AccessDenied"),
    "user name": (lambda signed: signed.replace("://", "://me@"), "AccessDenied"),
    "other scheme": (lambda signed: signed.replace("https", "http"), "AccessDenied"),
    "fragment": (lambda signed: signed.replace("jpg?", "jpg#?"), "AccessDenied"),
    "empty parameter at the end": (lambda signed: f"{signed}&", "AccessDenied"),
    "empty parameter in front": (lambda signed: signed.replace("?", "?&"), "AccessDenied"),
    "second question mark": (lambda signed: signed.replace("?", "??"), "AccessDenied"),
    "semicolon between": (lambda signed: signed.replace("&Key", ";Key"), "MissingKey"),
    "escaped ampersand": (lambda signed: signed.replace("&Key", "&amp;Key"), "MissingKey"),
    "encoded twice": (in_values("[~_-]|$", "%257E"), "InvalidKey"),
    "case of a name": (lambda signed: signed.replace("Signature", "signature"), "AccessDenied"),
    "name percent-encoded": (lambda signed: signed.replace("Expires", "%45xpires"), "AccessDenied"),
    "case of the key id": (lambda signed: signed.replace("=K1", "=k1"), "InvalidKey"),
    "plus for a space in front": (lambda signed: signed.replace("=K1", "=+K1"), "InvalidKey"),
    "leading zero": (lambda signed: signed.replace("Expires=", "Expires=0"), "MalformedPolicy"),
    "Arabic digit": (
        lambda signed: signed.replace("Expires=1", "Expires=%D9%A1"),
        "MalformedPolicy",
    ),
    "base64url padding": (lambda signed: signed.replace("__&Key", "==&Key"), "MalformedSignature"),
    "no padding": (lambda signed: re.sub("_+&Key", "&Key", signed), "MalformedSignature"),
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


@pytest.mark.parametrize(("change", "code"), OTHER.values(), ids=OTHER)
def test_other_request(change: Change, code: str, rsa_signed: str, rsa_verifier: Verifier) -> None:
    """Refuse what only looks like the same request."""
    changed = change(rsa_signed)
    assert changed != rsa_signed
    assert meaning(changed) != meaning(rsa_signed)
    assert refusal(rsa_verifier, changed).code == code


def test_policy_percent_encoded(signer: Signer, verifier: Verifier) -> None:
    """Allow a custom policy, each byte of its values percent-encoded."""
    policy = Policy(resource=f"{ORIGIN}/*", date_less_than=EXPIRES)
    values = parameters(signer.sign_url(IMAGE, policy=policy))
    encoded = {
        name: "".join(f"%{ord(each):02X}" for each in value) for name, value in values.items()
    }
    query = "&".join(f"{name}={value}" for name, value in encoded.items())
    assert verifier.verify(f"{IMAGE}?{query}", now=NOW) == policy


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


def test_negated_ecdsa_signature(ec_signer: Signer) -> None:
    """Allow the other of the two signatures that ECDSA has for one message and nonce."""
    assert ec_signer.private_key.algorithm is KeyAlgorithm.ECDSA_P256
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    signed = ec_signer.sign_url(IMAGE, date_less_than=EXPIRES)
    signature = parameters(signed)["Signature"]
    r, s = decode_dss_signature(decode_base64(signature))
    negated = encode_base64(encode_dss_signature(r, order - s))
    verifier = Verifier({ec_signer.key_pair_id: ec_signer.private_key.public_key})
    assert negated != signature
    assert verifier.verify(signed.replace(signature, negated), now=NOW).resource == IMAGE
