"""Refuse bad keys with a reason, and look for key bytes in everything that could be shown."""

from __future__ import annotations

import logging
import pprint
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from cfsigned_django.signing import InvalidKey, Policy, PrivateKey, PublicKey, Signer
from tests.golden import assert_golden
from tests.leaks import everything_of
from tests.signing.cases import EXPIRES, KEY_ID, ORIGIN
from tests.signing.key_forms import (
    MISHAPS,
    PASSWORD,
    not_keys,
    not_private_keys,
    not_public_keys,
)

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
