"""Read keys in the forms that environment variables really have.

A PEM file that went through a shell, a YAML file or a web form comes back
with literal ``\\n``, on one line, in quotes, behind a BOM or in base64. This
module undoes all of that. It refuses anything else, and says what it found.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
import textwrap
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from cfsigned_django.signing.exceptions import InvalidKey

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
#: In characters; a key has up to 1,800. To find a block takes quadratic time.
_LONGEST = 64 * 1024
_LITERAL_RETURN, _LITERAL_LINE_END = re.compile(r"\\+r"), re.compile(r"\\+n")
# An encrypted PKCS#1 or SEC1 block begins with two header lines.
_HEADERS = re.compile(r"\s*(Proc-Type: \S+)\s+(DEK-Info: \S+)\s+")

# One line that ends like a key file, or begins like a path.
_FILE_NAME = re.compile(r"(?:/|~/|\.{1,2}/|[A-Za-z]:[\\/]).+|.*\.(?:pem|key|txt)")
# 40 characters of base64 in a row; a path has nearly only lowercase letters and slashes.
_LIKE_BASE64 = re.compile(r"(?=[A-Za-z0-9+/=]{40})(?:[a-z/]*[A-Z0-9+=]){5}")

_PRIVATE = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
_PUBLIC = ("PUBLIC KEY", "RSA PUBLIC KEY")
_WANT_PRIVATE = "Set the private key in PEM (-----BEGIN PRIVATE KEY-----)"
_WANT_PUBLIC = "Set the public key in PEM (-----BEGIN PUBLIC KEY-----)"
_UNKNOWN_KIND = (
    "This installation cannot read this kind of key. "
    "CloudFront accepts RSA 2048 and ECDSA P-256 (prime256v1) keys. Create one of these."
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
    """Return cryptography's private key object, of any kind.

    Raise :exc:`InvalidKey`. The local variables of this module's frames hold
    the key: the caller must not let them travel with the exception.
    """
    if isinstance(source, os.PathLike) and find_access(source).others_write:
        raise InvalidKey(
            f"The key file{_shown(str(source))} can be changed by other users, who could then "
            "sign for this site with their own key. Run chmod 600 on it."
        )
    block = _find_block(_read(source, _WANT_PRIVATE), _PRIVATE, _WANT_PRIVATE)
    encrypted = "ENCRYPTED" in block.label or "ENCRYPTED" in block.body
    if encrypted and not password:
        raise InvalidKey(
            "The private key is encrypted, and no password was given. Decrypt it: openssl pkey -in "
            "encrypted.pem -out key.pem. (No setting takes a password; PrivateKey.load() does.)"
        )
    if not encrypted:
        password = None  # The library refuses a password that is not needed.
    try:
        if isinstance(password, str):
            # Restore the bytes that os.environ could not decode.
            password = password.encode("utf-8", "surrogateescape")
        return serialization.load_pem_private_key(block.to_pem(), password=password)
    except UnsupportedAlgorithm:
        raise InvalidKey(_UNKNOWN_KIND) from None
    except (ValueError, TypeError):
        if encrypted:
            raise InvalidKey(
                "The private key is encrypted and cannot be decrypted with this password. "
                "Check the password."
            ) from None
        raise InvalidKey(
            "There is a private key block, but its content is not a whole key: it was cut off "
            "or changed on the way. Copy the whole file again, or set its path as a pathlib.Path."
        ) from None


def load_public_key(source: str | bytes | os.PathLike[str]) -> object:
    """Return cryptography's public key object, of any kind.

    Raise :exc:`InvalidKey`, which says what was found and what is expected.
    """
    block = _find_block(_read(source, _WANT_PUBLIC), _PUBLIC, _WANT_PUBLIC)
    try:
        return serialization.load_pem_public_key(block.to_pem())
    except UnsupportedAlgorithm:
        raise InvalidKey(_UNKNOWN_KIND) from None
    except ValueError:
        raise InvalidKey(
            "There is a public key block, but its content is not a whole key. "
            "Copy the whole file again."
        ) from None


def _read(source: str | bytes | os.PathLike[str], wanted: str) -> str:
    """Return the source as text like PEM: real line ends, no quotes around it, no base64."""
    if isinstance(source, os.PathLike):
        source = _read_file(source)
    if isinstance(source, bytes):
        source = _decode(source, wanted)
    if not isinstance(source, str):
        raise InvalidKey(
            f"The key is of type {type(source).__name__}. {wanted}, as str, bytes or pathlib.Path."
        )
    if len(source) > _LONGEST:
        raise InvalidKey(
            f"The key has more than {_LONGEST} characters, more than one key has. {wanted}."
        )
    text = source.lstrip("\ufeff").strip().strip("'\"").strip()
    if not text:
        raise InvalidKey(f"The key is empty. {wanted}. Is the environment variable set?")
    text = _restore_line_ends(text)
    if "-----BEGIN" in text:
        return text
    return _unwrap_base64(text) or text


def _restore_line_ends(text: str) -> str:
    """Return the text with real line ends for literal ones, escaped once or more."""
    text = _LITERAL_LINE_END.sub("\n", _LITERAL_RETURN.sub("", text))
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAccess:
    """Who can access a file, besides its owner and root."""

    others_read: bool = False
    others_write: bool = False
    #: The user ID of an owner who is neither root nor the user of this process.
    foreign_owner: int | None = None


def find_access(path: os.PathLike[str]) -> FileAccess:
    """Return who can access a file; nothing if that is not known, as on Windows.

    A group that can read it is not an other: servers give files to their group.
    """
    try:
        status = os.stat(path)
        users = (0, os.geteuid())
    except (OSError, ValueError, TypeError, AttributeError):
        return FileAccess()  # what is wrong shows when it is read
    return FileAccess(
        others_read=bool(status.st_mode & stat.S_IROTH),
        others_write=bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)),
        foreign_owner=None if status.st_uid in users else status.st_uid,
    )


def _read_file(source: os.PathLike[str]) -> bytes:
    try:
        path = Path(os.fsdecode(source))
    except (TypeError, ValueError):
        raise InvalidKey("The key is not a valid path. Set the path of the PEM file.") from None
    try:
        return path.read_bytes()
    except FileNotFoundError:
        problem = "does not exist"
    except IsADirectoryError:
        problem = "is a folder, not a file"
    except PermissionError:
        problem = "is not readable by this user"
    except (OSError, ValueError):
        problem = "cannot be read"
    raise InvalidKey(f"The key file{_shown(str(path))} {problem}. Set the path of the PEM file.")


def _shown(path: str) -> str:
    return "" if _may_be_a_key(path) else f" {path}"


def _may_be_a_key(path: str) -> bool:
    """Return whether a path may be the key itself, or part of it, made a Path by mistake."""
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
            f"The key is binary data, perhaps DER. {wanted}. Convert DER: "
            "openssl pkey -inform DER -in key.der -out key.pem"
        ) from None


def _unwrap_base64(text: str) -> str | None:
    """Return the PEM text inside base64, or None if there is none."""
    try:
        inner = base64.b64decode("".join(text.split()), validate=True).decode("utf-8-sig")
    except (binascii.Error, ValueError):
        return None
    return _restore_line_ends(inner) if "-----BEGIN" in inner else None


def _find_block(text: str, labels: tuple[str, ...], wanted: str) -> _Block:
    """Return the first block with one of the labels; raise :exc:`InvalidKey` without one."""
    for block in starmap(_Block, _BLOCK.findall(text)):
        if block.label in labels:
            return block
    begun = _BEGIN.search(text)
    if begun and begun[1] in labels:
        raise InvalidKey(
            "The key has no end: its -----END----- line is missing. A variable with several lines "
            "is often cut off after the first: use literal \\n, base64 or a pathlib.Path."
        )
    if begun:
        raise InvalidKey(_describe_block(begun[1], wanted))
    if len(text) < 512 and _FILE_NAME.fullmatch(text):
        raise InvalidKey(f"The key looks like a file name. {wanted}, or a pathlib.Path.")
    raise InvalidKey(f"The key is not PEM text, nor base64 of it. {wanted}, or a pathlib.Path.")


def _describe_block(label: str, wanted: str) -> str:
    """Return an error about a PEM block that is not the expected one."""
    if label in _PUBLIC:
        return f"This is a public key. {wanted}. The public key belongs in CloudFront."
    if label in _PRIVATE:
        return f"This is a private key. {wanted}. Keep the private key secret."
    if "CERTIFICATE" in label:
        return f"This is a certificate. {wanted}. CloudFront's signing keys have no certificate."
    if label == "OPENSSH PRIVATE KEY":
        return (
            f"This is an OpenSSH key. {wanted}. Create a key with openssl, or convert a copy: "
            "ssh-keygen -p -m PEM -f copy_of_key"
        )
    return f"This is a PEM block named {label}. {wanted}, of an RSA 2048 or ECDSA P-256 key."
