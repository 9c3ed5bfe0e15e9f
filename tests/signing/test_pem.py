"""Read keys in every form that people have; show no byte of one that is refused, or used.

Modules: signing/pem.py, signing/lazy_key.py
"""

from __future__ import annotations

import base64
import os
import pprint
import re
import textwrap
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from cfsigned_django.signing import InvalidKey, PrivateKey, PublicKey, Signer
from tests.golden import assert_golden
from tests.leaks import everything_of
from tests.signing.cases import KEY_ID

PASSWORD = b"correct horse"
LONG_PATH = Path("/nowhere/Users/anna/projects/shop2/secrets/cloudfront/private.pem")

_Foreign = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
#: A certificate in all but its content, which nothing reads.
CERTIFICATE = f"-----BEGIN CERTIFICATE-----\n{'MIIB' * 16}\n-----END CERTIFICATE-----\n"


def b64(text: str, encoding: str = "utf-8") -> str:
    """Return a text in base64, on one line."""
    return base64.b64encode(text.encode(encoding)).decode()


#: What happens to a text before it is in an environment variable.
MISHAPS: dict[str, Callable[[str], str | bytes]] = {
    "as it is": lambda text: text,
    "bytes": lambda text: text.encode("ascii"),
    "white space around": lambda text: f"\n\t {text}\n ",
    "literal line ends": lambda text: text.replace("\n", "\\n"),
    "literal line ends, escaped twice": lambda text: text.replace("\n", "\\\\n"),
    "literal CRLF, escaped three times": lambda text: text.replace("\n", r"\\\r\\\n"),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "CR": lambda text: text.replace("\n", "\r"),
    "one line with spaces": lambda text: text.replace("\n", " "),
    "single quotes": lambda text: f"'{text}'\n",
    "literal line ends in quotes": lambda text: '"' + text.replace("\n", "\\n") + '"',
    "byte order mark": lambda text: "\ufeff" + text,
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 of the other order, cut": lambda text: ("\ufeff" + text).encode("utf-16-be")[:-1],
    "indented": lambda text: text.replace("\n", "\n    "),
    "text around": lambda text: f"Bag Attributes: x\n{text}\nend of file\n",
    "base64": b64,
    "base64 in lines": lambda text: textwrap.fill(b64(text), 76),
    "base64 of byte order mark": lambda text: b64(text, "utf-8-sig"),
    "base64 of literals in quotes": lambda text: b64('"' + text.replace("\n", "\\\\n") + '"'),
    "base64 in quotes": lambda text: f'"{b64(text)}"',
}

#: PKCS#8, and what openssl wrote before it: PKCS#1 for RSA, SEC1 for ECDSA.
FORMATS = {"PKCS#8": PrivateFormat.PKCS8, "traditional": PrivateFormat.TraditionalOpenSSL}


def framed(text: str, label: str) -> str:
    """Return a text in a frame of PEM."""
    return f"-----BEGIN {label}-----\n{text}\n-----END {label}-----\n"


@cache
def rewrite(key: PrivateKey, form: PrivateFormat, password: bytes | None = None) -> str:
    """Return the key's PEM text in another format, encrypted if a password is given."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    loaded = serialization.load_pem_private_key(key.to_pem(), password=None)
    return loaded.private_bytes(Encoding.PEM, form, encryption).decode("ascii")


@cache
def foreign_keys() -> dict[str, tuple[str, str]]:
    """Return private and public PEM text of keys that CloudFront does not take, by kind."""
    made: dict[str, _Foreign] = {
        "RSA 3072": rsa.generate_private_key(65537, 3072),  # one of 4096 bits may take 3 s
        "P-384": ec.generate_private_key(ec.SECP384R1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
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
    loaded = serialization.load_pem_private_key(key.to_pem(), password=None)
    lines = pem.splitlines()
    body = "".join(lines[1:-1])
    first = rewrite(key, PrivateFormat.TraditionalOpenSSL).splitlines()[1]
    (folder / "empty.pem").touch()
    (folder / "cut.pem").write_text(pem[:-40])
    return {
        "empty": "",
        "quotes only": '""',
        "empty file": folder / "empty.pem",
        "certificate": CERTIFICATE,
        "certificates of all authorities": CERTIFICATE.ljust(64 * 1024 + 1, "0"),
        "OpenSSH": rewrite(key, PrivateFormat.OpenSSH),
        "other frame": pem.replace("PRIVATE KEY", "OTHER KEY"),
        "garbage": "correct horse battery staple",
        "no frame": body,
        "no frame, as a file name": body[:400] + ".pem",
        "DER": loaded.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        "binary": pem.encode() + b"\xff",
        "file name": "keys/cloudfront.pem",
        "path of Windows": r"C:\keys\cloudfront",
        "several lines like paths": "/run/secrets\n/key",
        "no such file": folder / "none.pem",
        "no such file, far down": LONG_PATH,
        "folder": folder,
        "file of a cut key": folder / "cut.pem",
        "device of no use": folder / "empty.pem" / "x",
        "null in path": Path("a\0b"),
        "path of a wrong type": mock.Mock(spec=os.PathLike, __fspath__=lambda self: 1),
        # In a folder that does not exist: a key without a slash in 255 characters is too long for
        # a name, which is another error.
        "key as a path": Path("none", pem),
        "one line, cut, as a path": Path("".join(lines)[:100]),
        "base64, cut, as a path": Path(body[:52]),
        # A path loses a slash at its end: 40 characters in a row must be left.
        **{f"SEC1, {size} characters, as a path": Path(first[:size]) for size in (44, 64)},
        "SEC1, in a folder, as a path": Path("/keys") / first[:44],
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
        "unknown kind": (framed("MBACAQAwBQYDKgMEBAQAAAAA", "PRIVATE KEY"), None),
        "public key": (key.public_key.to_pem(), None),
        "no password": (encrypted, None),
        "wrong password": (encrypted, b"wrong horse"),
        "password that is not text": (encrypted, "\ud800"),
        "no password, traditional": (traditional, None),
        "wrong password, traditional": (traditional, b"wrong horse"),
        "first line only": (lines[0], None),
        "cut, before a certificate": (f"{lines[0]}\n{lines[1]}\n{CERTIFICATE}", None),
        "line lost": ("\n".join(lines[:1] + lines[2:]), None),
        "letters changed": (pem.replace(lines[1][:2], "AA", 1), None),
        "frame of an encrypted key": (pem.replace("PRIVATE", "ENCRYPTED PRIVATE"), None),
        "frame of a public key": (pem.replace("PRIVATE KEY", "PUBLIC KEY"), None),
    }


def not_public_keys(key: PrivateKey) -> dict[str, Any]:
    """Return further sources that are not public keys, by what is wrong."""
    public, pem = key.public_key.to_pem(), key.to_pem().decode("ascii")
    return {
        **{kind: text for kind, (_, text) in foreign_keys().items()},
        "unknown kind": framed("MA0wBQYDKgMEAwQAAAAA", "PUBLIC KEY"),
        "private key": pem,
        "private key, encrypted": rewrite(key, PrivateFormat.PKCS8, PASSWORD),
        "private key, cut": pem[:-40],
        "cut": public[:-10],
        "letters changed": public.replace("A", "-"),
        "frame of a public key": pem.replace("PRIVATE KEY", "PUBLIC KEY"),
    }


# Reading


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("password", [None, PASSWORD], ids=["plain", "encrypted"])
def test_private_key_forms(password: bytes | None, form: PrivateFormat, ec_key: PrivateKey) -> None:
    """Read PKCS#8 and SEC1, encrypted or not, whatever the text went through."""
    text = rewrite(ec_key, form, password)
    for name, mishap in MISHAPS.items():
        loaded = PrivateKey.load(mishap(text), password=password)
        assert loaded.to_pem() == ec_key.to_pem(), name


def test_public_key_forms(key: PrivateKey) -> None:
    """Read a public key, whatever the text went through; show nothing of a private one."""
    pem = key.to_pem().decode("ascii")
    for name, mishap in MISHAPS.items():
        assert PublicKey.load(mishap(key.public_key.to_pem())) == key.public_key, name
        refuse(PublicKey.load, mishap(pem), pem)


def test_files(ec_key: PrivateKey, tmp_path: Path) -> None:
    """Read files of these forms, by their path as any os.PathLike."""
    path = tmp_path / "cloudfront.pem"
    for mishap in ("CRLF", "UTF-16", "byte order mark", "base64 in quotes"):
        changed = MISHAPS[mishap](ec_key.to_pem().decode("ascii"))
        path.write_bytes(changed if isinstance(changed, bytes) else changed.encode("utf-8"))
        assert PrivateKey.load(path).to_pem() == ec_key.to_pem()
    with os.scandir(tmp_path) as entries:
        assert PrivateKey.load(next(entries)).to_pem() == ec_key.to_pem()


def test_password(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """Take the password as text too, UTF-8 or not, and ignore it if the key is not encrypted."""
    assert PrivateKey.load(ec_key.to_pem(), password=PASSWORD).to_pem() == ec_key.to_pem()
    for key, password in ((ec_key, "pässword".encode()), (rsa_key, b"p\xe4ssword")):
        for form in FORMATS.values():
            text = password.decode("utf-8", "surrogateescape")
            loaded = PrivateKey.load(rewrite(key, form, password), password=text)
            assert loaded.to_pem() == key.to_pem()


def test_first_key_of_several_blocks(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """Find the key among a certificate, curve parameters and a second key."""
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    text = CERTIFICATE + parameters + rewrite(ec_key, FORMATS["traditional"])
    text += rsa_key.to_pem().decode("ascii")
    assert PrivateKey.load(text).to_pem() == ec_key.to_pem()


def test_pkcs1_public_key(rsa_key: PrivateKey) -> None:
    """Read RSA public keys in PKCS#1 too, and write them as CloudFront wants them."""
    public_key = load_pem_public_key(rsa_key.public_key.to_pem().encode("ascii"))
    text = public_key.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    assert text.startswith(b"-----BEGIN RSA PUBLIC KEY-----")
    assert PublicKey.load(text) == rsa_key.public_key


def test_unreadable_file(key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name a file that the user may not read."""

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)  # root may read everything
    with pytest.raises(InvalidKey, match=r"key\.pem"):
        PrivateKey.load(tmp_path / "key.pem")


# Secrets

# So many characters of a key in a row are never a coincidence.
WINDOW = 16


def pack(text: str) -> str:
    """Return the text without frames of PEM, white space and line ends written as escapes."""
    return "".join(re.sub("-----[A-Z ]+-----", " ", text).split()).replace("\\n", "")


def assert_holds_no(secret: str, text: str) -> None:
    """Fail if any part of the secret, or the password, stands in the text."""
    packed, text = pack(secret), pack(text)
    windows = {packed[at : at + WINDOW] for at in range(len(packed) - WINDOW + 1)}
    assert not [window for window in windows if window in text]
    assert pack(PASSWORD.decode())[:-1] not in text


def refuse(load: Any, source: Any, secret: str, **options: Any) -> str:
    """Return the words of a refusal that carries nothing of the secret, nor of the source."""
    with pytest.raises(InvalidKey) as caught:
        load(source, **options)
    assert caught.value.__context__ is None
    shown = everything_of(caught.value)
    assert_holds_no(secret, shown)
    if isinstance(source, bytes | bytearray):
        assert_holds_no(repr(bytes(source)), shown)
    elif isinstance(source, str):
        assert_holds_no(source, shown)
    return str(caught.value)


def test_t23_refusals(key: PrivateKey, tmp_path: Path) -> None:
    """Refuse each other source with what was seen and what is expected, and not a byte of it."""
    pem = key.to_pem().decode("ascii")
    private, public = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for name, source in not_keys(key, tmp_path).items():
        secret = str(source) if name.endswith("as a path") else pem
        words = refuse(PrivateKey.load, source, secret)
        if secret != pem:  # A path whose first part is too long cannot be read.
            words = words.replace("cannot be read", "does not exist")
        private[words].append(name)
        refuse(PublicKey.load, source, secret)
    for name, (source, password) in not_private_keys(key).items():
        private[refuse(PrivateKey.load, source, pem, password=password)].append(name)
    for name, source in not_public_keys(key).items():
        public[refuse(PublicKey.load, source, pem)].append(name)
    lines = ["As a private key"]
    lines += [f"  {', '.join(names)}:\n    {words}" for words, names in private.items()]
    lines += ["\nAs a public key"]
    lines += [f"  {', '.join(names)}:\n    {words}" for words, names in public.items()]
    assert_golden("signing-keys", "\n".join(lines).replace(str(tmp_path), "/keys"))


def test_key_given_as_id(key: PrivateKey) -> None:
    """Refuse a private key in the place of its id without showing it, on a debug page either."""
    pem = key.to_pem().decode("ascii")
    with pytest.raises(InvalidKey) as caught:
        Signer(key_pair_id=pem, private_key=key)
    assert_holds_no(pem, everything_of(caught.value))


def test_what_is_printed(key: PrivateKey) -> None:
    """Show no key in repr, str and format of keys and signers."""
    signer = Signer(key_pair_id=KEY_ID, private_key=key)
    shown = [f"{key}", str(key), repr(signer), repr(vars(signer)), pprint.pformat([key, signer])]
    assert_holds_no(key.to_pem().decode("ascii"), "\n".join(shown))
    assert key.public_key.fingerprint[:16] in repr(key)
