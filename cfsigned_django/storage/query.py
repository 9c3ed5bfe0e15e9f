"""Build the query parameters that S3 reads behind CloudFront.

boto3 and S3 spell them differently, and a space is ``%20`` in a query, not
``+`` as in a form. S3 honors the ``response-*`` parameters only if the origin
request policy of the behavior forwards them (developer guide, "Use managed
origin request policies").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set as AbstractSet
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, TypeAlias
from urllib.parse import quote

from django.utils.functional import Promise

from cfsigned_django.signing.encoding import RESERVED_PARAMETERS
from cfsigned_django.storage.names import is_unsafe

#: boto3's name for a parameter of GetObject -> S3's name in the query.
S3_NAMES: Mapping[str, str] = {
    "PartNumber": "partNumber",
    "ResponseCacheControl": "response-cache-control",
    "ResponseContentDisposition": "response-content-disposition",
    "ResponseContentEncoding": "response-content-encoding",
    "ResponseContentLanguage": "response-content-language",
    "ResponseContentType": "response-content-type",
    "ResponseExpires": "response-expires",
    "VersionId": "versionId",
}
# All other parameters of GetObject become headers, which a URL cannot carry.
_HEADERS = re.compile(
    r"Bucket|Key|If(?:None)?Match|If(?:Unm|M)odifiedSince|Range|SSECustomer\w+|RequestPayer"
    r"|ExpectedBucketOwner|ChecksumMode"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# They change the direction or the lines of a text: with them, "exe.pdf" may be shown for a program.
_REORDERING = re.compile(r"[\u2028-\u202e\u2066-\u2069]")
_NOT_SIMPLE = re.compile(r"[^\x20-\x7e]+|[\"\\%/]")


#: ``download`` and ``inline``: no, the file's own name, or a name, which may be a translation.
FileName: TypeAlias = str | Promise | bool | None


def build_query(parameters: Mapping[str, Any] | None) -> str:
    """Return the query without its ``?``; empty if there are no parameters.

    Raise :exc:`ValueError` for a name that belongs to CloudFront, a parameter
    that S3 reads from a header only, and one parameter given under two names.
    """
    named: dict[str, Any] = {}
    for given, value in (parameters or {}).items():
        name = _s3_name(str(given))
        if name in named:
            raise ValueError(
                f"The parameter {name} is given twice, under boto3's name and S3's. Give one."
            )
        named[name] = value
    return "&".join(f"{quote(name, safe='')}={_value(name, named[name])}" for name in named)


def add_disposition(
    parameters: Mapping[str, Any] | None,
    name: str | None,
    download: FileName,
    inline: FileName,
    attachment_types: AbstractSet[str] = frozenset(),
) -> dict[str, Any]:
    """Return the parameters, and the Content-Disposition of a file of this name, if requested.

    ``download`` and ``inline`` are None or False for no, True or an empty text
    for the file's own base name, or another name. Raise :exc:`TypeError` for
    anything else, and :exc:`ValueError` if both are given. If neither is, and the
    parameters have none, browsers save a file of ``attachment_types``, or of no known type.
    """
    named = dict(parameters or {})
    has_one = "ResponseContentDisposition" in named or "response-content-disposition" in named
    wanted = {
        argument: value
        for argument, value in (("download", download), ("inline", inline))
        if value is not None and value is not False  # not by ==, since 0 equals False
    }
    if len(wanted) > 1:
        raise ValueError("Give either download or inline: a file is saved or shown.")
    for argument, value in wanted.items():
        if has_one:
            raise ValueError(
                f"Give either {argument} or the parameter ResponseContentDisposition, not both."
            )
        filename = "" if value is True else value
        if not isinstance(filename, str | Promise):
            raise TypeError(
                f"{argument} is an object of type {type(filename).__name__}. It must be a file "
                "name, True for the file's own name, or None or False for no."
            )
        own_name = re.split(r"[\\/]", str(name))[-1]
        kind = "attachment" if argument == "download" else "inline"
        named["ResponseContentDisposition"] = content_disposition(str(filename) or own_name, kind)
    if attachment_types and not wanted and not has_one and is_unsafe(str(name), attachment_types):
        named["ResponseContentDisposition"] = "attachment"
    return named


def content_disposition(filename: str, kind: str = "attachment") -> str:
    """Return the Content-Disposition (RFC 6266) of a file with this name.

    Browsers save an ``attachment``, and show what is ``inline``. A name that is
    not plain ASCII is given twice: in full in ``filename*``, which every current
    browser reads, and in ``filename`` with ``_`` for other characters. In both,
    ``_`` stands for what changes the direction of a text. Raise :exc:`ValueError`
    if the name is empty or has control characters.
    """
    if not filename.strip() or _CONTROL.search(filename):
        raise ValueError(
            f"{'inline' if kind == 'inline' else 'download'} is {filename!r}. It must be a file "
            "name, without control characters."
        )
    filename = _REORDERING.sub("_", filename)
    fallback = _NOT_SIMPLE.sub("_", filename)
    header = f'{kind}; filename="{fallback}"'
    if fallback != filename:
        header += f"; filename*=UTF-8''{quote(filename, safe='')}"
    return header


def _s3_name(name: str) -> str:
    if name in RESERVED_PARAMETERS:
        raise ValueError(
            f"The parameter {name} belongs to CloudFront's signature. Use another name."
        )
    if _HEADERS.fullmatch(name):
        raise ValueError(
            f"The parameter {name} of boto3's GetObject is a header, which a URL cannot carry. "
            "Leave it out, or read the object with the storage's open()."
        )
    return S3_NAMES.get(name, name)


def _value(name: str, value: Any) -> str:
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError(
                f"The parameter {name} is a datetime without a time zone. Make it aware, for "
                "example with django.utils.timezone.now()."
            )
        value = format_datetime(value.astimezone(UTC), usegmt=True)
    return quote(value if isinstance(value, bytes) else str(value), safe="")


def join_query(address: str, query: str) -> str:
    """Return the address, followed by the query if it is not empty."""
    return f"{address}?{query}" if query else address
