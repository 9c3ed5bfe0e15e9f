"""Translate to and from what CloudFront puts on the wire.

Two encodings meet here: CloudFront's variant of base64, and the percent-
encoding that makes the URL that is signed the URL that the client sends.
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
# The common case in one look: nothing to encode, no query, nothing reserved. The
# quantifiers give nothing back (++, *+): the time to say no must stay linear.
_READY_URL = re.compile(
    r"https?://[a-z0-9][a-z0-9._-]*(?::[0-9]{1,5})?/"
    r"(?:[A-Za-z0-9/._~!$&'()*,;=:@-]++|%[0-9A-Fa-f]{2})*+"
)
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

# What a client may rewrite on its way out is encoded before it is signed.
# `+` goes from paths because S3 reads a bare one as a space, and `'` from
# queries because browsers send it as %27 there.
_PATH_SAFE = "/:@!$&'()*,;=~%"
_QUERY_SAFE = "/:@!$&()*,;=~%?+"


def encode_base64(data: bytes) -> str:
    """Encode bytes in CloudFront's base64: one line, ``+=/`` become ``-_~``.

    This is not base64url: the padding stays, as ``_``.
    """
    return binascii.b2a_base64(data, newline=False).translate(_TO_CLOUDFRONT).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Decode CloudFront's base64, and only the one spelling that the encoder gives.

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
    """Return the URL as it will go over the wire, which is what must be signed.

    Spaces, control characters, non-ASCII text (as UTF-8, without normalising)
    and the characters that RFC 3986 does not allow are percent-encoded, as
    are ``'`` in a query and ``+`` in a path; what is already encoded stays as
    it is. Scheme and host become lower case, and a ``?`` with nothing behind
    it goes.

    Raise :exc:`InvalidUrl` for a URL that is not ``http(s)://host/...``, has a
    fragment, credentials or a parameter that belongs to CloudFront.
    """
    if _READY_URL.fullmatch(url):
        return url
    if "#" in url:
        raise InvalidUrl(
            "The URL has a fragment (#...), which clients never send. "
            "Encode a # that is part of a name as %23, or leave the fragment out."
        )
    match = _URL.fullmatch(url)
    if match is None:
        raise InvalidUrl(
            "The URL must be absolute, http:// or https:// followed by the domain name of the "
            "distribution in ASCII and a path, without user name or password."
        )
    scheme, host, path, query = match.groups()
    encoded = f"{scheme.lower()}://{host.lower()}{encode_path(path or '/')}"
    return f"{encoded}?{encode_query(query)}" if query else encoded


# What stands for each byte of a name in a path: what Django's filepath_to_uri() makes of it, but
# for `*`, which a policy would take for a wildcard.
_NAME_SAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~/!()'"
_ENCODED = tuple(chr(byte) if byte in _NAME_SAFE else f"%{byte:02X}" for byte in range(256))


def encode_name(name: str) -> str:
    """Return the path of a file of this name: each character that means something is encoded.

    A ``%`` is one of them: a name is data, and holds no escapes. Raise
    :exc:`UnicodeEncodeError` for a lone surrogate.
    """
    raw = name.encode()
    if raw.translate(None, _NAME_SAFE):
        return "".join([_ENCODED[byte] for byte in raw])
    return name  # Nothing is left of it but what stays as it is.


def encode_path(path: str) -> str:
    """Percent-encode what a path cannot carry; escapes that are there stay."""
    return _quote(path, _PATH_SAFE)


def encode_query(query: str) -> str:
    """Percent-encode what a query cannot carry.

    Raise :exc:`InvalidUrl` where it already holds a parameter of CloudFront.
    """
    for segment in query.split("&"):
        name = unquote(segment.partition("=")[0])
        if name in RESERVED_PARAMETERS:
            raise InvalidUrl(
                f"The URL already has a parameter {name}, which belongs to CloudFront. "
                "Sign the URL without it, or give the parameter another name."
            )
    return _quote(query, _QUERY_SAFE)


def split_query(query: str) -> tuple[list[str], list[str]]:
    """Part a raw query into CloudFront's own ``name=value`` segments and all others."""
    reserved: list[str] = []
    others: list[str] = []
    for segment in query.split("&"):
        name = segment.partition("=")[0]
        (reserved if name in RESERVED_PARAMETERS else others).append(segment)
    return reserved, others


def _quote(text: str, safe: str) -> str:
    try:
        # A % that starts no escape is a character of its own: %25.
        return quote(_BROKEN_ESCAPE.sub("%25", text), safe=safe)
    except UnicodeEncodeError:
        raise InvalidUrl(
            "The URL holds a lone surrogate, which has no UTF-8 form. Mend the name of the file."
        ) from None
