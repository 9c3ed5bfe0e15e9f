"""Read keys out of what people really have in an environment variable.

A PEM file that went through a shell, a YAML file or a web form comes back
with literal ``\\n``, on one line, in quotes, behind a BOM or in base64. All of
that is put right here; what cannot be is refused with what was seen.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import textwrap
from itertools import starmap
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from cfsigned_django.signing.exceptions import InvalidKey

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_LITERAL_RETURN, _LITERAL_LINE_END = re.compile(r"\\+r"), re.compile(r"\\+n")
# An encrypted PKCS#1 or SEC1 block begins with two lines of its own.
_HEADERS = re.compile(r"\s*(Proc-Type: \S+)\s+(DEK-Info: \S+)\s+")

# One line that ends as key files do, or begins as a path does.
_FILE_NAME = re.compile(r"(?:/|~/|\.{1,2}/|[A-Za-z]:[\\/]).+|.*\.(?:pem|key|txt)")
# 40 characters of base64 in a row; those of a path are nearly all small letters and slashes.
_LIKE_BASE64 = re.compile(r"(?=[A-Za-z0-9+/=]{40})(?:[a-z/]*[A-Z0-9+=]){5}")

_PRIVATE = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
_PUBLIC = ("PUBLIC KEY", "RSA PUBLIC KEY")
_WANT_PRIVATE = "The private key in PEM is wanted (-----BEGIN PRIVATE KEY-----)"
_WANT_PUBLIC = "The public key in PEM is wanted (-----BEGIN PUBLIC KEY-----)"
_UNKNOWN_KIND = (
    "The key is of a kind that this installation cannot read. "
    "CloudFront signs with RSA 2048 or ECDSA P-256 keys: create one of those."
)


class _Block(NamedTuple):
    label: str
    body: str

    def to_pem(self) -> bytes:
        headers = _HEADERS.match(self.body)
        packed = "".join(self.body[headers.end() if headers else 0 :].split())
        lines = [*headers.groups(), ""] if headers else []
        body = "\n".join([*lines, textwrap.fill(packed, 64)])
        text = f"-----BEGIN {self.label}-----\n{body}\n-----END {self.label}-----\n"
        return text.encode("ascii", "replace")


def load_private_key(
    source: str | bytes | os.PathLike[str], password: str | bytes | None
) -> object:
    """Return cryptography's private key object, of whatever kind it is.

    Raise :exc:`InvalidKey`; the caller sees to it that no frame of this
    module, whose local variables hold the key, travels with the exception.
    """
    block = _find_block(_read(source, _WANT_PRIVATE), _PRIVATE, _WANT_PRIVATE)
    encrypted = "ENCRYPTED" in block.label or "ENCRYPTED" in block.body
    if encrypted and not password:
        raise InvalidKey(
            "The private key is encrypted and no password was given. Decrypt it: openssl pkey -in "
            "encrypted.pem -out key.pem. (No setting takes a password; PrivateKey.load() does.)"
        )
    if not encrypted:
        password = None  # One that is not needed is an error to the library.
    try:
        if isinstance(password, str):
            # What os.environ could not decode becomes the bytes that it was.
            password = password.encode("utf-8", "surrogateescape")
        return serialization.load_pem_private_key(block.to_pem(), password=password)
    except UnsupportedAlgorithm:
        raise InvalidKey(_UNKNOWN_KIND) from None
    except (ValueError, TypeError):
        if encrypted:
            raise InvalidKey(
                "The private key is encrypted and the password does not open it. "
                "Check the password."
            ) from None
        raise InvalidKey(
            "There is a private key block, but what stands in it is not a whole key: it was cut "
            "or changed on the way. Copy the whole file again, or set its path as a pathlib.Path."
        ) from None


def load_public_key(source: str | bytes | os.PathLike[str]) -> object:
    """Return cryptography's public key object, of whatever kind it is.

    Raise :exc:`InvalidKey`, with what was seen and what is wanted.
    """
    block = _find_block(_read(source, _WANT_PUBLIC), _PUBLIC, _WANT_PUBLIC)
    try:
        return serialization.load_pem_public_key(block.to_pem())
    except UnsupportedAlgorithm:
        raise InvalidKey(_UNKNOWN_KIND) from None
    except ValueError:
        raise InvalidKey(
            "There is a public key block, but what stands in it is not a whole key. "
            "Copy the whole file again."
        ) from None


def _read(source: str | bytes | os.PathLike[str], wanted: str) -> str:
    """Return the source as PEM-like text with real line ends and no wrapping."""
    if isinstance(source, os.PathLike):
        source = _read_file(Path(source))
    if isinstance(source, bytes):
        source = _decode(source, wanted)
    if not isinstance(source, str):
        raise InvalidKey(
            f"The key is of type {type(source).__name__}. {wanted}, as str, bytes or pathlib.Path."
        )
    text = source.lstrip("\ufeff").strip().strip("'\"").strip()
    if not text:
        raise InvalidKey(f"The key is empty. {wanted}: is the environment variable set?")
    text = _mend_line_ends(text)
    if "-----BEGIN" in text:
        return text
    return _unwrap_base64(text) or text


def _mend_line_ends(text: str) -> str:
    """Return the text with real line ends, also for literal ones, escaped once or more."""
    text = _LITERAL_LINE_END.sub("\n", _LITERAL_RETURN.sub("", text))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        problem = "does not exist"
    except IsADirectoryError:
        problem = "is a folder, not a file"
    except PermissionError:
        problem = "may not be read by this user"
    except (OSError, ValueError):
        problem = "cannot be read"
    shown = "" if _may_be_a_key(str(path)) else f" {path}"
    raise InvalidKey(f"The key file{shown} {problem}. Set the path of the PEM file.")


def _may_be_a_key(path: str) -> bool:
    """Tell whether a path may be the key itself, or part of it, made a Path by mistake."""
    if len(path) > 150 or not path.isprintable():
        return True
    return "-----" in path or _LIKE_BASE64.search(path) is not None


def _decode(data: bytes, wanted: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # what Windows calls Unicode
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidKey(
            f"The key is binary data (perhaps DER). {wanted}: "
            "openssl pkey -inform DER -in key.der -out key.pem"
        ) from None


def _unwrap_base64(text: str) -> str | None:
    """Return the PEM text that the base64 text holds, or None where it holds none."""
    try:
        inner = base64.b64decode("".join(text.split()), validate=True).decode("utf-8-sig")
    except (binascii.Error, ValueError):
        return None
    return _mend_line_ends(inner) if "-----BEGIN" in inner else None


def _find_block(text: str, labels: tuple[str, ...], wanted: str) -> _Block:
    """Return the first block with one of the labels, or say what is there instead."""
    blocks = list(starmap(_Block, _BLOCK.findall(text)))
    for block in blocks:
        if block.label in labels:
            return block
    if blocks:
        raise InvalidKey(_what_it_is(blocks[0].label, wanted))
    begun = _BEGIN.search(text)
    if begun and begun[1] in labels:
        raise InvalidKey(
            "The key begins but does not end: its -----END----- line is missing. A variable that "
            "holds several lines is often cut after the first: use \\n, base64 or a pathlib.Path."
        )
    if begun:
        raise InvalidKey(_what_it_is(begun[1], wanted))
    if len(text) < 512 and _FILE_NAME.fullmatch(text):
        raise InvalidKey(f"The key looks like the name of a file. {wanted}, or a pathlib.Path.")
    raise InvalidKey(f"The key is not PEM text, nor base64 of it. {wanted}, or a pathlib.Path.")


def _what_it_is(label: str, wanted: str) -> str:
    """Say what a PEM block is that is not the one wanted."""
    if label in _PUBLIC:
        return f"This is a public key. {wanted}; the public one is what CloudFront is given."
    if label in _PRIVATE:
        return f"This is a private key. {wanted}; keep the private one secret."
    if "CERTIFICATE" in label:
        return f"This is a certificate. {wanted}; CloudFront's signing keys have no certificate."
    if label == "OPENSSH PRIVATE KEY":
        return (
            f"This is an OpenSSH key. {wanted}; make a key with openssl, or convert a copy: "
            "ssh-keygen -p -m PEM -f copy_of_key"
        )
    return f"This is a block of kind {label}. {wanted}, of an RSA 2048 or ECDSA P-256 key."
