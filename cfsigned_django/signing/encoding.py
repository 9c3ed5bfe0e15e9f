"""Encode and decode values as CloudFront does.

There are two encodings: CloudFront's variant of base64, and the percent-
encoding with which the URL that is signed is also the URL that a client sends.
"""

from __future__ import annotations

import binascii
import re
from urllib.parse import quote, unquote

from cfsigned_django.signing.exceptions import InvalidUrl

#: Query parameters that belong to CloudFront (developer guide, "Use signed
#: URLs": the union of the canned and the custom page).
RESERVED_PARAMETERS = frozenset({"Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"})

#: CloudFront's quota "Maximum length of a URL", in bytes.
MAX_URL_LENGTH = 8192

_TO_CLOUDFRONT = bytes.maketrans(b"+=/", b"-_~")
_FROM_CLOUDFRONT = bytes.maketrans(b"-_~", b"+=/")
_CLOUDFRONT_BASE64 = re.compile(r"[A-Za-z0-9~-]*_{0,2}", re.ASCII)

_URL = re.compile(
    r"(https?)://([a-z0-9][a-z0-9._-]*(?::[0-9]{1,5})?)(/[^?]*)?(?:\?(.*))?",
    re.ASCII | re.DOTALL | re.IGNORECASE,
)
# The common case: nothing to encode, no query, nothing reserved. The quantifiers are
# possessive (*+), so that a URL that does not match is rejected in linear time.
_READY = r"[A-Za-z0-9/._~!$&'()*,;=:@-]*+"
_READY_URL = re.compile(
    r"https?://[a-z0-9][a-z0-9._-]*+(?::[0-9]{1,5})?/"
    rf"{_READY}(?:%[0-9A-Fa-f]{{2}}{_READY})*+"
)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

# Characters that a client may rewrite are encoded before signing: `+` in paths, since
# S3 reads it as a space, and `'` in queries, since browsers send it as %27.
_PATH_SAFE = "/:@!$&'()*,;=~%"
_QUERY_SAFE = "/:@!$&()*,;=~%?+"


def encode_base64(data: bytes) -> str:
    """Return bytes in CloudFront's base64: one line, with ``-_~`` for ``+=/``.

    This is not base64url: the padding is kept, as ``_``.
    """
    return binascii.b2a_base64(data, newline=False).translate(_TO_CLOUDFRONT).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Return the bytes of a text in CloudFront's base64, exactly as the encoder writes it.

    Raise :exc:`ValueError` for another alphabet, missing padding, or unused
    bits that are not zero: two texts must never stand for the same bytes.
    """
    if len(text) % 4 or not _CLOUDFRONT_BASE64.fullmatch(text):
        raise ValueError("not CloudFront base64")
    data = binascii.a2b_base64(text.encode("ascii").translate(_FROM_CLOUDFRONT))
    if encode_base64(data) != text:
        raise ValueError("not canonical CloudFront base64")
    return data


def encode_url(url: str) -> str:
    """Return the URL as the client will send it, which is what must be signed.

    Spaces, control characters, non-ASCII text (as UTF-8, without normalizing)
    and the characters that RFC 3986 does not allow are percent-encoded, and so
    are ``'`` in a query and ``+`` in a path. Existing escapes are kept. Scheme
    and host are lowercased, and a ``?`` without a query is removed.

    Raise :exc:`InvalidUrl` for a URL that is not ``http(s)://host/...``, or
    that has a fragment, credentials or a parameter reserved for CloudFront.
    """
    if _READY_URL.fullmatch(url):
        return url
    if "#" in url:
        raise InvalidUrl(
            "The URL has a fragment (#...), which clients never send. "
            "Encode a # in a name as %23, or remove the fragment."
        )
    match = _URL.fullmatch(url)
    if match is None:
        raise InvalidUrl(
            "The URL must be absolute: http:// or https://, the distribution's domain name in "
            "ASCII, and a path. It must not have a user name or password."
        )
    scheme, host, path, query = match.groups()
    encoded = f"{scheme.lower()}://{host.lower()}{encode_path(path or '/')}"
    return f"{encoded}?{encode_query(query)}" if query else encoded


# The form of each byte of a name in a path. It is that of Django's filepath_to_uri(), except for
# `*`, which a policy would read as a wildcard.
_NAME_SAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~/!()'"
_ENCODED = tuple(chr(byte) if byte in _NAME_SAFE else f"%{byte:02X}" for byte in range(256))


def encode_name(name: str) -> str:
    """Return a file name as a path, with all characters encoded that have a meaning in a URL.

    ``%`` is encoded as well: a name contains no escapes. Raise
    :exc:`UnicodeEncodeError` for a lone surrogate.
    """
    raw = name.encode()
    if raw.translate(None, _NAME_SAFE):
        return "".join([_ENCODED[byte] for byte in raw])
    return name


def encode_path(path: str) -> str:
    """Return the path with unsafe characters percent-encoded; existing escapes are kept."""
    return _quote(path, _PATH_SAFE)


def decode_path(path: str) -> str:
    """Return the path with its escapes decoded; a ``%`` that does not start one stays.

    Raise :exc:`ValueError` if that is not UTF-8.
    """
    # unquote() loops over the escapes, of which a text from outside may have a million.
    raw = _BROKEN_ESCAPE.sub("%25", path).encode().replace(b"\\", b"%5C").replace(b"%", b"\\x")
    return raw.decode("unicode_escape").encode("latin-1").decode()


def encode_query(query: str) -> str:
    """Return the query with unsafe characters percent-encoded; existing escapes are kept.

    Raise :exc:`InvalidUrl` if it already has one of CloudFront's parameters.
    """
    for segment in query.split("&"):
        name = unquote(segment.partition("=")[0])
        if name in RESERVED_PARAMETERS:
            raise InvalidUrl(
                f"The URL already has a parameter {name}, which is reserved for CloudFront. "
                "Sign the URL without it, or rename the parameter."
            )
    return _quote(query, _QUERY_SAFE)


def split_query(query: str) -> tuple[list[str], list[str]]:
    """Return CloudFront's own ``name=value`` segments of a raw query, and all others."""
    reserved: list[str] = []
    others: list[str] = []
    for segment in query.split("&"):
        name = segment.partition("=")[0]
        (reserved if name in RESERVED_PARAMETERS else others).append(segment)
    return reserved, others


def _quote(text: str, safe: str) -> str:
    try:
        # A % that does not start an escape is an ordinary character: %25.
        return quote(_BROKEN_ESCAPE.sub("%25", text), safe=safe)
    except UnicodeEncodeError:
        raise InvalidUrl(
            "The URL contains a lone surrogate, which cannot be encoded as UTF-8. Rename the file."
        ) from None
