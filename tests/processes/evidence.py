"""Collect everything that a run makes visible, and search it for key material."""

from __future__ import annotations

import base64
import functools
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from cfsigned_django.signing import PrivateKey
from tests.leaks import fragments

#: How a part of a key is written, and that part.
Needle = tuple[str, bytes]

#: This many bytes in a row of a secret number are a leak.
_WINDOW = 18


class Evidence:
    """What was seen, each line once, under the place where it was seen first."""

    def __init__(self) -> None:
        self._lines: set[bytes] = set()
        self._seen: dict[str, bytearray] = {}
        self._lock = threading.Lock()

    def add(self, place: str, content: str | bytes) -> None:
        """Keep those lines of a text, or of bytes, that are new."""
        content = content.encode() if isinstance(content, str) else content
        with self._lock:
            # Pages are much alike. Lines that are new stay next to each other.
            new = [line for line in content.split(b"\n") if line not in self._lines]
            self._lines.update(new)
            self._seen.setdefault(place, bytearray()).extend(b"\n".join([*new, b""]))

    def add_files(self, *paths: Path) -> None:
        """Keep the contents of files."""
        for path in paths:
            self.add(path.name, path.read_bytes())

    def find(self, private_keys: list[PrivateKey]) -> list[str]:
        """Return where key material was seen, and in which form; never the material."""
        needles = [each for key in private_keys for each in _needles(key)]
        return [
            f"{place}: {form}"
            for place, content in self._all()
            for reading in _readings(content)
            for form, part in needles
            if part in reading
        ]

    def find_text(self, texts: set[str]) -> list[str]:
        """Return where one of these texts was seen."""
        return [
            place
            for place, content in self._all()
            if any(each.encode() in content for each in texts)
        ]

    def _all(self) -> list[tuple[str, bytes]]:
        # A copy: what runs meanwhile adds more.
        with self._lock:
            return [(place, bytes(content)) for place, content in self._seen.items()]


def _readings(content: bytes) -> Iterator[bytes]:
    """Return the content as it is, and without what breaks lines or numbers up."""
    yield content
    squeezed = re.sub(rb"(?:\\+[nr]|[\s:,_'\"]|<br ?/?>)+", b"", content)
    yield squeezed
    yield squeezed.lower()


@functools.cache
def _needles(key: PrivateKey) -> tuple[Needle, ...]:
    """Return parts of the key in all the forms in which it could be seen."""
    return tuple(_parts(key))


def _parts(key: PrivateKey) -> Iterator[Needle]:
    # The last line may be so short that it says nothing.
    for number, part in enumerate(each for each in fragments(key) if len(each) > 40):
        yield f"line {number} of the PEM text", part.encode()
        for shift in range(3) if number < 2 else ():
            text = _base64(part.encode()[-45:], shift)  # they begin alike
            yield f"line {number} of the PEM text in base64, {shift}", text
    loaded = load_pem_private_key(key.to_pem(), None)
    der = loaded.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    secrets = {number: _to_bytes(number) for number in _secret_numbers(loaded)}
    for place, (number, secret) in enumerate(secrets.items()):
        assert secret in der, "the private numbers are those of the key"
        window = secret[1 : 1 + _WINDOW]
        yield f"number {place} as bytes", window
        yield f"number {place} as bytes, reversed", window[::-1]
        # Python escapes a ' if the whole text has a " as well.
        literal = repr(window)[2:-1].replace("\\'", "'")
        yield f"number {place} as a literal", literal.encode()
        yield f"number {place} as an escaped literal", literal.replace("'", "\\'").encode()
        yield f"number {place} in hexadecimal digits", window.hex().encode()
        yield f"number {place} in decimal digits", str(number).encode()[:40]
        for shift in range(3):
            text = _base64(window, shift)
            yield f"number {place} in base64, {shift}", text
            yield f"number {place} in base64 for URLs, {shift}", text.translate(_FOR_URLS)


def _base64(part: bytes, shift: int) -> bytes:
    """Return how base64 writes bytes that begin ``shift`` bytes after a group of three."""
    return base64.b64encode(bytes(shift) + part)[4:-4]


_FOR_URLS = bytes.maketrans(b"+/", b"-_")


def _secret_numbers(loaded: object) -> list[int]:
    numbers = loaded.private_numbers()  # type: ignore[attr-defined]
    if isinstance(numbers, RSAPrivateNumbers):
        return [numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp]
    return [numbers.private_value]


def _to_bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
