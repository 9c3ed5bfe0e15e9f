"""Let the site's pages read and upload files across origins: the CORS rules of a bucket.

S3 User Guide: "Elements of a CORS configuration". S3 uses the first rule that
fits a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.model.response_headers import cors_allows

RULE_ID: Final = "cfsigned"
UPLOAD_RULE_ID: Final = "cfsigned-upload"
_METHODS: Final = {RULE_ID: ("GET", "HEAD"), UPLOAD_RULE_ID: ("POST", "PUT")}


def cors_rule(origins: Sequence[str], rule_id: str = RULE_ID) -> Document:
    """Return the rule that lets pages of the origins read files, or upload them."""
    return {
        "ID": rule_id,
        "AllowedHeaders": ["*"],
        "AllowedMethods": list(_METHODS[rule_id]),
        "AllowedOrigins": list(origins),
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3000,
    }


def missing_origins(
    rules: Iterable[Mapping[str, Any]] | None, origins: Sequence[str], rule_id: str = RULE_ID
) -> list[str]:
    """Return the origins whose pages may not read files with GET and HEAD.

    For uploads, they may not send them with POST and PUT and a content type, or not see their
    ETag: a script needs it to complete an upload in parts.
    """
    present = list(rules or ())
    return [
        origin
        for origin in dict.fromkeys(origins)
        if not all(_allows(present, origin, method, rule_id) for method in _METHODS[rule_id])
    ]


def echoes_origins(rules: Iterable[Mapping[str, Any]] | None, origins: Sequence[str] = ()) -> bool:
    """Return whether S3 names one of several origins in Access-Control-Allow-Origin.

    If it does, a cached copy for one origin is wrong for the others. The origins are those
    of the rules and the given ones. If a rule is for all origins, S3 answers "*".
    """
    allowed = {
        origin
        for rule in rules or ()
        if "GET" in rule.get("AllowedMethods", ())
        for origin in rule.get("AllowedOrigins", ())
    }
    if allowed <= {"*"}:
        return False
    return len({*allowed, *origins}) > 1 or any("*" in each for each in allowed)


def _allows(rules: Iterable[Mapping[str, Any]], origin: str, method: str, rule_id: str) -> bool:
    fitting = [
        rule
        for rule in rules
        if method in rule.get("AllowedMethods", ())
        and any(cors_allows(each, origin) for each in rule.get("AllowedOrigins", ()))
    ]
    if rule_id == RULE_ID:
        return bool(fitting)
    # A preflight gets the first rule that allows its headers as well; the upload, the first.
    headers = {each.lower() for rule in fitting for each in rule.get("AllowedHeaders", ())}
    return any(cors_allows(each, "content-type") for each in headers) and "ETag" in fitting[0].get(
        "ExposeHeaders", ()
    )
