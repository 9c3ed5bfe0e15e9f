"""Build the query parameters that S3 reads behind CloudFront.

boto3 and S3 spell them differently, and a query wants ``%20`` where a form
has ``+``. S3 honours the ``response-*`` parameters only where the behavior's
origin request policy forwards them (developer guide, "Use managed origin
request policies").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from cfsigned_django.signing.encoding import RESERVED_PARAMETERS

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
# What else GetObject takes goes into headers, which a link cannot carry.
_HEADERS = re.compile(
    r"Bucket|Key|If(?:None)?Match|If(?:Unm|M)odifiedSince|Range|SSECustomer\w+|RequestPayer"
    r"|ExpectedBucketOwner|ChecksumMode"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOT_SIMPLE = re.compile(r"[^\x20-\x7e]+|[\"\\%/]")


def build_query(parameters: Mapping[str, Any] | None, download: str | None = None) -> str:
    """Return the query, without its ``?``; empty where there is nothing to say.

    ``download`` is the file name under which browsers shall save. Raise
    :exc:`ValueError` for names that belong to CloudFront, for what only a
    header can say, and for one parameter under two names.
    """
    named: dict[str, Any] = {}
    for given, value in (parameters or {}).items():
        name = _s3_name(str(given))
        if name in named:
            raise ValueError(f"The parameter {name} is given twice, under boto3's and S3's name.")
        named[name] = value
    if download is not None:
        if "response-content-disposition" in named:
            raise ValueError(
                "Give either download or the parameter ResponseContentDisposition, not both."
            )
        named["response-content-disposition"] = content_disposition(download)
    return "&".join(f"{quote(name, safe='')}={_value(name, named[name])}" for name in named)


def content_disposition(filename: str) -> str:
    """Return the Content-Disposition (RFC 6266) that saves under the name.

    A name that is not plain ASCII is given twice: in ``filename*`` for every
    current browser, and with ``_`` for what ASCII lacks in ``filename``.
    Raise :exc:`ValueError` for an empty name or one with control characters.
    """
    if not filename.strip() or _CONTROL.search(filename):
        raise ValueError(
            f"download is {filename!r}: a file name without control characters is wanted."
        )
    fallback = _NOT_SIMPLE.sub("_", filename)
    header = f'attachment; filename="{fallback}"'
    if fallback != filename:
        header += f"; filename*=UTF-8''{quote(filename, safe='')}"
    return header


def _s3_name(name: str) -> str:
    if name in RESERVED_PARAMETERS:
        raise ValueError(
            f"The parameter {name} belongs to CloudFront's signature. Give yours another name."
        )
    if _HEADERS.fullmatch(name):
        raise ValueError(
            f"The parameter {name} of boto3's GetObject is not one that a link can carry. "
            "Leave it out, or read the object through the storage's open()."
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
