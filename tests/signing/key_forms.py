"""Make keys of every kind and write them in every form that people have."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

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
LONG_PATH = Path("/nowhere/Users/anna/projects/shop2/secrets/cloudfront/private.pem")

_Foreign = (
    rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey
)
#: A certificate in all but its content, which nothing reads.
CERTIFICATE = f"-----BEGIN CERTIFICATE-----\n{'MIIB' * 16}\n-----END CERTIFICATE-----\n"

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
    """Return the key's PEM text in another format, encrypted if a password is given."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    loaded = load_pem_private_key(key.to_pem(), password=None)
    return loaded.private_bytes(Encoding.PEM, form, encryption).decode("ascii")


def to_der(key: PrivateKey) -> bytes:
    """Return the key in DER, which is not text."""
    loaded = load_pem_private_key(key.to_pem(), password=None)
    return loaded.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@cache
def foreign_keys() -> dict[str, tuple[str, str]]:
    """Return private and public PEM text of keys that CloudFront does not take, by kind."""
    made: dict[str, _Foreign] = {
        "RSA 1024": rsa.generate_private_key(65537, 1024),  # noqa: S505
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


def not_keys(key: PrivateKey, folder: Path) -> dict[str, Any]:
    """Return what can be read neither as a private nor as a public key, by what is wrong."""
    pem = key.to_pem().decode("ascii")
    lines = pem.splitlines()
    body = "".join(lines[1:-1])
    first = rewrite(key, PrivateFormat.TraditionalOpenSSL).splitlines()[1]
    (folder / "empty.pem").touch()
    (folder / "cut.pem").write_text(pem[:-40])
    return {
        "empty": "",
        "white space": " \n\t",
        "quotes only": '""',
        "empty file": folder / "empty.pem",
        "certificate": CERTIFICATE,
        "OpenSSH": rewrite(key, PrivateFormat.OpenSSH),
        "frame of OpenSSH": pem.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY"),
        "PGP": pem.replace("PRIVATE KEY", "PGP PRIVATE KEY BLOCK"),
        "other frame": pem.replace("PRIVATE KEY", "OTHER KEY"),
        "garbage": "correct horse battery staple",
        "base64 of garbage": "Y29ycmVjdCBob3JzZQ==",
        "no frame": body,
        "no frame, as a file name": body[:400] + ".pem",
        "DER": to_der(key),
        "binary": pem.encode() + b"\xff",
        "file name alone": "cf.key",
        "file name": "keys/cloudfront.pem",
        "path without an ending": "/run/secrets/key",
        "path below the home": "~/keys/cloudfront",
        "path of Windows": r"C:\keys\cloudfront",
        "several lines like paths": "/run/secrets\n/key",
        "no such file": folder / "none.pem",
        "no such file, far down": LONG_PATH,
        "folder": folder,
        "file of a cut key": folder / "cut.pem",
        "device of no use": folder / "empty.pem" / "x",
        "null in path": Path("a\0b"),
        "key as a path": Path(pem),
        "one line as a path": Path("".join(lines)),
        "base64 as a path": Path(body),
        "part as a path": Path("/keys") / pem[:200],
        "one line, cut, as a path": Path("".join(lines)[:100]),
        "base64, cut, as a path": Path(body[:52]),
        # A path loses a slash at its end: 40 characters in a row must be left.
        **{f"SEC1, {size} characters, as a path": Path(first[:size]) for size in (44, 52, 64)},
        "SEC1, in a folder, as a path": Path("/keys") / first[:44],
        "number": 42,
        "None": None,
        "bytearray": bytearray(key.to_pem()),
    }


def not_private_keys(key: PrivateKey) -> dict[str, tuple[Any, bytes | str | None]]:
    """Return further sources that are not private keys, with a password, by what is wrong."""
    pem = key.to_pem().decode("ascii")
    lines = pem.splitlines()
    encrypted = rewrite(key, PrivateFormat.PKCS8, PASSWORD)
    traditional = rewrite(key, PrivateFormat.TraditionalOpenSSL, PASSWORD)
    return {
        **{kind: (text, None) for kind, (text, _) in foreign_keys().items()},
        "unknown kind": (_frame("PRIVATE", "MBACAQAwBQYDKgMEBAQAAAAA"), None),
        "public key": (key.public_key.to_pem(), None),
        "no password": (encrypted, None),
        "empty password": (encrypted, b""),
        "wrong password": (encrypted, b"wrong horse"),
        "part of the password": (encrypted, PASSWORD[:-1]),
        "password that is not text": (encrypted, "\ud800"),
        "no password, traditional": (traditional, None),
        "wrong password, traditional": (traditional, b"wrong horse"),
        "first line only": (lines[0], None),
        "cut": (pem[:-40], None),
        "line lost": ("\n".join(lines[:1] + lines[2:]), None),
        "nothing inside": (f"{lines[0]}\n{lines[-1]}", None),
        "dash in it": (pem.replace("M", "-", 1), None),
        "letters changed": (pem.replace(lines[1][:2], "AA", 1), None),
        "not ASCII inside": (f"{lines[0]}\nä한\n{lines[-1]}", None),
        "frame of an encrypted key": (pem.replace("PRIVATE", "ENCRYPTED PRIVATE"), None),
        "frame of a public key": (pem.replace("PRIVATE KEY", "PUBLIC KEY"), None),
    }


def not_public_keys(key: PrivateKey) -> dict[str, Any]:
    """Return further sources that are not public keys, by what is wrong."""
    public, pem = key.public_key.to_pem(), key.to_pem().decode("ascii")
    return {
        **{kind: text for kind, (_, text) in foreign_keys().items()},
        "unknown kind": _frame("PUBLIC", "MA0wBQYDKgMEAwQAAAAA"),
        "private key": pem,
        "private key, encrypted": rewrite(key, PrivateFormat.PKCS8, PASSWORD),
        "private key, cut": pem[:-40],
        "cut": public[:-10],
        "letters changed": public.replace("A", "-"),
        "frame of a public key": pem.replace("PRIVATE KEY", "PUBLIC KEY"),
    }


def _frame(label: str, body: str) -> str:
    """Return a PEM block; the bodies used are well-formed keys with object id 1.2.3.4."""
    return f"-----BEGIN {label} KEY-----\n{body}\n-----END {label} KEY-----\n"
