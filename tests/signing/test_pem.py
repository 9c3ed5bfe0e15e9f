"""Read keys in every form that people have; show no byte of one that is refused, or used."""

from __future__ import annotations

import logging
import os
import pprint
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from hypothesis import given, strategies as st

from cfsigned_django.signing import InvalidKey, Policy, PrivateKey, PublicKey, Signer
from tests.golden import assert_golden
from tests.leaks import everything_of
from tests.signing.cases import EXPIRES, KEY_ID, ORIGIN
from tests.signing.key_forms import (
    CERTIFICATE,
    FORMATS,
    MISHAPS,
    PASSWORD,
    not_keys,
    not_private_keys,
    not_public_keys,
    rewrite,
)

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


# Secrets

# So many characters of a key in a row are no accident.
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


def test_windows_find_a_leak(ec_key: PrivateKey) -> None:
    """Find a key in a message and in the arguments of an error: the search itself works."""
    pem = ec_key.to_pem().decode("ascii")
    errors: list[Exception] = [ValueError(each) for each in (pem, pem[40:80], pem.encode("ascii"))]
    try:
        (pem.encode("ascii") + b"\xff").decode("utf-8")
    except UnicodeDecodeError as error:
        errors.append(error)
    for each in errors:
        with pytest.raises(AssertionError):
            assert_holds_no(pem, everything_of(each))


def test_private_key_given_as_public(ec_key: PrivateKey) -> None:
    """Refuse a private key in the place of the public one, and do not carry it along."""
    pem = ec_key.to_pem().decode("ascii")
    for mishap in MISHAPS.values():
        refuse(PublicKey.load, mishap(pem), pem)


def test_key_given_as_id(key: PrivateKey) -> None:
    """Refuse a private key in the place of its id without showing it, on a debug page either."""
    pem = key.to_pem().decode("ascii")
    with pytest.raises(InvalidKey) as caught:
        Signer(key_pair_id=pem, private_key=key)
    assert_holds_no(pem, everything_of(caught.value))


def test_what_is_printed(key: PrivateKey, caplog: pytest.LogCaptureFixture) -> None:
    """Show no key in repr, str, format and logs of keys and signers."""
    signer = Signer(key_pair_id=KEY_ID, private_key=key)
    signed = signer.sign_url(f"{ORIGIN}/a", date_less_than=EXPIRES)
    cookies = signer.sign_cookies(Policy(resource=f"{ORIGIN}/*", date_less_than=EXPIRES))
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("tests").debug("%s %r %s", key, signer, vars(signer))
    shown = [repr(key), str(key), f"{key}", pprint.pformat([key, signer]), caplog.text]
    assert_holds_no(key.to_pem().decode("ascii"), "\n".join([*shown, signed, *cookies.values()]))
    assert key.public_key.fingerprint[:16] in repr(key)
