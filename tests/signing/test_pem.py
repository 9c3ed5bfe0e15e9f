"""Read keys in every form that people have, and say what is wrong with the others."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from hypothesis import given, strategies as st

from cfsigned_django.signing import InvalidKey, PrivateKey, PublicKey
from tests.signing.key_forms import (
    FOREIGN,
    FORMATS,
    MISHAPS,
    PASSWORD,
    certificate,
    foreign_keys,
    rewrite,
    to_der,
)

EACH_MISHAP = pytest.mark.parametrize("mishap", MISHAPS.values(), ids=MISHAPS)
EACH_FORMAT = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
Mishap = Callable[[str], str | bytes]
LONG_PATH = Path("/nowhere/Users/anna/projects/shop2/secrets/cloudfront/private.pem")
NO_BLOCK = "The key is not PEM text, nor base64 of it."


@EACH_MISHAP
@EACH_FORMAT
def test_private_key_forms(form: PrivateFormat, mishap: Mishap, key: PrivateKey) -> None:
    """Read PKCS#8, PKCS#1 and SEC1, whatever the text went through."""
    loaded = PrivateKey.load(mishap(rewrite(key, form)))
    assert loaded.to_pem() == key.to_pem()


@EACH_MISHAP
@EACH_FORMAT
def test_encrypted_key_forms(form: PrivateFormat, mishap: Mishap, key: PrivateKey) -> None:
    """Read encrypted keys too, whatever the text went through."""
    source = mishap(rewrite(key, form, PASSWORD))
    assert PrivateKey.load(source, password=PASSWORD).to_pem() == key.to_pem()


@EACH_MISHAP
def test_public_key_forms(mishap: Mishap, key: PrivateKey) -> None:
    """Read a public key, whatever the text went through."""
    assert PublicKey.load(mishap(key.public_key.to_pem())) == key.public_key


@EACH_MISHAP
def test_files(mishap: Mishap, key: PrivateKey, tmp_path: Path) -> None:
    """Read files of all these forms, by their path."""
    changed = mishap(key.to_pem().decode("ascii"))
    path = tmp_path / "cloudfront.pem"
    path.write_bytes(changed if isinstance(changed, bytes) else changed.encode("utf-8"))
    assert PrivateKey.load(path).to_pem() == key.to_pem()


def test_any_path_like(key: PrivateKey, tmp_path: Path) -> None:
    """Take any os.PathLike as a path."""
    (tmp_path / "key").write_bytes(key.to_pem())
    with os.scandir(tmp_path) as entries:
        assert PrivateKey.load(next(entries)).to_pem() == key.to_pem()


def test_password_as_text(key: PrivateKey) -> None:
    """Take the password as text too, as environment variables hold it, UTF-8 or not."""
    for password in ("pässword".encode(), b"p\xe4ssword"):
        source = rewrite(key, PrivateFormat.PKCS8, password)
        text = password.decode("utf-8", "surrogateescape")
        assert PrivateKey.load(source, password=text).to_pem() == key.to_pem()


def test_password_without_need(key: PrivateKey) -> None:
    """Read a key that is not encrypted, also where a password is set."""
    assert PrivateKey.load(key.to_pem(), password=PASSWORD).to_pem() == key.to_pem()


def test_first_key_of_several_blocks(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """Find the key among a certificate, curve parameters and a second key."""
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    text = certificate(ec_key) + parameters + rewrite(ec_key, FORMATS["traditional"])
    text += rsa_key.to_pem().decode("ascii")
    assert PrivateKey.load(text).to_pem() == ec_key.to_pem()


def test_pkcs1_public_key(rsa_key: PrivateKey) -> None:
    """Read RSA public keys in PKCS#1 too, and write them as CloudFront wants them."""
    public_key = load_pem_public_key(rsa_key.public_key.to_pem().encode("ascii"))
    text = public_key.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    assert text.startswith(b"-----BEGIN RSA PUBLIC KEY-----")
    assert PublicKey.load(text) == rsa_key.public_key


def refusals(key: PrivateKey, folder: Path) -> dict[str, tuple[object, str | bytes | None, str]]:
    """Return source, password and what the refusal says, by what is wrong."""
    pem = key.to_pem().decode("ascii")
    lines = pem.splitlines()
    openssh = rewrite(key, PrivateFormat.OpenSSH)
    encrypted = rewrite(key, PrivateFormat.PKCS8, PASSWORD)
    (folder / "empty.pem").touch()
    foreign = {
        f"T23 {kind}": (foreign_keys()[kind][0], None, f"The key is {expected}.*create one")
        for kind, expected in FOREIGN.items()
    }
    return foreign | {
        "empty": ("", None, "The key is empty.*environment variable set"),
        "white space": (" \n\t", None, "The key is empty"),
        "quotes only": ('""', None, "The key is empty"),
        "empty file": (folder / "empty.pem", None, "The key is empty"),
        "public key": (key.public_key.to_pem(), None, "This is a public key"),
        "certificate": (certificate(key), None, "This is a certificate"),
        "OpenSSH": (openssh, None, "This is an OpenSSH key.*ssh-keygen"),
        "request": (
            "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
            None,
            "certificate",
        ),
        "PGP": (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----",
            None,
            "a block of kind PGP PRIVATE KEY BLOCK",
        ),
        "no password": (encrypted, None, "encrypted and no password was given"),
        "empty password": (encrypted, b"", "encrypted and no password was given"),
        "wrong password": (encrypted, b"wrong", "the password does not open it"),
        "no text at all": (encrypted, "\ud800", "the password does not open it"),
        "first line only": (lines[0], None, "begins but does not end"),
        "cut": (pem[:-40], None, "begins but does not end"),
        "line lost": ("\n".join(lines[:1] + lines[2:]), None, "not a whole key"),
        "nothing inside": (f"{lines[0]}\n{lines[-1]}", None, "not a whole key"),
        "letters changed": (pem.replace("M", "-", 1), None, "not a whole key"),
        "not ASCII inside": (f"{lines[0]}\nä한\n{lines[-1]}", None, "not a whole key"),
        "garbage": ("correct horse battery staple", None, NO_BLOCK),
        "base64 of garbage": ("Y29ycmVjdCBob3JzZQ==", None, NO_BLOCK),
        "base64 without frame": ("".join(lines[1:-1]), None, NO_BLOCK),
        "DER": (to_der(key), None, "binary data.*openssl pkey -inform DER"),
        "file name alone": ("cf.key", None, "the name of a file"),
        "file name": ("keys/cloudfront.pem", None, "the name of a file.*pathlib.Path"),
        "path without an ending": ("/run/secrets/key", None, "the name of a file.*pathlib.Path"),
        "path below the home": ("~/keys/cloudfront", None, "the name of a file"),
        "path of Windows": (r"C:\keys\cloudfront", None, "the name of a file"),
        "several lines like paths": ("/run/secrets\n/key", None, NO_BLOCK),
        "no such file": (folder / "none.pem", None, "none.pem does not exist"),
        "no such file, far down": (LONG_PATH, None, f"{LONG_PATH} does not exist"),
        "folder": (folder, None, "is a folder, not a file"),
        "device of no use": (folder / "empty.pem" / "x", None, "cannot be read"),
        "null in path": (Path("a\0b"), None, "cannot be read"),
        "number": (42, None, "The key is of type int"),
        "None": (None, None, "The key is of type NoneType"),
        "bytearray": (bytearray(key.to_pem()), None, "The key is of type bytearray"),
    }


def test_private_key_refusals(key: PrivateKey, tmp_path: Path, subtests: pytest.Subtests) -> None:
    """Refuse every other source, with what was seen and what is wanted (T23)."""
    for name, (source, password, expected) in refusals(key, tmp_path).items():
        with subtests.test(name), pytest.raises(InvalidKey, match=expected):
            PrivateKey.load(source, password=password)  # type: ignore[arg-type]


def test_each_refusal_has_its_own_sentence(key: PrivateKey, tmp_path: Path) -> None:
    """Say something different for each kind of mistake."""
    mistakes = refusals(key, tmp_path)
    kinds = [name for name in mistakes if name.startswith("T23")]
    kinds += ["empty", "public key", "certificate", "OpenSSH", "no password", "wrong password"]
    kinds += ["cut", "line lost", "garbage", "no such file", "folder", "DER", "file name"]
    sentences = set()
    for kind in kinds:
        source, password, _ = mistakes[kind]
        with pytest.raises(InvalidKey) as caught:
            PrivateKey.load(source, password=password)  # type: ignore[arg-type]
        sentences.add(str(caught.value))
    assert len(sentences) == len(kinds)


@pytest.mark.parametrize(
    ("load", "label"), [(PrivateKey.load, "PRIVATE"), (PublicKey.load, "PUBLIC")]
)
def test_t23_unknown_kind(load: Callable[[str], object], label: str) -> None:
    """Refuse a key of a kind that nobody knows, a well-formed one with object id 1.2.3.4 (T23)."""
    bodies = {"PRIVATE": "MBACAQAwBQYDKgMEBAQAAAAA", "PUBLIC": "MA0wBQYDKgMEAwQAAAAA"}
    text = f"-----BEGIN {label} KEY-----\n{bodies[label]}\n-----END {label} KEY-----\n"
    with pytest.raises(InvalidKey, match="of a kind that this installation cannot read"):
        load(text)


@pytest.mark.parametrize("kind", FOREIGN)
def test_t23_foreign_public_key(kind: str) -> None:
    """Refuse public keys that CloudFront does not take (T23)."""
    with pytest.raises(InvalidKey, match="RSA 2048 or ECDSA P-256"):
        PublicKey.load(foreign_keys()[kind][1])


def test_public_key_refusals(key: PrivateKey, tmp_path: Path, subtests: pytest.Subtests) -> None:
    """Refuse what is no public key, with what was seen and what is wanted."""
    public = key.public_key.to_pem()
    cases: list[tuple[str, str | bytes | Path, str]] = [
        ("private key", key.to_pem(), "This is a private key.*keep the private one secret"),
        ("certificate", certificate(key), "This is a certificate"),
        ("empty", "", "The key is empty"),
        ("cut", public[:-10], "begins but does not end"),
        ("letters changed", public.replace("A", "-"), "not a whole key"),
        ("garbage", "x", NO_BLOCK),
        ("no such file", tmp_path / "none.pem", "does not exist"),
    ]
    for name, source, expected in cases:
        with subtests.test(name), pytest.raises(InvalidKey, match=expected):
            PublicKey.load(source)


def test_unreadable_file(key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Say that a file may not be read, and which."""

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)  # root may read everything
    with pytest.raises(InvalidKey, match=r"key.pem may not be read by this user"):
        PrivateKey.load(tmp_path / "key.pem")


@given(source=st.text() | st.binary())
def test_anything_is_refused_in_words(source: str | bytes) -> None:
    """Refuse any text and any bytes with InvalidKey and no other error."""
    for load in (PrivateKey.load, PublicKey.load):
        with pytest.raises(InvalidKey):
            load(source)


@given(data=st.data())
def test_damaged_key_is_refused_in_words(ec_key: PrivateKey, data: st.DataObject) -> None:
    """Read a damaged key as the same key or refuse it with InvalidKey, never another way."""
    pem = ec_key.to_pem().decode("ascii")
    start = data.draw(st.integers(0, len(pem)))
    end = data.draw(st.integers(start, min(start + 5, len(pem))))
    damaged = pem[:start] + data.draw(st.text(max_size=3)) + pem[end:]
    try:
        loaded = PrivateKey.load(damaged)
    except InvalidKey:
        return
    assert loaded.algorithm is ec_key.algorithm
