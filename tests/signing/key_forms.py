"""Make keys of every kind and write them in every form that people have."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from cfsigned_django.signing import PrivateKey

PASSWORD = b"correct horse"

_Foreign = (
    rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey
)
_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.com")])

#: What a text goes through on its way into an environment variable.
MISHAPS: dict[str, Callable[[str], str | bytes]] = {
    "as it is": lambda text: text,
    "bytes": lambda text: text.encode("ascii"),
    "no last line end": lambda text: text.rstrip(),
    "white space around": lambda text: f"\n\t {text}\n ",
    "literal line ends": lambda text: text.replace("\n", "\\n"),
    "literal line ends, escaped twice": lambda text: text.replace("\n", "\\\\n"),
    "literal CRLF, escaped three times": lambda text: text.replace("\n", r"\\\r\\\n"),
    "literal CRLF": lambda text: text.replace("\n", "\\r\\n"),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "CR": lambda text: text.replace("\n", "\r"),
    "one line with spaces": lambda text: text.replace("\n", " "),
    "double quotes": lambda text: f'"{text}"',
    "single quotes": lambda text: f"'{text}'\n",
    "literal line ends in quotes": lambda text: '"' + text.replace("\n", "\\n") + '"',
    "byte order mark": lambda text: "\ufeff" + text,
    "byte order mark, bytes": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16, big end first": lambda text: ("\ufeff" + text).encode("utf-16-be"),
    "indented": lambda text: text.replace("\n", "\n    "),
    "empty lines": lambda text: text.replace("\n", "\n\n"),
    "text around": lambda text: f"Bag Attributes: x\n{text}\nend of file\n",
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, bytes": lambda text: base64.b64encode(text.encode()),
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode(),
    "base64 in lines, literal": lambda text: (
        base64.encodebytes(text.encode()).decode().replace("\n", "\\n")
    ),
    "base64 of CRLF": lambda text: base64.b64encode(text.replace("\n", "\r\n").encode()).decode(),
    "base64 of byte order mark": lambda text: base64.b64encode(text.encode("utf-8-sig")).decode(),
    "base64 of literal line ends": lambda text: base64.b64encode(
        text.replace("\n", "\\n").encode()
    ).decode(),
    "base64 of literal line ends, escaped twice, in quotes": lambda text: base64.b64encode(
        '"{}"'.format(text.replace("\n", "\\\\n")).encode()
    ).decode(),
    "base64 of CR": lambda text: base64.b64encode(text.replace("\n", "\r").encode()).decode(),
    "base64 in quotes": lambda text: f'"{base64.b64encode(text.encode()).decode()}"',
}

#: PKCS#8, and what openssl wrote before it: PKCS#1 for RSA, SEC1 for ECDSA.
FORMATS = {"PKCS#8": PrivateFormat.PKCS8, "traditional": PrivateFormat.TraditionalOpenSSL}


@cache
def rewrite(key: PrivateKey, form: PrivateFormat, password: bytes | None = None) -> str:
    """Return the key's PEM text in another format, encrypted where a password is given."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    loaded = load_pem_private_key(key.to_pem(), password=None)
    return loaded.private_bytes(Encoding.PEM, form, encryption).decode("ascii")


def to_der(key: PrivateKey) -> bytes:
    """Return the key in DER, which is no text."""
    loaded = load_pem_private_key(key.to_pem(), password=None)
    return loaded.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


#: What CloudFront does not take, and what a refusal calls it.
FOREIGN = {
    "RSA 1024": "an RSA key of 1024 bits",
    "RSA 3072": "an RSA key of 3072 bits",
    "RSA 4096": "an RSA key of 4096 bits",
    "P-384": "an elliptic curve key on secp384r1",
    "secp256k1": "an elliptic curve key on secp256k1",
    "Ed25519": "of kind Ed25519",
    "DSA": "of kind DSA",
}


@cache
def foreign_keys() -> dict[str, tuple[str, str]]:
    """Return private and public PEM text of keys that CloudFront does not take, by kind."""
    made: dict[str, _Foreign] = {
        "RSA 1024": rsa.generate_private_key(65537, 1024),  # noqa: S505
        "RSA 3072": rsa.generate_private_key(65537, 3072),
        "RSA 4096": rsa.generate_private_key(65537, 4096),
        "P-384": ec.generate_private_key(ec.SECP384R1()),
        "secp256k1": ec.generate_private_key(ec.SECP256K1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
        "DSA": dsa.generate_private_key(1024),  # noqa: S505
    }
    return {
        kind: (
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"),
            key.public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode("ascii"),
        )
        for kind, key in made.items()
    }


def certificate(key: PrivateKey) -> str:
    """Return a certificate for the key, as web servers have it."""
    signing_key = load_pem_private_key(key.to_pem(), password=None)
    assert isinstance(signing_key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(signing_key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=30))
        .sign(signing_key, hashes.SHA256())
    )
    return signed.public_bytes(Encoding.PEM).decode("ascii")
