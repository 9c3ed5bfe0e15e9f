"""Read keys in every form that people have."""

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
from tests.signing.key_forms import FORMATS, MISHAPS, PASSWORD, certificate, rewrite

EACH_MISHAP = pytest.mark.parametrize("mishap", MISHAPS.values(), ids=MISHAPS)
Mishap = Callable[[str], str | bytes]


@EACH_MISHAP
@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("password", [None, PASSWORD], ids=["plain", "encrypted"])
def test_private_key_forms(
    password: bytes | None, form: PrivateFormat, mishap: Mishap, key: PrivateKey
) -> None:
    """Read PKCS#8, PKCS#1 and SEC1, encrypted or not, whatever the text went through."""
    loaded = PrivateKey.load(mishap(rewrite(key, form, password)), password=password)
    assert loaded.to_pem() == key.to_pem()


@EACH_MISHAP
def test_public_key_forms(mishap: Mishap, key: PrivateKey) -> None:
    """Read a public key, whatever the text went through."""
    assert PublicKey.load(mishap(key.public_key.to_pem())) == key.public_key


def test_files(ec_key: PrivateKey, tmp_path: Path) -> None:
    """Read files of these forms, by their path as any os.PathLike."""
    path = tmp_path / "cloudfront.pem"
    for mishap in ("CRLF", "UTF-16", "byte order mark, bytes", "base64 in quotes"):
        changed = MISHAPS[mishap](ec_key.to_pem().decode("ascii"))
        path.write_bytes(changed if isinstance(changed, bytes) else changed.encode("utf-8"))
        assert PrivateKey.load(path).to_pem() == ec_key.to_pem()
    with os.scandir(tmp_path) as entries:
        assert PrivateKey.load(next(entries)).to_pem() == ec_key.to_pem()


def test_password(key: PrivateKey) -> None:
    """Take the password as text too, UTF-8 or not, and ignore it if the key is not encrypted."""
    assert PrivateKey.load(key.to_pem(), password=PASSWORD).to_pem() == key.to_pem()
    for password in ("pässword".encode(), b"p\xe4ssword"):
        source = rewrite(key, PrivateFormat.PKCS8, password)
        text = password.decode("utf-8", "surrogateescape")
        assert PrivateKey.load(source, password=text).to_pem() == key.to_pem()


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


def test_unreadable_file(key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name a file that the user may not read."""

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)  # root may read everything
    with pytest.raises(InvalidKey, match=r"key\.pem"):
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
