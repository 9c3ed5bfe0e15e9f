"""The search for key material finds what is planted, in every form."""

from __future__ import annotations

import base64
import json
import pickle
import textwrap
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from cfsigned_django.signing import KeyAlgorithm, PrivateKey
from tests.leaks import key_material


def forms(key: PrivateKey) -> dict[str, str | bytes]:
    """Return what a leak of the key may look like."""
    loaded: Any = load_pem_private_key(key.to_pem(), None)
    der = loaded.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    numbers = loaded.private_numbers()
    number = getattr(numbers, "private_value", 0) or numbers.p
    return {
        "PEM in JSON": json.dumps({"key": key.to_pem().decode()}),
        "PEM in base64": base64.b64encode(key.to_pem()),
        "DER as Python shows it": repr(der),
        "DER in base64, after a byte": base64.b64encode(b"x" + der),
        "DER in base64 for URLs": base64.urlsafe_b64encode(der),
        "number": str(number),
        "number as openssl shows it": "\n    ".join(textwrap.wrap(f"{number:064X}", 30)),
        "pickle": pickle.dumps({"numbers": number}),
    }


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_planted_key_is_found(algorithm: KeyAlgorithm) -> None:
    """A key is found in each form amid other text; another key and the public half are not."""
    key, other = (PrivateKey.generate(algorithm) for _ in range(2))
    for form, planted in forms(key).items():
        text = planted.encode() if isinstance(planted, str) else planted
        assert key_material(b"before " + text + b" after", [key]), form
        assert key_material(text, [other]) == [], form
    public = f"{key!r} {key.public_key.fingerprint} {key.public_key.to_pem()}"
    assert key_material(public, [key]) == []
