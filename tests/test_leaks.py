"""The search for key material finds what is planted, in every form."""

from __future__ import annotations

import base64
import json
import pickle
import textwrap
from collections.abc import Callable
from functools import cache
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


def _bytes(key: PrivateKey, encoding: Encoding) -> bytes:
    loaded = load_pem_private_key(key.to_pem(), None)
    return loaded.private_bytes(encoding, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _number(key: PrivateKey) -> int:
    numbers: Any = load_pem_private_key(key.to_pem(), None).private_numbers()  # type: ignore[union-attr]
    return int(getattr(numbers, "private_value", 0) or numbers.p)


def _as_openssl(key: PrivateKey) -> str:
    return "\n    ".join(textwrap.wrap(f"{_number(key):064x}", 30))


@cache
def _keys(algorithm: KeyAlgorithm) -> list[PrivateKey]:
    return [PrivateKey.generate(algorithm) for _ in range(2)]


FORMS: dict[str, Callable[[PrivateKey], str | bytes]] = {
    "PEM": lambda key: key.to_pem(),
    "PEM of openssl": lambda key: _bytes(key, Encoding.PEM),
    "PEM in JSON": lambda key: json.dumps({"key": key.to_pem().decode()}),
    "PEM as Python shows it": lambda key: repr(key.to_pem()),
    "PEM in base64": lambda key: base64.b64encode(key.to_pem()),
    "DER": lambda key: _bytes(key, Encoding.DER),
    "DER as Python shows it": lambda key: repr(_bytes(key, Encoding.DER)),
    "DER in base64, after a byte": lambda key: base64.b64encode(b"x" + _bytes(key, Encoding.DER)),
    "DER in base64 for URLs": lambda key: base64.urlsafe_b64encode(_bytes(key, Encoding.DER)),
    "number": lambda key: str(_number(key)),
    "number in hexadecimal digits": lambda key: hex(_number(key)).upper(),
    "number as openssl shows it": _as_openssl,
    "pickle": lambda key: pickle.dumps({"numbers": _number(key)}),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("algorithm", KeyAlgorithm)
def test_planted_key_is_found(form: str, algorithm: KeyAlgorithm) -> None:
    """A key is found in each form amid other text; another key and the public half are not."""
    key, other = _keys(algorithm)
    planted = FORMS[form](key)
    planted = planted.encode() if isinstance(planted, str) else planted

    assert key_material(b"before " + planted + b" after", [key])
    assert key_material(planted, [other]) == []
    public = f"{key!r} {key.public_key.fingerprint} {key.public_key.to_pem()}"
    assert key_material(public, [key]) == []
