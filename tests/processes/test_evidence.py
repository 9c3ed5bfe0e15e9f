"""Test that the search for key material finds what is planted, in every form."""

from __future__ import annotations

import base64
import json
import pickle
import textwrap
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateNumbers
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from tests.processes.evidence import Evidence


def _der(key: PrivateKey) -> bytes:
    loaded = load_pem_private_key(key.to_pem(), None)
    return loaded.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _traditional_pem(key: PrivateKey) -> bytes:
    loaded = load_pem_private_key(key.to_pem(), None)
    return loaded.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _secret_number(key: PrivateKey) -> int:
    numbers = load_pem_private_key(key.to_pem(), None).private_numbers()  # type: ignore[union-attr]
    if isinstance(numbers, EllipticCurvePrivateNumbers):
        return numbers.private_value
    return int(numbers.p)  # type: ignore[union-attr]


_FORMS: dict[str, Callable[[PrivateKey], bytes]] = {
    "PEM": lambda key: key.to_pem(),
    "PEM of openssl": _traditional_pem,
    "PEM in JSON": lambda key: json.dumps({"key": key.to_pem().decode()}).encode(),
    "PEM as Python shows it": lambda key: repr(key.to_pem()).encode(),
    "PEM in base64": lambda key: base64.b64encode(key.to_pem()),
    "DER": _der,
    "DER as Python shows it": lambda key: repr(_der(key)).encode(),
    "DER in base64, after a byte": lambda key: base64.b64encode(b"x" + _der(key)),
    "DER in base64 for URLs": lambda key: base64.urlsafe_b64encode(_der(key)),
    "DER in hexadecimal digits": lambda key: _der(key).hex().encode(),
    "number": lambda key: str(_secret_number(key)).encode(),
    "number in hexadecimal digits": lambda key: hex(_secret_number(key)).upper().encode(),
    "number as openssl shows it": lambda key: "\n    ".join(
        textwrap.wrap(hex(_secret_number(key))[2:].zfill(64), 30)
    ).encode(),
    "pickle": lambda key: pickle.dumps({"numbers": _secret_number(key)}),
}


@pytest.fixture(scope="module")
def others() -> list[PrivateKey]:
    """Return a key of each kind that is nowhere."""
    return [PrivateKey.generate(each) for each in KeyAlgorithm]


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("kind", ["rsa_key", "ec_key"])
def test_planted_key_is_found(
    form: str, kind: str, others: list[PrivateKey], request: pytest.FixtureRequest
) -> None:
    """A key in the middle of other text is found in each form, and told from another key."""
    key: PrivateKey = request.getfixturevalue(kind)
    evidence = Evidence()
    evidence.add("a log", b"before " + _FORMS[form](key) + b" after")

    found = evidence.find([key])

    assert found
    assert all(each.startswith("a log: ") for each in found)
    assert evidence.find(others) == []


def test_public_key_is_none(rsa_key: PrivateKey, ec_key: PrivateKey) -> None:
    """Public keys are not mistaken for private ones."""
    evidence = Evidence()
    for key in (rsa_key, ec_key):
        evidence.add("page", key.public_key.to_pem())
        evidence.add("page", key.public_key.fingerprint)
        evidence.add("page", repr(key))

    assert evidence.find([rsa_key, ec_key]) == []


def test_encrypted_text_is_found() -> None:
    """A text that must not be seen is found within others."""
    evidence = Evidence()
    evidence.add("a page", "<p>gAAAAencrypted</p>")
    evidence.add("another page", "<p>nothing</p>")

    assert evidence.find_text({"gAAAAencrypted"}) == ["a page"]
